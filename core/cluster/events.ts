/** Says in the cluster what has happened to an object, where `kubectl get events` shows it. As good as it gets, never waited for. */
import { randomUUID } from 'node:crypto'
import { deadline } from '#core/runtime/deadline.ts'
import type { ClusterClient } from './client.ts'
import { type Clock, SYSTEM_CLOCK } from './clock.ts'
import { microTime } from './micro-time.ts'
import type { ClusterObject, Resource } from './resource.ts'

const EVENTS: Resource = { group: 'events.k8s.io', version: 'v1', plural: 'events' }

/** What is said about which object. `action` and `reason` are short words for machines, `note` is for people. */
export type ClusterEvent = {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly action: string
  readonly note: string
  readonly regarding: {
    readonly apiVersion: string
    readonly kind: string
    readonly namespace?: string
    readonly name: string
    readonly uid?: string
  }
}

/** `controller` as in `shedu.dev/webhook`; `instance` is the name of the Pod. */
export type Reporter = { readonly controller: string; readonly instance: string }

export type RecorderOptions = {
  /** Told why an event did not arrive. */
  readonly report: (error: unknown) => void
  readonly clock?: Clock
}

/** Different things that may wait to be said; what comes on top is dropped. The same again only counts. */
const WAITING = 256

/** Different things that are remembered, so that the same again is one series: the API's own time for a series. */
const REMEMBERED = 1024
const SERIES_MS = 6 * 60_000

/** At most ten a second: events come in storms when the API server is busy anyway. */
const PACE_MS = 100

/** For one event, and for all that wait when the recorder is closed. */
const ANSWER_MS = 10_000
const FAREWELL_MS = 2_000

/** Kubernetes' own bound of a note, in bytes. */
const NOTE_BYTES = 1024

type Series = { readonly name: string; readonly event: ClusterEvent; readonly began: Date; last: number; count: number }

/** Takes events at once and sends them by and by. */
export class EventRecorder {
  readonly #client: Pick<ClusterClient, 'apply'>
  readonly #reporter: Reporter
  readonly #report: (error: unknown) => void
  readonly #clock: Clock
  /** By what is said of whom; the one that was said longest ago comes first. */
  readonly #series = new Map<string, Series>()
  readonly #waiting = new Set<string>()
  readonly #closing = new AbortController()
  readonly #giveUp = new AbortController()
  #sending: Promise<void> | undefined
  #dropped = 0

  constructor(client: Pick<ClusterClient, 'apply'>, reporter: Reporter, { report, clock }: RecorderOptions) {
    this.#client = client
    this.#reporter = reporter
    this.#report = report
    this.#clock = clock ?? SYSTEM_CLOCK
  }

  /** How many were not said: too many at once, or the API server did not take them. */
  get dropped(): number {
    return this.#dropped
  }

  /** Never throws, never waits. */
  record(said: ClusterEvent): void {
    const event = { ...said, note: cut(said.note) }
    const key = JSON.stringify(event)
    if (this.#closing.signal.aborted || (this.#waiting.size >= WAITING && !this.#waiting.has(key))) {
      this.#dropped++
      return
    }
    this.#count(key, event)
    this.#waiting.add(key)
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
  }

  /** Says what still waits, if that takes no longer than a moment. */
  async close(): Promise<void> {
    this.#closing.abort()
    using limit = deadline(FAREWELL_MS)
    limit.signal.addEventListener('abort', () => this.#giveUp.abort(limit.signal.reason), { once: true })
    await this.#sending
  }

  #count(key: string, event: ClusterEvent): void {
    const now = this.#clock.now()
    const known = this.#series.get(key)
    const goesOn = known !== undefined && now - known.last < SERIES_MS
    const series = goesOn
      ? known
      : { name: `shedu.${randomUUID()}`, event, began: this.#clock.date(), last: now, count: 0 }
    series.last = now
    series.count++
    this.#series.delete(key)
    this.#series.set(key, series)
    // What waits is among the youngest of these, for there are fewer of it.
    for (const oldest of this.#series.keys()) {
      if (this.#series.size <= REMEMBERED) break
      this.#series.delete(oldest)
    }
  }
  async #send(): Promise<void> {
    // What is added on the way comes last, and is visited too.
    for (const key of this.#waiting) {
      this.#waiting.delete(key)
      const series = this.#series.get(key)
      if (series !== undefined) await this.#say(series)
      await this.#clock.sleep(PACE_MS, this.#closing.signal).catch(() => {})
    }
  }

  async #say(series: Series): Promise<void> {
    try {
      using limit = deadline(ANSWER_MS, this.#giveUp.signal)
      // Applied, not created: the first of a series and its hundredth are the same request.
      await this.#client.apply(EVENTS, this.#objectOf(series), 'take', limit.signal)
    } catch (error) {
      this.#dropped++
      this.#report(error)
    }
  }

  #objectOf({ name, event, began, count }: Series): ClusterObject {
    const repeated = count > 1 ? { series: { count, lastObservedTime: microTime(this.#clock.date()) } } : {}
    return {
      ...event,
      ...repeated,
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      // That of a thing of the whole cluster lies where kubectl looks for it.
      metadata: { name, namespace: event.regarding.namespace ?? 'default' },
      eventTime: microTime(began),
      reportingController: this.#reporter.controller,
      reportingInstance: this.#reporter.instance,
    }
  }
}

/** As much as fits, ending between two characters. */
function cut(note: string): string {
  const { read } = new TextEncoder().encodeInto(note, new Uint8Array(NOTE_BYTES))
  return note.slice(0, read)
}
