/** Lengths of time as Go writes them, which is how Kubernetes does: `12h`, `1h30m`, `0s`. */
import { InputError } from '#core/domain/input-error.ts'

const UNITS_MS = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

const PARTS = /([0-9]{1,9}(?:\.[0-9]{1,9})?)(ns|us|µs|ms|s|m|h)/y

/** Parses a duration into milliseconds; an InputError for anything else, a negative one included. */
export function parseGoDuration(text: string): number {
  if (text === '0') return 0
  let ms = 0
  let at = 0
  while (at < text.length && at < 100) {
    PARTS.lastIndex = at
    const [part, amount, unit] = PARTS.exec(text) ?? []
    if (part === undefined) break
    ms += Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS]
    at += part.length
  }
  if (at > 0 && at === text.length) return ms
  throw new InputError(`expected a length of time such as 10m or 1h30m, got ${JSON.stringify(text.slice(0, 40))}`)
}
