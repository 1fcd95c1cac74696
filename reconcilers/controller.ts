/** Calls a reconciler for every key that something has happened to: never twice at a time for one key, and never in a hurry. */
import { backoffMs } from '#core/cluster/backoff.ts'
import { type Clock, SYSTEM_CLOCK } from '#core/cluster/clock.ts'
import type { ReconcileOutcome } from '#core/runtime/metrics.ts'
import { makeTurns, type Turns } from '#core/runtime/turns.ts'
import type { Reconcile, Result } from './result.ts'

export type ControllerOptions = {
  /** Told of every outcome, and of the error or the reason behind a bad one. */
  readonly onOutcome: (key: string, outcome: ReconcileOutcome, why?: unknown) => void
  readonly clock?: Clock
  readonly random?: () => number
}

/** Keys that are worked on at the same time: each costs the API server a request or two. */
const AT_ONCE = 4

/** From one look at a key to the next, at least: our own writes are changes too, and another controller may answer them. */
const PACE_MS = 500

/** A key that is being seen to, from the first event to the last. */
type Tended = { isDue: boolean; wake: () => void }

/** Takes keys, of which there must be no more than one has seen: it sets no bound itself. */
export class Controller {
  readonly #reconcile: Reconcile
  readonly #onOutcome: ControllerOptions['onOutcome']
  readonly #clock: Clock
  readonly #random: () => number
  readonly #turns: Turns = makeTurns(AT_ONCE)
  readonly #closing = new AbortController()
  readonly #tended = new Map<string, Tended>()
  readonly #working = new Set<Promise<void>>()

  constructor(reconcile: Reconcile, { onOutcome, clock, random }: ControllerOptions) {
    this.#reconcile = reconcile
    this.#onOutcome = onOutcome
    this.#clock = clock ?? SYSTEM_CLOCK
    this.#random = random ?? Math.random
  }

  /** Says that something has happened to this key. Said often, it is looked at once; said during a look, once more. */
  add(key: string): void {
    if (this.#closing.signal.aborted) return
    const known = this.#tended.get(key)
    if (known !== undefined) {
      known.isDue = true
      known.wake()
      return
    }
    const one: Tended = { isDue: true, wake: () => {} }
    this.#tended.set(key, one)
    const work = this.#tend(key, one).finally(() => this.#working.delete(work))
    this.#working.add(work)
  }

  /** Aborts what is under way and resolves when it has ended; nothing is begun any more. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the controller was closed'))
    for (const { wake } of this.#tended.values()) wake()
    await Promise.all(this.#working)
  }

  /** Never rejects. */
  async #tend(key: string, one: Tended): Promise<void> {
    const { signal } = this.#closing
    // Events that come together are one.
    await Promise.resolve()
    for (let failures = 0; one.isDue && !signal.aborted; ) {
      const result = await this.#turns(() => this.#attempt(key, one))
      failures = result === 'failed' ? failures + 1 : 0
      await this.#clock.sleep(PACE_MS, signal).catch(() => {})
      await this.#waitFor(one, this.#pauseAfter(result, failures))
    }
    this.#tended.delete(key)
  }

  async #attempt(key: string, one: Tended): Promise<Result | 'failed'> {
    const { signal } = this.#closing
    if (signal.aborted) return { next: 'settled' }
    // Before the look: what happens during it must be looked at too.
    one.isDue = false
    try {
      const result = await this.#reconcile(key, signal)
      this.#onOutcome(key, result.next, result.next === 'stuck' ? result.why : undefined)
      return result
    } catch (error) {
      if (!signal.aborted) this.#onOutcome(key, 'failed', error)
      return 'failed'
    }
  }

  #pauseAfter(result: Result | 'failed', failures: number): number | undefined {
    if (result === 'failed') return backoffMs(failures - 1, this.#random())
    return result.next === 'again' ? result.afterMs : undefined
  }

  /** Makes the key due after so long, or as soon as it is added; undefined waits for nothing. */
  async #waitFor(one: Tended, ms: number | undefined): Promise<void> {
    if (one.isDue || ms === undefined || this.#closing.signal.aborted) return
    const waking = new AbortController()
    one.wake = () => waking.abort()
    await this.#clock.sleep(ms, waking.signal).catch(() => {})
    one.isDue = true
  }
}
