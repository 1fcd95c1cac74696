/** Which certificates another one has signed. */
import { type Certificate, isSame } from './certificate.ts'

const checked = new WeakMap<Certificate, WeakMap<Certificate, boolean>>()

/**
 * Those that say to be issued by `issuer` and carry a signature of its key. Each pair is checked once for as long as both
 * are held, so those of a trust root once for all the images that it is asked about. What the issuer may do is not asked.
 */
export function issuedBy(issuer: Certificate, candidates: readonly Certificate[]): readonly Certificate[] {
  // RFC 5280, section 7.1, would have names compared as text; authorities copy them, and bytes can be read in one way only.
  return candidates.filter(one => isSame(one.issuer, issuer.subject) && isSigned(one, issuer))
}

function isSigned(certificate: Certificate, issuer: Certificate): boolean {
  const byIssuer = checked.get(issuer) ?? new WeakMap<Certificate, boolean>()
  const known = byIssuer.get(certificate)
  if (known !== undefined) return known
  const answer = certificate.x509.verify(issuer.x509.publicKey)
  byIssuer.set(certificate, answer)
  checked.set(issuer, byIssuer)
  return answer
}
