/** The metrics of the reconcilers at work, in the manner of make-metrics.ts. */
import { Registry } from 'prom-client'
import { RECONCILER_METRICS, type ReconcileOutcome, type Reconciler } from './metrics.ts'
import { makeAsked, makeSeries } from './series.ts'

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
  const reconciles = makeSeries(registry, RECONCILER_METRICS.reconciles)
  const leader = makeSeries(registry, RECONCILER_METRICS.leader)
  const stale = makeAsked(registry, RECONCILER_METRICS.policiesStale)
  return {
    registry,
    reconciled: (reconciler, outcome) => reconciles[reconciler][outcome].inc(),
    leads: isLeading => leader.set(isLeading ? 1 : 0),
    policiesStale: ms => stale(() => ms() / 1000),
  }
}
