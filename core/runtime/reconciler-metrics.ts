/** Every metric of the reconcilers, in the manner of metrics.ts. */
import { Counter, Gauge, Registry } from 'prom-client'

/** The kinds that are reconciled. */
export const RECONCILERS = ['cluster-image-policy'] as const
type Reconciler = (typeof RECONCILERS)[number]

/** What one look at a key came to. */
export const RECONCILE_OUTCOMES = ['settled', 'again', 'stuck', 'failed'] as const
export type ReconcileOutcome = (typeof RECONCILE_OUTCOMES)[number]

export type ReconcilerMetrics = {
  readonly registry: Registry
  readonly reconciled: (reconciler: Reconciler, outcome: ReconcileOutcome) => void
  readonly leads: (isLeading: boolean) => void
  /** Asked at each scrape how long ago the API server last proved that we know all policies. */
  readonly policiesStale: (ms: () => number) => void
}

/** Declares all of them in a registry of their own. */
export function makeReconcilerMetrics(): ReconcilerMetrics {
  const registry = new Registry()
  const registers = [registry]
  const reconciles = new Counter({
    name: 'shedu_reconciles_total',
    labelNames: ['reconciler', 'outcome'],
    help: 'Looks at one object, by what they came to.',
    registers,
  })
  for (const reconciler of RECONCILERS)
    for (const outcome of RECONCILE_OUTCOMES) reconciles.labels(reconciler, outcome).inc(0)
  const leader = new Gauge({ name: 'shedu_leader', help: '1 in the replica that leads, 0 in the others.', registers })
  return {
    registry,
    reconciled: (reconciler, outcome) => reconciles.labels(reconciler, outcome).inc(),
    leads: isLeading => leader.set(isLeading ? 1 : 0),
    policiesStale: declarePoliciesStale(registry),
  }
}

/** A gauge that is read when somebody looks: a number that grows by itself cannot be set in time. */
export function declarePoliciesStale(registry: Registry): (ms: () => number) => void {
  let age = () => 0
  const stale: Gauge = new Gauge({
    name: 'shedu_policies_stale_seconds',
    help: 'Time since the API server last proved that all its policies are known; 0 where they come from files.',
    registers: [registry],
    collect: () => stale.set(age() / 1000),
  })
  return ms => {
    age = ms
  }
}
