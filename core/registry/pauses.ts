/** Who has been asked to come back later, and by whom: until then nothing is sent. */
import { BoundedMap } from './bounded-map.ts'

/** A host that asks for more is asked again after this all the same: its limits change, and its word is only its word. */
export const LONGEST_PAUSE_MS = 60_000

/** For a host that throttles without saying how long: as long as it takes not to be a flood. */
export const USUAL_PAUSE_MS = 1000

/** Hosts and callers. Of more, the pause that was begun longest ago is forgotten. */
const MOST_PAUSES = 1000

export class Pauses {
  readonly #endsAtMs = new BoundedMap<number>(MOST_PAUSES)
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Milliseconds for which this caller has yet to leave the host alone. */
  leftMs(host: string, caller: string): number {
    const now = this.#nowMs()
    return Math.max(0, ...[host, `${host} ${caller}`].map(key => (this.#endsAtMs.get(key) ?? now) - now))
  }

  /**
   * Begins a pause. 429 is said to one caller (RFC 6585 section 4): whoever brings a credential that has used up its
   * share must not close the registry to all others. 503 is said to everyone.
   */
  begin(host: string, { caller, ms }: { readonly caller: string | undefined; readonly ms: number }): void {
    const key = caller === undefined ? host : `${host} ${caller}`
    const endsAt = this.#nowMs() + Math.min(ms, LONGEST_PAUSE_MS)
    this.#endsAtMs.set(key, Math.max(endsAt, this.#endsAtMs.get(key) ?? 0))
  }
}
