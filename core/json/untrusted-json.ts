/** JSON that someone else wrote: bounded before it is read, and refused where two readers could read it differently. */
import { visit } from 'jsonc-parser'
import { InputError } from '#core/domain/input-error.ts'
import { LimitError } from './limit-error.ts'
import type { Extent } from './refuse-excess.ts'
import { refuseExcess } from './refuse-excess.ts'

/** What a reader is willing to hold. Names the unit: bytes of the text, levels of nesting, values. */
export type JsonLimits = Extent & { readonly bytes: number }

export type JsonObject = { readonly [key: string]: unknown }

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Parses UTF-8 JSON within `limits`. Throws a LimitError on anything longer, deeper or of more values; an InputError on
 * invalid UTF-8, a byte order mark, and on what readers disagree about: a key that occurs twice in one object (Go takes
 * one of them, JavaScript the other), a lone surrogate (Go reads U+FFFD), a number beyond 2^53.
 *
 * It blocks the event loop, so the limits are its price. Measured with Node 24 on two shared cores, the worst of what
 * 1 MiB and 20 000 values can be (keys, each another): 25 ms of CPU, 50 ms before the walk is compiled; of these, the scan
 * has 4 and JSON.parse 8. An image with ten signatures: below 1 ms.
 */
export function parseUntrustedJson(bytes: Uint8Array, limits: JsonLimits): unknown {
  if (bytes.byteLength > limits.bytes)
    throw new LimitError(`expected at most ${limits.bytes} bytes of JSON, got ${bytes.byteLength}`)
  refuseExcess(bytes, limits, 'the JSON')
  const text = decodeUtf8(bytes)
  refuseAmbiguity(text)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InputError('expected JSON', { cause: error })
  }
}

/** The value as an object whose members can be looked at; anything else is an InputError that names `what`. */
export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw new InputError(`expected ${what} to be an object, got ${kindOf(value)}`)
}

/** The value as a list of at most `most` items; more is a LimitError, anything else an InputError that names `what`. */
export function asArray(value: unknown, what: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new InputError(`expected ${what} to be a list, got ${kindOf(value)}`)
  if (value.length > most) throw new LimitError(`expected at most ${most} items in ${what}, got ${value.length}`)
  return value
}

/** The value as a string; anything else is an InputError that names `what`. */
export function asString(value: unknown, what: string): string {
  if (typeof value === 'string') return value
  throw new InputError(`expected ${what} to be text, got ${kindOf(value)}`)
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch (error) {
    throw new InputError('expected UTF-8', { cause: error })
  }
}

/** Walks the tokens once. The walk recurses; how deep, is bounded already. */
function refuseAmbiguity(text: string): void {
  const keys: Set<string>[] = []
  visit(
    text,
    {
      onObjectBegin: () => {
        keys.push(new Set())
      },
      onObjectProperty: key => {
        const seen = keys.at(-1)
        if (seen?.has(key))
          throw new InputError(`the key ${JSON.stringify(key.slice(0, 80))} occurs twice in one object`)
        seen?.add(key)
        refuseUnportable(key)
      },
      onLiteralValue: refuseUnportable,
      onObjectEnd: () => {
        keys.pop()
      },
      // The walker forgives; JSON.parse would not. Stop at the first fault, so that it cannot be steered past a key.
      onError: () => {
        throw new InputError('expected JSON')
      },
    },
    { disallowComments: true },
  )
}

/**
 * An escaped lone surrogate keeps its value here and loses it in Go. Beyond 2^53 a double rounds, so that two numbers are
 * one here and two in Go; nothing that Shedu reads has such a number, and to read one as what it is, every other would
 * have to go through a slower reader, at the wish of whoever wrote the text.
 */
function refuseUnportable(value: unknown): void {
  if (typeof value === 'string' && !value.isWellFormed())
    throw new InputError('expected well-formed text, got a lone surrogate')
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER)
    throw new InputError('expected a number of at most 2^53 - 1, which every reader reads alike, got a larger one')
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'nothing'
  return Array.isArray(value) ? 'a list' : typeof value
}
