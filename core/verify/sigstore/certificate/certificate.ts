/** X.509 certificates as the rest of the verifier holds them: decoded by us, and by OpenSSL in the same way. Nothing is verified here. */
import { X509Certificate } from 'node:crypto'
import { InputError } from '#core/domain/input-error.ts'
import { parsePemBlock } from '#core/domain/pem.ts'
import type { PublicKey } from '#core/domain/public-key.ts'
import { decodePublicKey } from '#core/domain/public-key.ts'
import { LimitError } from '#core/json/limit-error.ts'
import { CERTIFICATE_BYTES } from '../material.ts'
import { type CertificateFields, decodeFields } from './fields.ts'

export type Certificate = Omit<CertificateFields, 'spki'> & {
  readonly key: PublicKey
  readonly der: Uint8Array
  /** The same bytes as OpenSSL reads them, for checks of signatures by and on it. */
  readonly x509: X509Certificate
}

const decoded = new WeakMap<Uint8Array, Certificate>()

/** Decodes one certificate with nothing behind it; throws an InputError, a LimitError where it is too long. */
export function decodeCertificate(der: Uint8Array): Certificate {
  if (der.length > CERTIFICATE_BYTES)
    throw new LimitError(`expected a certificate of at most ${CERTIFICATE_BYTES} bytes, got ${der.length}`)
  // A signer's is asked about by each demand.
  const known = decoded.get(der)
  if (known !== undefined && isSame(known.der, der)) return known
  // A copy: what was decoded stays what it is, whoever writes into the bytes afterwards.
  const certificate = decodeTwice(Uint8Array.from(der))
  decoded.set(der, certificate)
  return certificate
}

const BLOCK_END = '-----END CERTIFICATE-----'

/** DER of CERTIFICATE_BYTES in base64 with a line break of two characters to each line of 64, and the lines around. */
const PEM_CHARACTERS = Math.ceil((CERTIFICATE_BYTES / 3) * 4 * (66 / 64)) + 128

/** The DER of at most `most` certificates in PEM (RFC 7468), each on lines of its own with white space between and nothing else; throws an InputError. */
export function decodeCertificatesPem(text: string, most: number): readonly Uint8Array[] {
  if (text.length > most * PEM_CHARACTERS)
    throw new LimitError(`expected at most ${most * PEM_CHARACTERS} characters of certificates, got ${text.length}`)
  const [first = '', ...more] = text.split(BLOCK_END)
  const rest = more.pop()
  if (rest === undefined || !/^[ \t\r\n]*$/.test(rest))
    throw new InputError('expected certificates in PEM with nothing but white space around them')
  if (more.length >= most) throw new LimitError(`expected at most ${most} certificates, got ${more.length + 1}`)
  // Go's reader finds a block at the beginning of a line only, and would pass over one that follows on the same.
  if (more.some(piece => !/^[ \t]*\r?\n/.test(piece)))
    throw new InputError('expected each certificate in PEM to begin on a line of its own')
  return [first, ...more].map(piece => parsePemBlock(piece + BLOCK_END).der)
}

/** Whether two stretches of bytes are the same. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

/** OpenSSL checks the signatures: that is worth something only if it reads the certificate as we do. */
function decodeTwice(der: Uint8Array): Certificate {
  const { spki, ...fields } = decodeFields(der)
  const x509 = readNatively(der)
  // What OpenSSL has read as the key is the key only if it writes the same bytes.
  const key = decodePublicKey(spki, () => x509.publicKey)
  const { from, until } = fields.validity
  const isAgreed = x509.validFromDate.getTime() === from && x509.validToDate.getTime() === until
  if (!isAgreed) throw new InputError('expected a certificate that OpenSSL reads in the same way')
  return { ...fields, key, der, x509 }
}

function readNatively(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch (error) {
    throw new InputError('expected a certificate that OpenSSL can read', { cause: error })
  }
}
