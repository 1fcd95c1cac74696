/** How long there is for an answer: what the API server says it waits, less what the answer needs to get there. */

export type Timing = {
  /** For a caller that does not say how long it waits. */
  readonly defaultTimeoutMs: number
  /** Kept back for rendering and sending the answer. */
  readonly replyMarginMs: number
}

/** ValidatingWebhookConfiguration allows timeoutSeconds of 1 to 30. */
const LONGEST_TIMEOUT_MS = 30_000

/** Go's time.Duration.String, of which the longest is `2562047h47m16.854775807s`. */
const DURATION_CHARACTERS = 32
const DURATION = /^(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|ms|s|m|h))+$/
const PART = /([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)/g
const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** `workMs` until everything is told to stop; `graceMs` more for what stops late. What is left then is for the way back. */
export type TimeBudget = { readonly workMs: number; readonly graceMs: number }

/** The budget of a request with this `?timeout=`. The margin never takes more than half of the time. */
export function timeBudget(timeout: unknown, timing: Timing): TimeBudget {
  const ms = Math.min(parseGoDuration(timeout) ?? timing.defaultTimeoutMs, LONGEST_TIMEOUT_MS)
  const margin = Math.min(timing.replyMarginMs, ms / 2)
  return { workMs: ms - margin, graceMs: margin / 2 }
}

/** The milliseconds of a positive duration as Go writes it: `10s`, `1m30s`, `500ms`; undefined for anything else. */
function parseGoDuration(text: unknown): number | undefined {
  // What an API server writes, and at every request: timeoutSeconds is a whole number up to 30.
  if (typeof text === 'string' && /^[1-9][0-9]?s$/.test(text)) return Number.parseInt(text, 10) * 1000
  if (typeof text !== 'string' || text.length > DURATION_CHARACTERS || !DURATION.test(text)) return undefined
  let ms = 0
  for (const [, number, unit] of text.matchAll(PART)) ms += Number(number) * (UNIT_MS[unit as string] as number)
  return ms > 0 ? ms : undefined
}
