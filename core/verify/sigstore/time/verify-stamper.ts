/** Whether a certificate was one of a timestamp authority that the trust root names, at the moment that it stamped. */
import type { Refusal } from '#core/domain/refusal.ts'
import { mostTelling, refusal } from '#core/domain/refusal.ts'
import type { DecodedAuthority } from '../certificate/authority.ts'
import { type Certificate, isSame } from '../certificate/certificate.ts'
import { isRelated, verifyPath } from '../certificate/path.ts'
import { PURPOSE } from '../certificate/usage.ts'
import { nameOf } from '../certificate/words.ts'

export type Stamper = {
  readonly kind: 'stamper'
  /** What the trust root calls the authority. */
  readonly authority: string
}

/** `embedded` are certificates that may lie between this one and a root; `at` is in milliseconds since 1970. */
export function verifyStamper(
  certificate: Certificate,
  embedded: readonly Certificate[],
  authorities: readonly DecodedAuthority[],
  at: number,
): Stamper | Refusal {
  const fault = faultOf(certificate)
  if (fault !== undefined)
    return refusal(
      'time.untrusted',
      `expected a certificate for timestamps and nothing else, got ${nameOf(certificate)}, which ${fault}`,
    )
  const [refusals, related]: [Refusal[], Refusal[]] = [[], []]
  for (const authority of authorities) {
    const found = verifyUnder(authority, certificate, embedded, at)
    if (found.kind === 'stamper') return found
    refusals.push(found)
    if (isRelated(certificate, embedded, authority)) related.push(found)
  }
  // An authority that never knew the certificate is heard where no other did.
  return (
    mostTelling(related) ??
    mostTelling(refusals) ??
    refusal('time.untrusted', 'expected a timestamp authority in the trust root, got none')
  )
}

/** RFC 3161, section 2.3: one purpose, and critical, so that a key in use for something else cannot be made to stamp. */
function faultOf(certificate: Certificate): string | undefined {
  const { isCa, extendedKeyUsage: purposes, isExtendedKeyUsageCritical } = certificate
  if (isCa) return 'may issue certificates'
  if (purposes?.length !== 1 || purposes[0] !== PURPOSE.timeStamping)
    return `is for ${purposes?.join(', ') ?? 'anything'}`
  if (!isExtendedKeyUsageCritical) return 'does not insist on it'
  return maySign(certificate) ? undefined : 'may not sign'
}

/** RFC 5280, section 4.2.1.12: either goes with timestamps. */
function maySign({ keyUsage }: Certificate): boolean {
  return keyUsage === undefined || keyUsage.has('digitalSignature') || keyUsage.has('contentCommitment')
}

function verifyUnder(
  authority: DecodedAuthority,
  certificate: Certificate,
  embedded: readonly Certificate[],
  at: number,
): Stamper | Refusal {
  const [stamping] = authority.certificates
  // Where the trust root names the certificate that stamps, its sisters under the same authority are strangers.
  if (stamping !== undefined && !stamping.isCa && !isSame(stamping.der, certificate.der))
    return refusal(
      'time.untrusted',
      `expected ${nameOf(stamping)} with the number ${stamping.serial}, got ${nameOf(certificate)} with the number ${certificate.serial}`,
    )
  const path = verifyPath(certificate, embedded, authority, at)
  if (path.kind === 'path') return { kind: 'stamper', authority: path.authority }
  // The certificate is that of the authority here, not of the signer.
  return path.code === 'limit.exceeded' ? path : refusal('time.untrusted', path.detail)
}
