/** Lengths of time as people write them on a command line: `500ms`, `30s`, `2m`. */
import { InputError } from '#core/domain/input-error.ts'

const UNIT_MS = { ms: 1, s: 1000, m: 60_000 } as const

/** The longest that is of any use; far below what a timer of Node can hold. */
const LONGEST_MS = 60 * UNIT_MS.m

/** Parses a length of time into milliseconds. A bare number is refused: it could be seconds or milliseconds. */
export function parseDuration(text: string): number {
  const match = /^([0-9]{1,7})(ms|s|m)$/.exec(text)
  const ms = match === null ? 0 : Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]
  if (ms >= 1 && ms <= LONGEST_MS) return ms
  throw new InputError(`expected a time such as 500ms, 30s or 2m, at most 60m, got ${JSON.stringify(text)}`)
}
