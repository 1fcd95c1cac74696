/** Puts the policies of the cluster before the gate, each set as a whole: an admission that has begun goes on with the set it began with. */
import type { PolicyNews } from '#assembly/policy-set.ts'
import type { PolicyListener, PolicyWatch } from '#assembly/policy-watch.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Metrics } from '#core/runtime/make-metrics.ts'
import { IN_PLACE } from '#core/runtime/metrics.ts'
import type { Policy } from '#policies/policy.ts'

export type FollowDeps = {
  readonly watch: (listener: PolicyListener) => Promise<PolicyWatch>
  /** Called with each set, the first of them included. */
  readonly swap: (policies: readonly Policy[]) => void
  readonly log: Log
  readonly metrics: Metrics
}

/** Follows until it is closed. An API server that goes away is logged, and leaves the last set in force. */
export async function followPolicies({ watch, swap, log, metrics }: FollowDeps): Promise<PolicyWatch> {
  const following = await watch({
    onPolicies({ inForce, news, count }) {
      swap(inForce)
      metrics.policies(inForce.length)
      for (const inPlace of IN_PLACE) metrics.invalidPolicies(inPlace, count(inPlace))
      for (const one of news) tell(log, one)
    },
    report: error => log.warn({ err: error }, 'policies of the cluster cannot be followed now'),
  })
  metrics.policiesStale(following.staleMs)
  return following
}

const NOT_VALID = {
  'last-valid': 'policy is not valid, its last valid form stays in force',
  refusing: 'policy is not valid, the images it names are refused',
  nothing: 'policy is not valid, nothing stands in its place',
} as const

function tell(log: Log, news: PolicyNews): void {
  const { name: policy, standing } = news
  if (standing === 'gone') return log.info({ policy }, 'policy is gone')
  if (standing !== 'valid') return log.error({ policy, faults: news.faults }, NOT_VALID[standing])
  log.info({ policy }, 'policy is in force')
  for (const warning of news.warnings) log.warn({ warning }, 'policy warning')
}
