/** The certificates that could be the signer's of a timestamp: those that came with it, and those of the trust root, because Sigstore's authorities send none along. */
import { InputError } from '#core/domain/input-error.ts'
import { decodeDer, TAG } from '#core/verify/der.ts'
import type { DecodedAuthority } from '../certificate/authority.ts'
import { type Certificate, decodeCertificate, isSame } from '../certificate/certificate.ts'
import type { SignerName } from './signer-info.ts'

const SUBJECT_KEY_IDENTIFIER = '2.5.29.14'

/** Those that came along, as far as they can be read: a root from the days of SHA-1 that nobody needs is no fault of the rest. */
export function decodeEmbedded(certificates: readonly Uint8Array[]): readonly Certificate[] {
  return certificates.flatMap(der => {
    try {
      return [decodeCertificate(der)]
    } catch (error) {
      if (error instanceof InputError) return []
      throw error
    }
  })
}

/** All that the signer may mean, each once; which of them it is, its signature says. */
export function candidatesFor(
  name: SignerName,
  embedded: readonly Certificate[],
  authorities: readonly DecodedAuthority[],
): readonly Certificate[] {
  const all = [...authorities.flatMap(({ certificates }) => certificates), ...embedded]
  const meant = all.filter(certificate => isMeant(name, certificate))
  return meant.filter((one, index) => meant.findIndex(other => isSame(other.der, one.der)) === index)
}

function isMeant(name: SignerName, certificate: Certificate): boolean {
  if (name.kind === 'number') return name.serial === certificate.serial && isSame(name.issuer, certificate.issuer)
  const id = keyIdOf(certificate)
  return id !== undefined && isSame(name.id, id)
}

/** RFC 5280, section 4.2.1.2. One that cannot be read is none: nothing else rests on it. */
function keyIdOf({ extensions }: Certificate): Uint8Array | undefined {
  const extension = extensions.get(SUBJECT_KEY_IDENTIFIER)
  if (extension === undefined) return undefined
  try {
    return decodeDer(extension.value, 'the key identifier', TAG.octetString).content
  } catch (error) {
    if (error instanceof InputError) return undefined
    throw error
  }
}
