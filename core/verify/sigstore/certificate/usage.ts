/** What a certificate may be used for: basic constraints, key usage and extended key usage (RFC 5280, section 4.2.1). */
import { InputError } from '#core/domain/input-error.ts'
import { booleanOf, decodeDer, expectTag, integerOf, itemsOf, oidOf, Parts, TAG } from '#core/verify/der.ts'

/** The bits of the extension, in their order (section 4.2.1.3). */
const KEY_USAGES = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'crlSign',
  'encipherOnly',
  'decipherOnly',
] as const
export type KeyUsage = (typeof KEY_USAGES)[number]

/** Purposes of a key (section 4.2.1.12). */
export const PURPOSE = {
  codeSigning: '1.3.6.1.5.5.7.3.3',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  any: '2.5.29.37.0',
} as const

/** Whether it is an authority's, and how long a path below it may be (section 4.2.1.9). */
export function decodeBasicConstraints(value: Uint8Array | undefined): {
  readonly isCa: boolean
  readonly pathLength: number | undefined
} {
  if (value === undefined) return { isCa: false, pathLength: undefined }
  const what = 'the basic constraints'
  const parts = new Parts(decodeDer(value, what, TAG.sequence), what)
  const flag = parts.takeIf(TAG.boolean)
  const isCa = flag !== undefined && booleanOf(flag, what)
  if (flag !== undefined && !isCa) throw new InputError(`expected ${what} in DER, which leaves out a default`)
  const length = parts.takeIf(TAG.integer)
  parts.end()
  if (length === undefined) return { isCa, pathLength: undefined }
  const pathLength = integerOf(length, 'the path length')
  if (!isCa || pathLength < 0n)
    throw new InputError('expected a path length of zero or more, and only for an authority')
  return { isCa, pathLength: Number(pathLength) }
}

/** Names of the bits that are set; at least one must be. */
export function decodeKeyUsage(value: Uint8Array | undefined): ReadonlySet<KeyUsage> | undefined {
  if (value === undefined) return undefined
  const bits = decodeNamedBits(value, 'the key usage')
  // The first bit is the highest; none is defined beyond the ninth.
  if (bits === 0 || (bits & 0x7f) !== 0) throw new InputError('expected a key usage that is defined')
  return new Set(KEY_USAGES.filter((_, bit) => (bits & (0x8000 >> bit)) !== 0))
}

/** At most sixteen bits, of which DER drops the zeros at the end (X.690, section 11.2.2): the last of those that are left is set. */
function decodeNamedBits(value: Uint8Array, what: string): number {
  const { content } = decodeDer(value, what, TAG.bitString)
  const [unused = 8, ...octets] = content
  const [first = 0, second = 0] = octets
  const lowest = (octets.at(-1) ?? 0) & ((2 << unused) - 1)
  if (unused > 7 || octets.length > 2 || lowest !== 1 << unused)
    throw new InputError(`expected ${what} to be bits in DER`)
  return (first << 8) | second
}

/** Object identifiers of purposes; an empty list would allow nothing, and some take it for everything. */
export function decodeExtendedKeyUsage(value: Uint8Array | undefined): readonly string[] | undefined {
  if (value === undefined) return undefined
  const what = 'the extended key usage'
  const purposes = itemsOf(expectTag(decodeDer(value, what), TAG.sequence, what), what)
  if (purposes.length === 0) throw new InputError('expected a purpose in the extended key usage')
  return purposes.map(purpose => oidOf(purpose, 'a purpose'))
}
