/** Writes DER (X.690): the few types that certificates and timestamps are made of. Nothing here reads. */

type Bytes = Uint8Array

/** Any type: tag, length in its shortest form, contents. */
function tlv(tag: number, ...contents: readonly Bytes[]): Bytes {
  const value = Buffer.concat(contents)
  if (value.length < 0x80) return Buffer.concat([Buffer.from([tag, value.length]), value])
  const length = unsigned(value.length)
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, value])
}

export function sequence(...parts: readonly Bytes[]): Bytes {
  return tlv(0x30, ...parts)
}

/** SET OF, in the order that DER asks for. */
export function setOf(parts: readonly Bytes[]): Bytes {
  return tlv(0x31, ...parts.toSorted((a, b) => Buffer.compare(a, b)))
}

/** `[number]` around a whole value (EXPLICIT), or in place of a constructed one's tag (IMPLICIT). */
export function tagged(number: number, ...parts: readonly Bytes[]): Bytes {
  return tlv(0xa0 | number, ...parts)
}

/** `[number]` in place of the tag of a primitive value. */
export function taggedPrimitive(number: number, contents: Bytes): Bytes {
  return tlv(0x80 | number, contents)
}

/** A number, or the bytes of one that has too many; never negative. */
export function integer(value: number | Bytes): Bytes {
  const bytes = typeof value === 'number' ? unsigned(value) : value
  const isHigh = ((bytes[0] ?? 0) & 0x80) !== 0
  return tlv(0x02, isHigh ? Buffer.from([0]) : Buffer.alloc(0), bytes)
}

export function oid(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

export function octets(bytes: Bytes): Bytes {
  return tlv(0x04, bytes)
}

export function bits(bytes: Bytes, unused = 0): Bytes {
  return tlv(0x03, Buffer.from([unused]), bytes)
}

export function yes(): Bytes {
  return tlv(0x01, Buffer.from([0xff]))
}

export function nothing(): Bytes {
  return tlv(0x05)
}

export function utf8(text: string): Bytes {
  return tlv(0x0c, Buffer.from(text))
}

/** RFC 5280, section 4.1.2.5.1: whole seconds. */
export function utcTime(moment: Date): Bytes {
  return tlv(0x17, Buffer.from(`${digitsOf(moment).slice(2)}Z`))
}

/** RFC 3161, section 2.4.2: a fraction (`.5`) has no trailing zero. */
export function generalizedTime(moment: Date, fraction = ''): Bytes {
  return tlv(0x18, Buffer.from(`${digitsOf(moment)}${fraction}Z`))
}

/** YYYYMMDDhhmmss. */
function digitsOf(moment: Date): string {
  return moment.toISOString().slice(0, 19).replaceAll(/\D/g, '')
}

function unsigned(value: number): Bytes {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
}

function base128(value: number): readonly number[] {
  const low = value & 0x7f
  return value < 0x80 ? [low] : [...base128(value >>> 7).map(byte => byte | 0x80), low]
}
