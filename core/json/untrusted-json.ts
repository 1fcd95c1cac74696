/** JSON that someone else wrote: bounded before it is read, and refused where two readers could read it differently. */
import { visit } from 'jsonc-parser'
import { InputError } from '#core/domain/input-error.ts'

/** What a reader is willing to hold. Names the unit: bytes of the text, levels of nesting. */
export type JsonLimits = { readonly bytes: number; readonly depth: number }

export type JsonObject = { readonly [key: string]: unknown }

/** There is more here than the reader is willing to hold: longer, or more items. Whether it is well formed was not looked at. */
export class LimitError extends InputError {}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Fewer digits than this are always a safe integer (2^53 has 16). */
const LONG_INTEGER = /[0-9]{16}/

/**
 * Parses UTF-8 JSON within `limits`. Throws an InputError on anything longer or deeper, on invalid UTF-8, a byte order
 * mark, and on what readers disagree about: a key that occurs twice in one object (Go takes one of them, JavaScript the
 * other), a lone surrogate (Go reads U+FFFD), a number too large for a double (Go refuses it). Integers beyond 2^53
 * become bigint, so that none is rounded into another.
 */
export function parseUntrustedJson(bytes: Uint8Array, limits: JsonLimits): unknown {
  if (bytes.byteLength > limits.bytes)
    throw new LimitError(`expected at most ${limits.bytes} bytes of JSON, got ${bytes.byteLength}`)
  const text = decodeUtf8(bytes)
  refuseAmbiguity(text, limits.depth)
  try {
    return LONG_INTEGER.test(text) ? JSON.parse(text, keepInteger as never) : JSON.parse(text)
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

/** Walks the tokens once. The walk recurses, so the depth is checked before it goes down, not after. */
function refuseAmbiguity(text: string, most: number): void {
  const keys: Set<string>[] = []
  let depth = 0
  const enter = () => {
    if (++depth > most) throw new InputError(`expected at most ${most} levels of nesting`)
  }
  visit(
    text,
    {
      onObjectBegin: () => {
        enter()
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
        depth--
        keys.pop()
      },
      onArrayBegin: enter,
      onArrayEnd: () => {
        depth--
      },
      // The walker forgives; JSON.parse would not. Stop at the first fault, so that it cannot be steered past a key.
      onError: () => {
        throw new InputError('expected JSON')
      },
    },
    { disallowComments: true },
  )
}

/** `1e400` is Infinity to JavaScript and an error to Go; an escaped lone surrogate keeps its value here and loses it there. */
function refuseUnportable(value: unknown): void {
  if (typeof value === 'string' && !value.isWellFormed())
    throw new InputError('expected well-formed text, got a lone surrogate')
  if (value === Infinity || value === -Infinity) throw new InputError('expected a number that a double can hold')
}

function keepInteger(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  const isRounded = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
  return isRounded && context.source !== undefined && /^-?[0-9]+$/.test(context.source) ? BigInt(context.source) : value
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'nothing'
  return Array.isArray(value) ? 'a list' : typeof value
}
