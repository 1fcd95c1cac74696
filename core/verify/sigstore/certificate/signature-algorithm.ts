/** The algorithms with which a certificate may be signed; whatever else OpenSSL could check is refused before it is asked. */
import { InputError } from '#core/domain/input-error.ts'
import { contextTag, type Der, expectTag, integerOf, itemsOf, oidOf, Parts, TAG } from '#core/verify/der.ts'

/** What stands beside the object identifier: nothing; NULL (RFC 4055, section 5, says to read nothing as well); or a choice. */
type Parameters = 'none' | 'null' | 'pss'

const ALGORITHMS: ReadonlyMap<string, Parameters> = new Map<string, Parameters>([
  // ecdsa-with-SHA256, -384, -512 (RFC 5758, section 3.2)
  ['1.2.840.10045.4.3.2', 'none'],
  ['1.2.840.10045.4.3.3', 'none'],
  ['1.2.840.10045.4.3.4', 'none'],
  // Ed25519 (RFC 8410)
  ['1.3.101.112', 'none'],
  // PKCS #1 v1.5 with SHA-256, -384, -512 (RFC 4055)
  ['1.2.840.113549.1.1.11', 'null'],
  ['1.2.840.113549.1.1.12', 'null'],
  ['1.2.840.113549.1.1.13', 'null'],
  // RSASSA-PSS (RFC 4055, section 3.1)
  ['1.2.840.113549.1.1.10', 'pss'],
])

/** SHA-256, -384, -512, and how long each is, in bytes. */
const HASHES: ReadonlyMap<string, number> = new Map([
  ['2.16.840.1.101.3.4.2.1', 32],
  ['2.16.840.1.101.3.4.2.2', 48],
  ['2.16.840.1.101.3.4.2.3', 64],
])

const MGF1 = '1.2.840.113549.1.1.8'

/** Throws an InputError unless the AlgorithmIdentifier (RFC 5280, section 4.1.1.2) is on the list, with nothing odd beside it. */
export function checkAlgorithm(value: Der): void {
  const { oid, parameters } = decodeIdentifier(value, 'the signature algorithm')
  const expected = ALGORITHMS.get(oid)
  if (expected === undefined)
    throw new InputError(
      `expected a signature by ECDSA, RSA or Ed25519 over SHA-2 of 256 bits or more, got algorithm ${oid}`,
    )
  if (expected === 'pss') return checkPss(parameters)
  if (parameters !== undefined && !(expected === 'null' && isNull(parameters)))
    throw new InputError(`expected no parameters beside signature algorithm ${oid}`)
}

function decodeIdentifier(value: Der, what: string): { oid: string; parameters: Der | undefined } {
  const [oid, parameters, ...more] = itemsOf(expectTag(value, TAG.sequence, what), what)
  if (more.length > 0) throw new InputError(`expected nothing more in ${what}`)
  return { oid: oidOf(oid, what), parameters }
}

function isNull({ tag, content }: Der): boolean {
  return tag === TAG.null && content.length === 0
}

/** One hash for both uses and a salt as long as it: RFC 4055, section 3.1, recommends it, and the defaults are SHA-1. */
function checkPss(value: Der | undefined): void {
  const parts = new Parts(expectTag(value, TAG.sequence, 'the parameters of PSS'), 'the parameters of PSS')
  const hash = decodeHash(explicit(parts, 0))
  const mask = decodeIdentifier(explicit(parts, 1), 'the mask of PSS')
  const isOneHash = mask.oid === MGF1 && mask.parameters !== undefined && decodeHash(mask.parameters) === hash
  if (!isOneHash) throw new InputError('expected PSS to use one hash for the message and for the mask')
  const salt = integerOf(explicit(parts, 2), 'the salt length of PSS')
  if (salt !== BigInt(HASHES.get(hash) ?? 0))
    throw new InputError(`expected PSS with a salt as long as its hash, got ${salt}`)
  // The trailer field has one value, which is the default, and DER leaves defaults out.
  parts.end()
}

function explicit(parts: Parts, number: number): Der {
  const inner = new Parts(parts.take(`[${number}]`, contextTag(number, 'constructed')), 'a parameter of PSS')
  const value = inner.take('the value')
  inner.end()
  return value
}

function decodeHash(value: Der): string {
  const { oid, parameters } = decodeIdentifier(value, 'the hash of PSS')
  if (HASHES.has(oid) && (parameters === undefined || isNull(parameters))) return oid
  throw new InputError(`expected PSS over SHA-2 of 256 bits or more, got hash ${oid}`)
}
