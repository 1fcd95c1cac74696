/** Answers kept for a short while: asked for once, however many want one at the same time, and bounded in number. */
import { SingleFlight } from '#core/runtime/single-flight.ts'
import { BoundedMap } from './bounded-map.ts'

/** An answer, and how long it is good for; 0 for one that only those get who wait for it now. */
export type Perishable<T> = { readonly value: T; readonly lifeMs: number }

export class Kept<T> {
  readonly #entries: BoundedMap<{ readonly value: T; readonly endsAtMs: number }>
  readonly #flights = new SingleFlight<T>()
  readonly #nowMs: () => number

  /** `nowMs` need not be the time of day, but must never go back. */
  constructor(most: number, nowMs: () => number) {
    this.#entries = new BoundedMap(most)
    this.#nowMs = nowMs
  }

  /** What is kept under the key, or what `fetch` brings. Rejects with the reason of the signal when that aborts. */
  async get(key: string, fetch: (signal: AbortSignal) => Promise<Perishable<T>>, signal: AbortSignal): Promise<T> {
    const known = this.#entries.get(key)
    if (known !== undefined && known.endsAtMs > this.#nowMs()) return known.value
    return await this.#flights.run(key, signal => this.#fetch(key, fetch, signal), signal)
  }

  async #fetch(key: string, fetch: (signal: AbortSignal) => Promise<Perishable<T>>, signal: AbortSignal): Promise<T> {
    const { value, lifeMs } = await fetch(signal)
    if (lifeMs > 0) this.#entries.set(key, { value, endsAtMs: this.#nowMs() + lifeMs })
    else this.#entries.delete(key)
    return value
  }
}
