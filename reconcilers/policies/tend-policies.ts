/** Sees to every ClusterImagePolicy of the cluster: all replicas watch, the one that leads writes. */
import { CLUSTER_IMAGE_POLICIES } from '#assembly/policy-watch.ts'
import type { ClusterClient } from '#core/cluster/client.ts'
import type { Term } from '#core/cluster/elect.ts'
import type { ClusterEvent } from '#core/cluster/events.ts'
import { type Watch, watchKind } from '#core/cluster/watch.ts'
import type { Log } from '#core/runtime/log.ts'
import type { ReconcilerMetrics } from '#core/runtime/reconciler-metrics.ts'
import { Controller } from '../controller.ts'
import { reconcilePolicy } from './reconcile-policy.ts'
import { type SeenPolicy, seePolicy } from './seen-policy.ts'

export type TendDeps = {
  readonly client: Pick<ClusterClient, 'list' | 'watch' | 'applyStatus'>
  /** The file that has a policy of this name. */
  readonly fileOf: (name: string) => string | undefined
  readonly record: (event: ClusterEvent) => void
  readonly log: Log
  readonly metrics: ReconcilerMetrics
}

export type PolicyTender = Pick<Watch<SeenPolicy>, 'hasSynced' | 'close'> & {
  /** Writes until the term ends. */
  readonly lead: (term: Term) => Promise<void>
}

/** Watches until it is closed; a replica that takes over knows everything already. */
export function tendPolicies(deps: TendDeps): PolicyTender {
  const { client, fileOf, log, metrics } = deps
  let leading: Controller | undefined
  const watch = watchKind(client, CLUSTER_IMAGE_POLICIES, object => seePolicy(object, fileOf), {
    onChange(changes) {
      for (const { key } of changes) leading?.add(key)
    },
    report: error => log.warn({ err: error }, 'policies cannot be followed now'),
  })
  metrics.policiesStale(watch.staleMs)
  const lead = async (term: Term) => {
    const find = (name: string) => watch.items().get(name)
    const policyDeps = { ...deps, find, isLeading: term.isHeld, now: () => new Date() }
    const controller = new Controller((key, signal) => reconcilePolicy(key, policyDeps, signal), {
      onOutcome: (policy, outcome, why) => tell(deps, policy, outcome, why),
    })
    leading = controller
    for (const key of watch.items().keys()) controller.add(key)
    await aborted(term.signal)
    leading = undefined
    await controller.close()
  }
  return { hasSynced: watch.hasSynced, close: watch.close, lead }
}

function tell(
  { log, metrics }: TendDeps,
  policy: string,
  outcome: 'settled' | 'again' | 'stuck' | 'failed',
  why: unknown,
) {
  metrics.reconciled('cluster-image-policy', outcome)
  if (outcome === 'stuck') log.error({ policy, why }, 'the status of a policy cannot be written')
  if (outcome === 'failed')
    log.warn({ policy, err: why }, 'the status of a policy could not be written, it is tried again')
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
}
