/** Refuses JSON that would cost far more to hold than to send, before it is parsed. */
import { InputError } from '#core/domain/input-error.ts'

/**
 * The deepest levels that Kubernetes' own kinds reach are some twenty (managedFields of a CronJob). JSON.parse itself
 * has no bound, and what walks the result afterwards may recurse.
 */
export const MAX_DEPTH = 128

/**
 * Lists, objects and commas. The most an honest object can have is managedFields, nine bytes each in the 1.5 MiB that
 * etcd takes: 350 000 in an old and a new object. In memory a value costs up to a hundred bytes, seven MiB of empty
 * lists 150 MiB; this bound keeps it below a third of that.
 */
export const MAX_VALUES = 500_000

/**
 * A review this short is not looked at: all brackets and nothing else, it holds 64 Ki values, some MiB, and V8 parses any
 * depth without recursion, as does all that reads the result. Most reviews are shorter, and the scan costs as much as a
 * third of the parsing.
 */
export const SHORT_BYTES = 64 * 1024

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN = new Set([0x5b, 0x7b])
const CLOSE = new Set([0x5d, 0x7d])

/** Scans the bytes once, strings stepped over. Throws an InputError beyond MAX_DEPTH or MAX_VALUES. */
export function refuseExcess(bytes: Uint8Array): void {
  if (bytes.length <= SHORT_BYTES) return
  let depth = 0
  let values = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte === QUOTE) at = endOfString(bytes, at)
    else if (byte === COMMA) values++
    else if (byte < 0x5b) continue
    else if (OPEN.has(byte)) {
      values++
      if (++depth > MAX_DEPTH) throw new InputError(`expected at most ${MAX_DEPTH} levels of nesting in the review`)
    } else if (CLOSE.has(byte)) depth--
  }
  if (values > MAX_VALUES) throw new InputError(`expected at most ${MAX_VALUES} values in the review, got ${values}`)
}

/** Where the string that begins at `start` ends, or the end of the bytes if it does not. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
  return at
}
