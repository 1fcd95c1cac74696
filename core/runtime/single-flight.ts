/** One piece of work for all who want it at the same time. */
import { Unavailable } from '#core/domain/unavailable.ts'
import { endOf, setEnd } from './time-left.ts'

/** Whoever waits, until when he can: milliseconds of `performance.now()`. */
type Waiter = { readonly endsAt: number }

type Flight<T> = { readonly result: Promise<T>; readonly stop: AbortController; readonly waiting: Set<Waiter> }

/** What work is told that goes on although all have what they waited for. Made once: with its stack it costs as much as a small flight. */
const LANDED = new Unavailable('deadline.exceeded', 'nobody waits for it any more')

/**
 * Shares work by key while it is under way. A caller who gives up leaves alone: the work goes on for the others, and is
 * aborted when the last has left. Nothing is kept after it lands; that is a cache's business.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>()

  /** Joins the flight of this key or starts one. Rejects with `signal.reason` when this caller gives up. */
  async run(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    const waiter = { endsAt: endOf(signal) }
    const flight = this.#flights.get(key) ?? this.#start(key, work, waiter)
    flight.waiting.add(waiter)
    const leaving = Promise.withResolvers<never>()
    const leave = () => leaving.reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([flight.result, leaving.promise])
    } finally {
      signal.removeEventListener('abort', leave)
      flight.waiting.delete(waiter)
      if (flight.waiting.size === 0) this.#land(key, flight, signal.reason)
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>, first: Waiter): Flight<T> {
    const stop = new AbortController()
    const waiting = new Set([first])
    // There is as much time as the most patient has: for him the work goes on.
    setEnd(stop.signal, () => Math.max(...[...waiting].map(({ endsAt }) => endsAt)))
    const flight: Flight<T> = { result: Promise.try(work, stop.signal), stop, waiting }
    // When the last caller has left nobody listens any more: a rejection then is expected, not unhandled.
    flight.result.catch(() => {})
    this.#flights.set(key, flight)
    return flight
  }

  /** A flight that nobody waits for must not be joined: it may already have been told to stop. */
  #land(key: string, flight: Flight<T>, reason: unknown): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
    flight.stop.abort(reason ?? LANDED)
  }
}
