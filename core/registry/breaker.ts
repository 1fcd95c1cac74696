/** Stops asking a host that has failed again and again, for a short while; then one request finds out whether it is back. */
import { BoundedMap } from './bounded-map.ts'

/** Failures in a row after which a host is left alone: an image asks for four things at once and for each once more, so two images' bad moment. */
export const FAILURES_IN_A_ROW = 10

/** Milliseconds for which it is, a fifth more or less: shorter than anyone waits who tries again, and longer than a moment. */
export const OPEN_MS = 5000
const JITTER = 0.2

/** Hosts that failed of late. Of more, what was remembered longest is forgotten, and that host asked again. */
const MOST_HOSTS = 1000

type Failing = {
  failures: number
  /** What the last of them was, in words that hold nothing of what the host wrote. */
  why: string
  lastAtMs: number
  /** Until when it is left alone; 0 while it is still asked. */
  untilMs: number
  isProbed: boolean
}

/** A time that never goes back, in milliseconds, and a number from 0 to 1 that nobody can foresee. */
export type Chance = { readonly nowMs: () => number; readonly random: () => number }

export class Breaker {
  readonly #failing = new BoundedMap<Failing>(MOST_HOSTS)
  readonly #chance: Chance

  constructor(chance: Chance) {
    this.#chance = chance
  }

  /** Why the host is not to be asked now, or undefined. Changes nothing. */
  objection(host: string): string | undefined {
    const failing = this.#failing.get(host)
    if (failing === undefined || failing.untilMs === 0) return undefined
    const now = this.#chance.nowMs()
    if (now >= failing.untilMs && !failing.isProbed) return undefined
    const again = failing.isProbed
      ? 'one request finds out just now'
      : `is asked again in ${seconds(failing.untilMs - now)}`
    return `not asked, because the last ${failing.failures} requests to it failed, the last one ${seconds(now - failing.lastAtMs)} ago (${failing.why}); it ${again}`
  }

  /** Tells that a request goes out. Where the host had been left alone, it is the one that finds out. */
  begin(host: string): void {
    const failing = this.#failing.get(host)
    if (failing !== undefined && failing.untilMs > 0) failing.isProbed = true
  }

  /** It answered, whatever it said. */
  answered(host: string): void {
    this.#failing.delete(host)
  }

  failed(host: string, why: string): void {
    const { nowMs, random } = this.#chance
    const failing = this.#failing.get(host) ?? { failures: 0, why, lastAtMs: 0, untilMs: 0, isProbed: false }
    failing.failures++
    failing.why = why
    failing.lastAtMs = nowMs()
    failing.isProbed = false
    if (failing.failures >= FAILURES_IN_A_ROW)
      failing.untilMs = failing.lastAtMs + OPEN_MS * (1 + JITTER * (2 * random() - 1))
    this.#failing.set(host, failing)
  }

  /** Whoever asked has gone, and nothing was learnt. */
  abandoned(host: string): void {
    const failing = this.#failing.get(host)
    if (failing !== undefined) failing.isProbed = false
  }
}

function seconds(ms: number): string {
  return `${Math.max(0, Math.ceil(ms / 1000))} s`
}
