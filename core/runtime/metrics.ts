/** Every metric of Shedu, with its help and its closed labels; all series exist from the start, at zero. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { CODES, type Code } from '#core/domain/refusal.ts'
import { declarePoliciesStale } from './reconciler-metrics.ts'

/** Which of the two webhooks was asked. */
export const REVIEWS = ['validate', 'mutate'] as const
export type Review = (typeof REVIEWS)[number]

/** The three outcomes of a verdict, and the two ways in which there is none: the question was unreadable, or we failed. */
export const OUTCOMES = ['allow', 'deny', 'undecided', 'invalid', 'failed'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** What stands in the place of a policy of the cluster that is not valid: its last valid form, the refusal of what it names, nothing. */
export const IN_PLACE = ['last-valid', 'refusing', 'nothing'] as const
type InPlace = (typeof IN_PLACE)[number]

const PIN_RESULTS = ['pinned', 'unpinned'] as const

/** From a cached proof to the API server's longest patience. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export type Metrics = {
  readonly registry: Registry
  /** One review was answered. The codes are those of its objections. */
  readonly decided: (review: Review, outcome: Outcome, codes: readonly Code[], ms: number) => void
  /** One mutation replaced this many tags, and could not replace that many. */
  readonly pinned: (pinned: number, unpinned: number) => void
  readonly inFlight: (review: Review, change: 1 | -1) => void
  readonly ready: (isReady: boolean) => void
  readonly policies: (loaded: number) => void
  /** Policies of the cluster that are not valid, by what stands in their place. */
  readonly invalidPolicies: (inPlace: InPlace, count: number) => void
  /** Asked at each scrape how long ago the API server last proved that we know all policies. */
  readonly policiesStale: (ms: () => number) => void
  readonly certificateEnds: (at: Date) => void
}

/** Declares all metrics in a registry of their own, so that two of them in one process share nothing. */
export function makeMetrics(): Metrics {
  const registry = new Registry()
  const { admissions, durations, objections, pins, inFlight, ready, policies, invalid, certificate } = declare(registry)
  // Children are looked up once, here: the lookup costs more than the count.
  const ofOutcome = table(REVIEWS, review => table(OUTCOMES, outcome => atZero(admissions.labels(review, outcome))))
  const ofDuration = table(REVIEWS, review => durations.labels(review))
  const ofCode = table(Object.keys(CODES) as Code[], code => atZero(objections.labels(code)))
  const ofPin = table(PIN_RESULTS, result => atZero(pins.labels(result)))
  const ofFlight = table(REVIEWS, review => atZero(inFlight.labels(review)))
  const ofInPlace = table(IN_PLACE, inPlace => atZero(invalid.labels(inPlace)))
  for (const review of REVIEWS) durations.zero({ review })
  return {
    registry,
    decided(review, outcome, codes, ms) {
      ofOutcome[review][outcome].inc()
      ofDuration[review].observe(ms / 1000)
      for (const code of codes) ofCode[code].inc()
    },
    pinned(pinned, unpinned) {
      ofPin.pinned.inc(pinned)
      ofPin.unpinned.inc(unpinned)
    },
    inFlight: (review, change) => ofFlight[review].inc(change),
    ready: isReady => ready.set(isReady ? 1 : 0),
    policies: loaded => policies.set(loaded),
    invalidPolicies: (inPlace, count) => ofInPlace[inPlace].set(count),
    policiesStale: declarePoliciesStale(registry),
    certificateEnds: at => certificate.set(at.getTime() / 1000),
  }
}

/** Adds what Node says about the process: memory, event loop, garbage. Once per process: it starts observers that never end. */
export function watchProcess({ registry }: Pick<Metrics, 'registry'>): void {
  collectDefaultMetrics({ register: registry })
}

function declare(registry: Registry) {
  const registers = [registry]
  const counter = <L extends string>(name: string, labelNames: L[], help: string) =>
    new Counter({ name, labelNames, help, registers })
  const gauge = <L extends string>(name: string, labelNames: L[], help: string) =>
    new Gauge({ name, labelNames, help, registers })
  return {
    admissions: counter('shedu_admissions_total', ['review', 'outcome'], 'Admission reviews answered.'),
    durations: new Histogram({
      name: 'shedu_admission_duration_seconds',
      labelNames: ['review'],
      help: 'Time from the arrival of a review to its answer.',
      buckets: SECONDS,
      registers,
    }),
    objections: counter('shedu_objections_total', ['code'], 'Reviews answered with this code among the objections.'),
    pins: counter('shedu_pins_total', ['result'], 'Tags that were replaced by digests, or should have been.'),
    inFlight: gauge('shedu_admissions_in_flight', ['review'], 'Reviews that are being worked on.'),
    ready: gauge('shedu_ready', [], '1 while reviews can be judged, 0 otherwise.'),
    policies: gauge('shedu_policies', [], 'Policies that are loaded.'),
    invalid: gauge('shedu_policies_invalid', ['in_place'], 'Policies of the cluster that are not valid.'),
    certificate: gauge(
      'shedu_certificate_expiry_timestamp_seconds',
      [],
      'When the serving certificate expires, in seconds since 1970; 0 before it is known.',
    ),
  }
}

function table<K extends string, V>(keys: readonly K[], valueOf: (key: K) => V): Readonly<Record<K, V>> {
  return Object.fromEntries(keys.map(key => [key, valueOf(key)])) as Record<K, V>
}

/** Creates the series at zero: one that appears only with its first event has no rate for that event. */
function atZero<C extends { inc: (value: number) => void }>(child: C): C {
  child.inc(0)
  return child
}
