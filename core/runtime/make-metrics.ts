/** The metrics of the webhook at work: one function for each thing that happens. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Code } from '#core/domain/refusal.ts'
import {
  type AnswerClass,
  type CacheTier,
  type Evidence,
  type FindingKind,
  type InPlace,
  type Lookup,
  type Outcome,
  type Review,
  type VerifyPlace,
  WEBHOOK_METRICS,
} from './metrics.ts'
import { makeAsked, makeSeries } from './series.ts'

export type Metrics = {
  readonly registry: Registry
  /** One review was answered. The codes are those of its objections. */
  readonly decided: (review: Review, outcome: Outcome, codes: readonly Code[], ms: number) => void
  /** One mutation replaced this many tags, and could not replace that many. */
  readonly pinned: (pinned: number, unpinned: number) => void
  readonly inFlight: (review: Review, change: 1 | -1) => void
  /** So many findings of this kind were gathered. */
  readonly found: (kind: FindingKind, count: number) => void
  /** Something was proven that was signed so long ago, as somebody believed has witnessed. */
  readonly provenAfter: (ms: number) => void
  /** So many findings were looked up, and came from there. */
  readonly lookedUp: (tier: CacheTier, result: Lookup, count: number) => void
  /** One request to a registry ended. */
  readonly requested: (answer: AnswerClass, ms: number) => void
  /** One artefact was verified. */
  readonly verified: (evidence: Evidence, place: VerifyPlace, ms: number) => void
  /** Asked at each scrape how many artefacts wait for a thread. */
  readonly verifierQueue: (length: () => number) => void
  /** Asked at each scrape by how many milliseconds the event loop was late. */
  readonly eventLoopDelay: (p99Ms: () => number) => void
  readonly ready: (isReady: boolean) => void
  readonly policies: (loaded: number) => void
  /** Policies of the cluster that are not valid, by what stands in their place. */
  readonly invalidPolicies: (inPlace: InPlace, count: number) => void
  /** Asked at each scrape how long ago the API server last proved that we know all policies. */
  readonly policiesStale: (ms: () => number) => void
  /** So many trust roots are in force from now on; `ends` is asked at each scrape, in milliseconds since 1970. */
  readonly trustRootsTaken: (count: number, now: Date, ends: () => number | undefined) => void
  /** A changed folder of trust roots could not be taken. */
  readonly trustRootsFailed: () => void
  readonly certificateEnds: (at: Date) => void
  /** Asked at each scrape how many Kubernetes Events were not written. */
  readonly eventsDropped: (count: () => number) => void
}

/** Declares all of them in a registry of their own, so that two of them in one process share nothing. */
export function makeMetrics(): Metrics {
  const registry = new Registry()
  return { registry, ...ofReviews(registry), ...ofWork(registry), ...ofState(registry), ...ofTrust(registry) }
}

/** Adds what Node says about the process: memory, event loop, garbage. Once per process: it starts observers that never end. */
export function watchProcess({ registry }: Pick<Metrics, 'registry'>): void {
  collectDefaultMetrics({ register: registry })
}

/** How often the event loop is asked to come by, in milliseconds; what is late is what comes on top. */
const LOOP_MS = 10

/** Watches the event loop. Once per process, too. */
export function watchEventLoop({ eventLoopDelay }: Pick<Metrics, 'eventLoopDelay'>): void {
  const delays = monitorEventLoopDelay({ resolution: LOOP_MS })
  delays.enable()
  eventLoopDelay(() => {
    const ms = delays.percentile(99) / 1e6
    delays.reset()
    return Math.max(0, ms - LOOP_MS)
  })
}

function ofReviews(registry: Registry) {
  const admissions = makeSeries(registry, WEBHOOK_METRICS.admissions)
  const durations = makeSeries(registry, WEBHOOK_METRICS.durations)
  const objections = makeSeries(registry, WEBHOOK_METRICS.objections)
  const pins = makeSeries(registry, WEBHOOK_METRICS.pins)
  const inFlight = makeSeries(registry, WEBHOOK_METRICS.inFlight)
  return {
    decided(review, outcome, codes, ms) {
      admissions[review][outcome].inc()
      durations[review].observe(ms / 1000)
      for (const code of codes) objections[code].inc()
    },
    pinned(pinned, unpinned) {
      pins.pinned.inc(pinned)
      pins.unpinned.inc(unpinned)
    },
    inFlight: (review, change) => inFlight[review].inc(change),
  } satisfies Partial<Metrics>
}

function ofWork(registry: Registry) {
  const findings = makeSeries(registry, WEBHOOK_METRICS.findings)
  const proofAges = makeSeries(registry, WEBHOOK_METRICS.proofAges)
  const lookups = makeSeries(registry, WEBHOOK_METRICS.lookups)
  const requests = makeSeries(registry, WEBHOOK_METRICS.requests)
  const requestDurations = makeSeries(registry, WEBHOOK_METRICS.requestDurations)
  const verifications = makeSeries(registry, WEBHOOK_METRICS.verifications)
  const eventLoopDelay = makeAsked(registry, WEBHOOK_METRICS.eventLoopDelay)
  return {
    found: (kind, count) => findings[kind].inc(count),
    provenAfter: ms => proofAges.observe(ms / 1000),
    lookedUp: (tier, result, count) => lookups[tier][result].inc(count),
    requested(answer, ms) {
      requests[answer].inc()
      requestDurations.observe(ms / 1000)
    },
    verified: (evidence, place, ms) => verifications[evidence][place].observe(ms / 1000),
    verifierQueue: makeAsked(registry, WEBHOOK_METRICS.verifierQueue),
    eventLoopDelay: p99Ms => eventLoopDelay(() => p99Ms() / 1000),
    eventsDropped: makeAsked(registry, WEBHOOK_METRICS.eventsDropped),
  } satisfies Partial<Metrics>
}

function ofState(registry: Registry) {
  const ready = makeSeries(registry, WEBHOOK_METRICS.ready)
  const policies = makeSeries(registry, WEBHOOK_METRICS.policies)
  const invalid = makeSeries(registry, WEBHOOK_METRICS.invalid)
  const stale = makeAsked(registry, WEBHOOK_METRICS.policiesStale)
  const certificate = makeSeries(registry, WEBHOOK_METRICS.certificate)
  return {
    ready: isReady => ready.set(isReady ? 1 : 0),
    policies: loaded => policies.set(loaded),
    invalidPolicies: (inPlace, count) => invalid[inPlace].set(count),
    policiesStale: ms => stale(() => ms() / 1000),
    certificateEnds: at => certificate.set(at.getTime() / 1000),
  } satisfies Partial<Metrics>
}

function ofTrust(registry: Registry) {
  const count = makeSeries(registry, WEBHOOK_METRICS.trustRoots)
  const since = makeSeries(registry, WEBHOOK_METRICS.trustRootsSince)
  const expiry = makeAsked(registry, WEBHOOK_METRICS.trustRootsExpiry)
  const reloads = makeSeries(registry, WEBHOOK_METRICS.trustRootReloads)
  return {
    trustRootsTaken(roots, now, ends) {
      count.set(roots)
      since.set(now.getTime() / 1000)
      expiry(() => (ends() ?? 0) / 1000)
      reloads.taken.inc()
    },
    trustRootsFailed: () => reloads.failed.inc(),
  } satisfies Partial<Metrics>
}
