/** Changes bytes without knowing what they are. */
import type { Random } from './random.ts'

type Change = (bytes: Uint8Array, others: readonly Uint8Array[], random: Random) => Uint8Array

/** What readers stumble over: ends of numbers, escapes, marks, names of JavaScript's own, characters that are two. */
const TEXTS: readonly string[] = [
  ...'"|\\|{|}|[|]|,|:|;|=|<|>|/|-| |\t|\n|\0|\x7f'.split('|'),
  ...'\r\n|null|true|-0|1e999|9007199254740993|0x10|"__proto__":|"constructor":|\\u0000|\\ud800|\u2014 |\ufeff'.split(
    '|',
  ),
  ...'\u017f|\u212a|\u00e9|\ud83d\ude42|..|%2e|@|*|&a|<<: *a|!!binary |sha256:|AA==|AB==|ey|Bearer '.split('|'),
  '-----BEGIN CERTIFICATE-----\n',
  '-----END CERTIFICATE-----',
]

const TOKENS: readonly Uint8Array[] = TEXTS.map(text => Buffer.from(text))

/** In DER: lengths and tags that mean something else. */
const OCTETS = [0x00, 0x01, 0x02, 0x03, 0x1f, 0x24, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xfe, 0xff]

/** How long one that is there to be long may become. */
const LONG_BYTES = 256 * 1024

const CHANGES: readonly Change[] = [
  (bytes, _, random) => overwrite(bytes, random, octet => octet ^ (1 << random.below(8))),
  (bytes, _, random) => overwrite(bytes, random, () => random.pick(OCTETS)),
  (bytes, _, random) => overwrite(bytes, random, () => random.below(256)),
  (bytes, _, random) => splice(bytes, random.below(bytes.length + 1), 0, random.pick(TOKENS)),
  (bytes, _, random) => splice(bytes, random.below(bytes.length + 1), random.below(16), random.pick(TOKENS)),
  (bytes, _, random) => splice(bytes, random.below(bytes.length + 1), lengthOf(bytes, random), Buffer.alloc(0)),
  (bytes, _, random) => splice(bytes, random.below(bytes.length + 1), 0, partOf(bytes, random)),
  (bytes, others, random) =>
    splice(bytes, random.below(bytes.length + 1), lengthOf(bytes, random), partOf(random.pick(others), random)),
  (bytes, _, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, _, random) => (random.oneIn(200) ? repeat(bytes, random) : bytes),
]

export function mutateBytes(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  return random.pick(CHANGES)(bytes, others, random)
}

function overwrite(bytes: Uint8Array, random: Random, change: (octet: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes
  const copy = Uint8Array.from(bytes)
  const at = random.below(bytes.length)
  copy[at] = change(copy[at] ?? 0)
  return copy
}

function splice(bytes: Uint8Array, at: number, less: number, more: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(Math.min(at + less, bytes.length))])
}

/** Short ones more often than long ones. */
function lengthOf(bytes: Uint8Array, random: Random): number {
  return random.below(1 + random.below(1 + bytes.length))
}

function partOf(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1)
  return bytes.subarray(at, at + lengthOf(bytes, random))
}

function repeat(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1)
  const part = bytes.subarray(at, at + 1 + random.below(64))
  const times = part.length === 0 ? 0 : Math.floor(random.below(LONG_BYTES) / part.length)
  return splice(bytes, at, 0, Buffer.concat(Array.from({ length: times }, () => part)))
}
