/** Every metric of Shedu, of all its programs: name with its unit, help, closed labels. Nothing else declares one. */
import { CODES, type Code } from '#core/domain/refusal.ts'

/** Which of the two webhooks was asked. */
const REVIEWS = ['validate', 'mutate'] as const
export type Review = (typeof REVIEWS)[number]

/** The three outcomes of a verdict, and the two ways in which there is none: the question was unreadable, or we failed. */
const OUTCOMES = ['allow', 'deny', 'undecided', 'invalid', 'failed'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** What stands in the place of a policy of the cluster that is not valid: its last valid form, the refusal of what it names, nothing. */
export const IN_PLACE = ['last-valid', 'refusing', 'nothing'] as const
export type InPlace = (typeof IN_PLACE)[number]

/** What became of a tag at mutation. */
const PIN_RESULTS = ['pinned', 'unpinned'] as const

/** Where findings are remembered. */
const CACHE_TIERS = ['memory'] as const
export type CacheTier = (typeof CACHE_TIERS)[number]

/** Remembered; looked for; looked for already by somebody else, whose answer was waited for. */
const LOOKUPS = ['hit', 'miss', 'shared'] as const
export type Lookup = (typeof LOOKUPS)[number]

/** What was found out about one image for one demand. */
const FINDINGS = ['proof', 'refusal', 'silence'] as const
export type FindingKind = (typeof FINDINGS)[number]

/** What one request to a registry, a token service or a blob store came to. `refused`: we would not read the answer. `given-up`: nobody waited any more. */
const ANSWERS = [
  'ok',
  'redirected',
  'not-found',
  'unauthorized',
  'throttled',
  'failed',
  'refused',
  'unreachable',
  'given-up',
] as const
export type AnswerClass = (typeof ANSWERS)[number]

/** What has to be checked: a signature by a key alone, or certificates, log entries or timestamps as well. */
const EVIDENCE = ['key', 'witnessed'] as const
export type Evidence = (typeof EVIDENCE)[number]

/** Where it was checked: on the event loop, or in a thread. */
const VERIFY_PLACES = ['inline', 'thread'] as const
export type VerifyPlace = (typeof VERIFY_PLACES)[number]

/** Whether a changed folder of trust roots could be taken. */
const RELOADS = ['taken', 'failed'] as const

/** The kinds that are reconciled. */
const RECONCILERS = ['cluster-image-policy'] as const
export type Reconciler = (typeof RECONCILERS)[number]

/** What one look at a key came to. */
const RECONCILE_OUTCOMES = ['settled', 'again', 'stuck', 'failed'] as const
export type ReconcileOutcome = (typeof RECONCILE_OUTCOMES)[number]

type Label<V extends string> = { readonly name: string; readonly values: readonly V[] }

/** A metric with the labels that it always has; none of them ever holds an image, a namespace or a user. */
export type Metric<L extends readonly Label<string>[] = readonly Label<string>[]> = {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly name: `shedu_${string}`
  readonly help: string
  readonly labels: L
  /** Upper ends in seconds, of histograms. */
  readonly buckets?: readonly number[]
}

/** From a remembered proof to the API server's longest patience. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** From a signature by a key to a large attestation behind others. */
const VERIFY_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]

/** An hour, a day, a week, a month, a quarter, a year, two: from a release of today to one that somebody has brought back. */
const AGE_SECONDS = [3600, 86_400, 604_800, 2_592_000, 7_776_000, 31_536_000, 63_072_000]

const reviewLabel = { name: 'review', values: REVIEWS } as const

const policiesStale = gauge(
  'shedu_policies_stale_seconds',
  'Time since the API server last proved that all its policies are known; 0 where they come from files.',
)

/** Those of the webhook. */
export const WEBHOOK_METRICS = {
  admissions: counter('shedu_admissions_total', 'Admission reviews answered.', reviewLabel, {
    name: 'outcome',
    values: OUTCOMES,
  }),
  durations: histogram(
    'shedu_admission_duration_seconds',
    SECONDS,
    'Time from the arrival of a review to its answer.',
    reviewLabel,
  ),
  objections: counter('shedu_objections_total', 'Reviews answered with this code among the objections.', {
    name: 'code',
    values: Object.keys(CODES) as Code[],
  }),
  pins: counter('shedu_pins_total', 'Tags that were replaced by digests, or should have been.', {
    name: 'result',
    values: PIN_RESULTS,
  }),
  inFlight: gauge('shedu_admissions_in_flight', 'Reviews that are being worked on.', reviewLabel),
  findings: counter('shedu_findings_total', 'What was found out about an image for one demand.', {
    name: 'kind',
    values: FINDINGS,
  }),
  lookups: counter(
    'shedu_cache_lookups_total',
    'Findings that were needed, by where they came from.',
    { name: 'tier', values: CACHE_TIERS },
    { name: 'result', values: LOOKUPS },
  ),
  requests: counter('shedu_registry_requests_total', 'Requests to registries, token services and blob stores.', {
    name: 'outcome',
    values: ANSWERS,
  }),
  requestDurations: histogram(
    'shedu_registry_request_duration_seconds',
    SECONDS,
    'Time of one request to a registry, from sending it to the last byte of its answer.',
  ),
  verifications: histogram(
    'shedu_verify_duration_seconds',
    VERIFY_SECONDS,
    'Time to verify one artefact, waiting for a turn included.',
    { name: 'kind', values: EVIDENCE },
    { name: 'place', values: VERIFY_PLACES },
  ),
  proofAges: histogram(
    'shedu_proof_age_seconds',
    AGE_SECONDS,
    'How long ago what was proven had been signed, where that is witnessed.',
  ),
  verifierQueue: gauge('shedu_verifier_queue', 'Artefacts that wait for a thread.'),
  eventLoopDelay: gauge(
    'shedu_event_loop_delay_p99_seconds',
    'By how much the event loop was late since the last scrape, 99th percentile.',
  ),
  ready: gauge('shedu_ready', '1 while reviews can be judged, 0 otherwise.'),
  policies: gauge('shedu_policies', 'Policies that are loaded.'),
  invalid: gauge('shedu_policies_invalid', 'Policies of the cluster that are not valid.', {
    name: 'in_place',
    values: IN_PLACE,
  }),
  policiesStale,
  trustRoots: gauge('shedu_trust_roots', 'Trust roots in force.'),
  trustRootsSince: gauge(
    'shedu_trust_roots_since_timestamp_seconds',
    'When the trust roots in force were taken, in seconds since 1970; 0 without any.',
  ),
  trustRootsExpiry: gauge(
    'shedu_trust_roots_expiry_timestamp_seconds',
    'When the first key or authority of the trust roots that is in use ends, in seconds since 1970; 0 where none has an end.',
  ),
  trustRootReloads: counter('shedu_trust_root_reloads_total', 'Changes of the folder of trust roots.', {
    name: 'result',
    values: RELOADS,
  }),
  certificate: gauge(
    'shedu_certificate_expiry_timestamp_seconds',
    'When the serving certificate expires, in seconds since 1970; 0 before it is known.',
  ),
  eventsDropped: counter(
    'shedu_events_dropped_total',
    'Kubernetes Events that were not written: too many at once, or the API server did not take them.',
  ),
} as const

/** Those of the reconcilers. */
export const RECONCILER_METRICS = {
  reconciles: counter(
    'shedu_reconciles_total',
    'Looks at one object, by what they came to.',
    { name: 'reconciler', values: RECONCILERS },
    { name: 'outcome', values: RECONCILE_OUTCOMES },
  ),
  leader: gauge('shedu_leader', '1 in the replica that leads, 0 in the others.'),
  policiesStale,
} as const

function counter<const L extends readonly Label<string>[]>(name: Metric['name'], help: string, ...labels: L) {
  return { type: 'counter', name, help, labels } as const satisfies Metric<L>
}

function gauge<const L extends readonly Label<string>[]>(name: Metric['name'], help: string, ...labels: L) {
  return { type: 'gauge', name, help, labels } as const satisfies Metric<L>
}

function histogram<const L extends readonly Label<string>[]>(
  name: Metric['name'],
  buckets: readonly number[],
  help: string,
  ...labels: L
) {
  return { type: 'histogram', name, help, labels, buckets } as const satisfies Metric<L>
}
