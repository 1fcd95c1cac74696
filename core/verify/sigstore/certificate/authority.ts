/** The authorities of a trust root, their certificates decoded once for as long as the trust root is held. */
import { decodeBase64 } from '#core/domain/base64.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { CertificateAuthority, Validity } from '#core/domain/trust-root.ts'
import { CERTIFICATE_BYTES, MOST_CERTIFICATES } from '../material.ts'
import { type Certificate, decodeCertificate } from './certificate.ts'

export type DecodedAuthority = {
  readonly name: string
  readonly validFor: Validity
  /** From the one that issues (or stamps) to the root, as the trust root lists them; never empty. */
  readonly certificates: readonly Certificate[]
  /** The last of them: where trust ends. */
  readonly root: Certificate
}

const known = new WeakMap<readonly CertificateAuthority[], readonly DecodedAuthority[]>()

/** Decodes the authorities, in one order however the trust root lists them; throws an InputError that says which of them cannot be read. */
export function decodeAuthorities(authorities: readonly CertificateAuthority[]): readonly DecodedAuthority[] {
  const before = known.get(authorities)
  if (before !== undefined) return before
  const decoded = authorities.toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1)).map(decodeAuthority)
  known.set(authorities, decoded)
  return decoded
}

function orderOf({ name, chain, validFor }: CertificateAuthority): string {
  return JSON.stringify([name, validFor.from, validFor.until, chain])
}

function decodeAuthority({ name, validFor, chain }: CertificateAuthority): DecodedAuthority {
  try {
    if (chain.length > MOST_CERTIFICATES)
      throw new InputError(`expected at most ${MOST_CERTIFICATES} certificates, got ${chain.length}`)
    const certificates = chain.map(text => decodeCertificate(decodeBase64(text, 'a certificate', CERTIFICATE_BYTES)))
    const root = certificates.at(-1)
    if (root === undefined) throw new InputError('expected at least one certificate, got none')
    return { name, validFor, certificates, root }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new InputError(`the authority ${JSON.stringify(name)}: ${error.message}`, { cause: error })
  }
}
