/** Lets one process among many lead: it leads only while a Lease is its own, and stops before another can begin. */
import { deadline } from '#core/runtime/deadline.ts'
import type { ClusterClient } from './client.ts'
import { type Clock, SYSTEM_CLOCK } from './clock.ts'
import { Lease, type LeaseConfig } from './lease.ts'

/** One stretch of leading. */
export type Term = {
  /** Aborts when the term ends. */
  readonly signal: AbortSignal
  /** Ask before each write: a process that was stopped for a while learns from this first that it leads no more. */
  readonly isHeld: () => boolean
}

export type ElectOptions = {
  readonly lead: (term: Term) => Promise<void>
  /** Told why the Lease could not be read or written. */
  readonly report: (error: unknown) => void
  readonly clock?: Clock
  readonly random?: () => number
}

/** How often a Lease is looked at during its time: as client-go does, every 2 s of 15. */
const LOOKS = 7.5

/**
 * Stands for election until `signal` aborts, and calls `lead` for each term; the next one is not stood for before `lead`
 * has ended. When the signal aborts, the Lease is given back as soon as `lead` has ended, if it is still ours by then.
 * Rejects only with what `lead` threw.
 */
export async function standForElection(
  client: Pick<ClusterClient, 'get' | 'create' | 'replace'>,
  config: LeaseConfig,
  options: ElectOptions,
  signal: AbortSignal,
): Promise<void> {
  const candidate = new Candidate(client, config, options)
  while (!signal.aborted) {
    if (await candidate.isElected(signal)) await candidate.serve(signal)
    await candidate.pause(signal)
  }
}

class Candidate {
  readonly #lease: Lease
  readonly #options: ElectOptions
  readonly #clock: Clock
  readonly #random: () => number
  readonly #lookMs: number
  readonly #answerMs: number

  constructor(client: Pick<ClusterClient, 'get' | 'create' | 'replace'>, config: LeaseConfig, options: ElectOptions) {
    this.#options = options
    this.#clock = options.clock ?? SYSTEM_CLOCK
    this.#random = options.random ?? Math.random
    this.#lease = new Lease(client, config, this.#clock)
    this.#lookMs = (config.seconds * 1000) / LOOKS
    // Half of the time for which it is ours: a renewal that hangs leaves time for another.
    this.#answerMs = (config.seconds * 1000) / 3
  }

  /** Takes the Lease if it can be had. */
  async isElected(signal: AbortSignal): Promise<boolean> {
    await this.#look(signal)
    return this.#lease.isHeld()
  }

  /** One term, to its end. */
  async serve(signal: AbortSignal): Promise<void> {
    const ending = new AbortController()
    const end = () => ending.abort(new Error('the term has ended'))
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    const term = { signal: ending.signal, isHeld: () => !ending.signal.aborted && this.#lease.isHeld() }
    const led = Promise.try(this.#options.lead, term).finally(end)
    // It is looked at last, and may have failed long before.
    led.catch(() => {})
    const renewing = this.#renew(ending.signal)
    await Promise.race([renewing, this.#untilRunOut(ending.signal)])
    end()
    signal.removeEventListener('abort', end)
    await renewing
    await this.#handBack(led)
    await led
  }

  async pause(signal: AbortSignal): Promise<void> {
    // Those who began together need not go on together.
    await this.#clock.sleep(this.#lookMs * (1 + this.#random() / 5), signal).catch(() => {})
  }

  async #renew(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#lease.isHeld()) {
      await this.pause(signal)
      if (!signal.aborted) await this.#look(signal)
    }
  }

  async #untilRunOut(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#lease.isHeld())
      await this.#clock.sleep(this.#lease.heldUntil - this.#clock.now(), signal).catch(() => {})
  }

  /** Others would begin at once: only when our own work has ended, and nothing if that takes longer than the Lease. */
  async #handBack(led: Promise<void>): Promise<void> {
    const settled = new AbortController()
    const settle = () => settled.abort()
    led.then(settle, settle)
    await this.#untilRunOut(settled.signal)
    if (!this.#lease.isHeld()) return
    using limit = deadline(this.#answerMs)
    await this.#lease.release(limit.signal).catch(error => this.#options.report(error))
  }

  async #look(signal: AbortSignal): Promise<void> {
    using limit = deadline(this.#answerMs, signal)
    try {
      await this.#lease.take(limit.signal)
    } catch (error) {
      if (!signal.aborted) this.#options.report(error)
    }
  }
}
