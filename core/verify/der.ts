/**
 * DER (X.690), strictly and one level at a time: what two readers could read differently is refused, and nothing recurses,
 * so that no nesting is too deep. Everything here throws an InputError at bytes that are not what they should be.
 */
import { InputError } from '#core/domain/input-error.ts'

export type Der = {
  /** The identifier octet: class, constructed or not, number. */
  readonly tag: number
  /** Without identifier and length. */
  readonly content: Uint8Array
  /** Whole, as it is hashed and signed. */
  readonly bytes: Uint8Array
}

/** Identifier octets of the universal class. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** What messages call a tag whose name is not in the table. */
const NAMES = new Map<number, string>(Object.entries(TAG).map(([name, tag]) => [tag, name]))

/** No list in a certificate or timestamp has a tenth of it. */
const MOST_ITEMS = 1000

/** The longest arc of an object identifier that anyone has been given fits into 128 bits. */
const OID_BYTES = 64

/** The identifier octet of a context-specific tag: `[0]`, `[3]`. */
export function contextTag(number: number, form: 'primitive' | 'constructed'): number {
  return 0x80 | (form === 'constructed' ? 0x20 : 0) | number
}

/** Decodes one value with nothing behind it, of this tag if one is named. */
export function decodeDer(bytes: Uint8Array, what: string, tag?: number): Der {
  const [value, ...more] = readValues(bytes, what, 2)
  if (value === undefined || more.length > 0) throw new InputError(`expected ${what} in DER with nothing behind it`)
  return tag === undefined ? value : expectTag(value, tag, what)
}

/** The values in a sequence, a set or a tagged value. */
export function itemsOf(value: Der, what: string): readonly Der[] {
  if ((value.tag & 0x20) === 0) throw new InputError(`expected ${what} to be made of parts, got ${nameOf(value.tag)}`)
  return readValues(value.content, what, MOST_ITEMS)
}

/** The value, if it is there and has this tag. */
export function expectTag(value: Der | undefined, tag: number, what: string): Der {
  if (value?.tag === tag) return value
  throw new InputError(
    `expected ${what} to be ${nameOf(tag)}, got ${value === undefined ? 'nothing' : nameOf(value.tag)}`,
  )
}

/** Takes values off a list in the order in which a structure lists them. */
export class Parts {
  readonly #what: string
  readonly #values: readonly Der[]
  #next = 0

  constructor(value: Der, what: string) {
    this.#what = what
    this.#values = itemsOf(value, what)
  }

  /** The next one, which must have this tag; any, if none is named. */
  take(part: string, tag?: number): Der {
    const value = this.#values[this.#next++]
    const what = `${part} of ${this.#what}`
    if (value === undefined) throw new InputError(`expected ${what}, got nothing`)
    return tag === undefined ? value : expectTag(value, tag, what)
  }

  /** The next one, if it has this tag. */
  takeIf(tag: number): Der | undefined {
    const value = this.#values[this.#next]
    if (value?.tag !== tag) return undefined
    this.#next++
    return value
  }

  /** All that are left. */
  rest(): readonly Der[] {
    const left = this.#values.slice(this.#next)
    this.#next = this.#values.length
    return left
  }

  /** Nothing may be left: what one does not know may change what one does. */
  end(): void {
    if (this.#next < this.#values.length) throw new InputError(`expected nothing more in ${this.#what}`)
  }
}

/** An object identifier in dots. */
export function oidOf(value: Der | undefined, what: string): string {
  const { content } = expectTag(value, TAG.oid, what)
  const last = content.at(-1)
  if (last === undefined || last >= 0x80 || content.length > OID_BYTES)
    throw new InputError(`expected ${what} to be an object identifier`)
  const arcs: bigint[] = []
  let arc = 0n
  let isFirstOctet = true
  for (const octet of content) {
    if (isFirstOctet && octet === 0x80) throw new InputError(`expected the shortest form of ${what}`)
    arc = (arc << 7n) | BigInt(octet & 0x7f)
    isFirstOctet = octet < 0x80
    if (!isFirstOctet) continue
    arcs.push(arc)
    arc = 0n
  }
  const [head = 0n, ...others] = arcs
  const root = head < 80n ? head / 40n : 2n
  return [root, head - root * 40n, ...others].join('.')
}

/** A whole number of any size. */
export function integerOf(value: Der | undefined, what: string): bigint {
  const { content } = expectTag(value, TAG.integer, what)
  const [first, second] = content
  if (first === undefined) throw new InputError(`expected ${what} to be a number`)
  const isPadded = second !== undefined && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80))
  if (isPadded) throw new InputError(`expected the shortest form of ${what}`)
  const unsigned = BigInt(`0x${Buffer.from(content).toString('hex')}`)
  return first < 0x80 ? unsigned : unsigned - (1n << BigInt(8 * content.length))
}

/** DER has one true and one false. */
export function booleanOf(value: Der | undefined, what: string): boolean {
  const { content } = expectTag(value, TAG.boolean, what)
  if (content.length === 1 && (content[0] === 0x00 || content[0] === 0xff)) return content[0] === 0xff
  throw new InputError(`expected ${what} to be 00 or ff`)
}

/** The bytes of a bit string that has no unused bits. */
export function bitsOf(value: Der | undefined, what: string): Uint8Array {
  const { content } = expectTag(value, TAG.bitString, what)
  if (content[0] !== 0) throw new InputError(`expected ${what} to be whole bytes`)
  return content.subarray(1)
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text of any of the types that hold UTF-8 or a part of it, and without a NUL, at which other readers would stop. */
export function textOf(value: Der | undefined, what: string): string {
  const types: readonly unknown[] = [TAG.utf8String, TAG.ia5String, TAG.printableString]
  if (value === undefined || !types.includes(value.tag)) throw new InputError(`expected ${what} to be text`)
  return decodeText(value.content, what)
}

/** The bytes as text; anything that is no UTF-8, or holds a NUL, is an InputError. */
export function decodeText(bytes: Uint8Array, what: string): string {
  try {
    const text = UTF8.decode(bytes)
    if (!text.includes('\0')) return text
  } catch (error) {
    throw new InputError(`expected ${what} to be UTF-8`, { cause: error })
  }
  throw new InputError(`expected ${what} to be text without a NUL`)
}

const UTC = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
const GENERALIZED = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{0,8}[1-9]))?Z$/

/** A time in milliseconds since 1970, cut off below; RFC 5280, section 4.1.2.5, and RFC 3161, section 2.4.2, which lets seconds have a fraction. */
export function timeOf(value: Der | undefined, what: string): number {
  const isUtc = value?.tag === TAG.utcTime
  const { content } = expectTag(value, isUtc ? TAG.utcTime : TAG.generalizedTime, what)
  const iso = isoOf(decodeText(content, what), isUtc)
  const at = Date.parse(iso)
  // Date.parse takes the 30th of February for the second of March, and 24 o'clock for midnight.
  if (!Number.isNaN(at) && new Date(at).toISOString() === iso) return at
  throw new InputError(`expected ${what} to be a time that exists, in UTC, with seconds`)
}

/** Empty for what has another form. */
function isoOf(text: string, isUtc: boolean): string {
  const match = (isUtc ? UTC : GENERALIZED).exec(text)
  if (match === null) return ''
  const [, years = '', month, day, hour, minute, second, fraction = ''] = match
  const century = Number(years) < 50 ? '20' : '19'
  const milliseconds = fraction.slice(0, 3).padEnd(3, '0')
  return `${isUtc ? century : ''}${years}-${month}-${day}T${hour}:${minute}:${second}.${milliseconds}Z`
}

/** Encodes a value around content: for what has to be hashed or signed in another form than it came in. */
export function encodeDer(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const length = content.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([Uint8Array.of(tag), encodeLength(length), ...content])
}

function encodeLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length)
  const hex = length.toString(16)
  const octets = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return Buffer.concat([Uint8Array.of(0x80 | octets.length), octets])
}

function readValues(bytes: Uint8Array, what: string, most: number): readonly Der[] {
  const values: Der[] = []
  for (let at = 0; at < bytes.length; ) {
    if (values.length === most) throw new InputError(`expected fewer parts in ${what}`)
    const value = readValue(bytes.subarray(at), what)
    values.push(value)
    at += value.bytes.length
  }
  return values
}

/** X.690, sections 8.1 and 10.1: one octet of identifier, and the shortest definite length. */
function readValue(bytes: Uint8Array, what: string): Der {
  const [tag, first] = bytes
  if (tag === undefined || first === undefined) throw cut(what)
  if ((tag & 0x1f) === 0x1f) throw new InputError(`expected no tag above 30 in ${what}`)
  const { length, start } = readLength(bytes, first, what)
  if (start + length > bytes.length) throw cut(what)
  return { tag, content: bytes.subarray(start, start + length), bytes: bytes.subarray(0, start + length) }
}

function readLength(bytes: Uint8Array, first: number, what: string): { length: number; start: number } {
  if (first < 0x80) return { length: first, start: 2 }
  const octets = first & 0x7f
  if (octets === 0 || octets > 4) throw new InputError(`expected a definite length of at most four bytes in ${what}`)
  if (bytes.length < 2 + octets) throw cut(what)
  const length = Buffer.from(bytes.buffer, bytes.byteOffset + 2, octets).readUIntBE(0, octets)
  if (length < 0x80 || bytes[2] === 0) throw new InputError(`expected the shortest form of a length in ${what}`)
  return { length, start: 2 + octets }
}

function cut(what: string): InputError {
  return new InputError(`expected ${what} in DER, got bytes that end within a value`)
}

function nameOf(tag: number): string {
  return NAMES.get(tag) ?? `tag 0x${tag.toString(16).padStart(2, '0')}`
}
