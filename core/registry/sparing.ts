/**
 * When a request may go to a host, and when it is worth a second try. A host is spared by four things: a rate, the pause
 * that it asked for, being left alone while it does not answer, and no more than one repetition.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Refusal } from '#core/domain/refusal.ts'
import { timeLeft } from '#core/runtime/time-left.ts'
import type { Chance } from './breaker.ts'
import { Breaker } from './breaker.ts'
import type { Budget, Rate } from './budget.ts'
import { faultOf, throttled, unreachable } from './failure.ts'
import { Pauses, USUAL_PAUSE_MS } from './pauses.ts'
import { parseRetryAfter } from './retry-after.ts'
import type { Outcome, Said } from './second-try.ts'
import { isPause, PASSING, secondTryOf } from './second-try.ts'

/** One request, as far as the host it goes to is concerned. */
export type Errand = {
  /** Scheme, host and port. */
  readonly host: string
  /** Names the credential in whose name it goes, and no secret. */
  readonly caller: string
  readonly about: string
  readonly rate: Rate
  /** Whether asking twice is asking once. */
  readonly isIdempotent: boolean
}

export type SparingDeps = Chance & {
  readonly budget: Budget
  /** Milliseconds that a request may wait for its turn, where its signal leaves as much. */
  readonly waitMs: number
}

type IsStale = (error: unknown) => boolean

/** What has to be left after a wait, or the answer comes to nobody: some round trips. */
const ANSWER_MS = 500

/** Before the second try, at least and at most: a proxy that restarts is back, and not all who met it come at once. */
const AGAIN_MS = { least: 50, more: 150 }

/** All who waited for the end of a pause come within this share of it, and at least within so many milliseconds. */
const SPREAD = { share: 0.1, leastMs: 50 }

export class Sparing {
  readonly #deps: SparingDeps
  readonly #breaker: Breaker
  readonly #pauses: Pauses

  constructor(deps: SparingDeps) {
    this.#deps = deps
    this.#breaker = new Breaker(deps)
    this.#pauses = new Pauses(deps.nowMs)
  }

  /**
   * Sends when it may be sent, and once more where that is worth it. Throws Unavailable where it may not, and what
   * `send` throws. `isStale`: whether an error means nothing but that a kept connection was closed meanwhile.
   */
  async run<A extends Said>(
    errand: Errand,
    send: () => Promise<A | Refusal>,
    isStale: IsStale,
    signal: AbortSignal,
  ): Promise<A | Refusal> {
    const first = await this.#once(errand, send, isStale, signal)
    const againMs = this.#againIn(errand, first, isStale, signal)
    const outcome = againMs === undefined ? first : await this.#again(errand, againMs, send, signal)
    if ('error' in outcome) throw outcome.error
    return outcome.said
  }

  async #again<A extends Said>(
    errand: Errand,
    ms: number,
    send: () => Promise<A | Refusal>,
    signal: AbortSignal,
  ): Promise<Outcome<A>> {
    if (ms > 0) await wait(ms, undefined, { signal })
    return await this.#once(errand, send, () => false, signal)
  }

  async #once<A extends Said>(
    errand: Errand,
    send: () => Promise<A | Refusal>,
    isStale: IsStale,
    signal: AbortSignal,
  ): Promise<Outcome<A>> {
    await this.#waitForTurn(errand, signal)
    this.#breaker.begin(errand.host)
    try {
      const said = await send()
      this.#hear(errand, said)
      return { said }
    } catch (error) {
      const fault = signal.aborted || isStale(error) ? undefined : faultOf(error)
      if (fault === undefined) this.#breaker.abandoned(errand.host)
      else this.#breaker.failed(errand.host, fault)
      return { error }
    }
  }

  async #waitForTurn({ host, caller, about, rate }: Errand, signal: AbortSignal): Promise<void> {
    this.#refuseOpen(host, about)
    const patienceMs = this.#patienceMs(signal)
    const pauseMs = this.#pauses.leftMs(host, caller)
    if (pauseMs > patienceMs) throw throttled(about, `not asked, because it asked to come back ${inSeconds(pauseMs)}`)
    const spreadMs = pauseMs === 0 ? 0 : this.#deps.random() * Math.max(SPREAD.leastMs, SPREAD.share * pauseMs)
    const turnMs = await this.#deps.budget(host, rate, patienceMs - pauseMs)
    if (turnMs === undefined)
      throw throttled(
        about,
        `not asked, because more requests wait than may be sent to it (${rate.perSecond} a second)`,
      )
    const ms = pauseMs + spreadMs + turnMs
    if (ms === 0) return
    await wait(ms, undefined, { signal })
    this.#refuseOpen(host, about)
  }

  /** Half of a second is kept back: whoever waits to the last moment has no answer either. */
  #patienceMs(signal: AbortSignal): number {
    return Math.max(0, Math.min(this.#deps.waitMs, timeLeft(signal) - ANSWER_MS))
  }

  #refuseOpen(host: string, about: string): void {
    const objection = this.#breaker.objection(host)
    if (objection !== undefined) throw unreachable(about, objection)
  }

  #hear({ host, caller }: Errand, said: Said | Refusal): void {
    if (said.kind === 'refusal') return this.#breaker.answered(host)
    const { status } = said
    const retryMs = parseRetryAfter(said.headers, new Date())
    const isThrottled = isPause(said)
    if (isThrottled) {
      const ms = retryMs ?? USUAL_PAUSE_MS
      this.#pauses.begin(host, { ms, caller: status === 429 ? caller : undefined })
    }
    if (PASSING.includes(status) && !isThrottled) this.#breaker.failed(host, `answered with status ${status}`)
    else this.#breaker.answered(host)
  }

  /** Milliseconds until the second try; undefined where there is none. A pause is waited for by whoever waits for a turn. */
  #againIn(errand: Errand, outcome: Outcome<Said>, isStale: IsStale, signal: AbortSignal): number | undefined {
    const { host, caller, isIdempotent } = errand
    const patienceMs = this.#patienceMs(signal)
    const soonMs = AGAIN_MS.least + AGAIN_MS.more * this.#deps.random()
    switch (signal.aborted ? 'never' : secondTryOf(outcome, { isIdempotent, isStale })) {
      case 'at once':
        return 0
      case 'soon':
        return soonMs <= patienceMs ? soonMs : undefined
      case 'later':
        return this.#pauses.leftMs(host, caller) <= patienceMs ? 0 : undefined
      default:
        return undefined
    }
  }
}

/** For people: whole seconds, and never none. */
function inSeconds(ms: number): string {
  return `in ${Math.max(1, Math.ceil(ms / 1000))} s`
}
