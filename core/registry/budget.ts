/** How fast one host may be asked: a bucket of tokens for each, which fills at a rate and holds a burst. */
import { BoundedMap } from './bounded-map.ts'

export type Rate = {
  /** Requests each second, on the average. */
  readonly perSecond: number
  /** Requests at once, after a rest. */
  readonly burst: number
}

/**
 * Takes the next place in the line before a host: the milliseconds until it comes, or undefined where that is more than
 * `withinMs`, and no place is taken. It is handed in, so that replicas can share one; whoever shares it must bound how
 * long it takes, and never throw: a budget that cannot be asked is a budget that is not spent.
 */
export type Budget = (host: string, rate: Rate, withinMs: number) => Promise<number | undefined>

/** One image of the largest size allowed is 2000 fetches: at once, and every other one at the rate that follows. */
export const DEFAULT_RATE: Rate = { perSecond: 100, burst: 2000 }

/** Hosts that somebody has asked of late. Of more, the one that was left alone longest starts anew with a full bucket. */
const MOST_HOSTS = 1000

/**
 * The budget of this process alone. The generic cell rate algorithm (ITU-T I.371): of each host it is remembered when
 * its bucket will be full again, one number, which any store that can compare and set could keep for many replicas.
 */
export function makeBudget(nowMs: () => number): Budget {
  const fullAtMs = new BoundedMap<number>(MOST_HOSTS)
  return async (host, { perSecond, burst }, withinMs) => {
    const now = nowMs()
    const eachMs = 1000 / perSecond
    const full = Math.max(now, fullAtMs.get(host) ?? now)
    const waitMs = Math.max(0, full - now - (burst - 1) * eachMs)
    if (waitMs > withinMs) return undefined
    fullAtMs.set(host, full + eachMs)
    return waitMs
  }
}
