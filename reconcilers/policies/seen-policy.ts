/** A ClusterImagePolicy as its reconciler sees it: what it is worth, and what its status says of that so far. */
import { type FoundPolicy, findPolicy } from '#assembly/policy-set.ts'
import type { ClusterObject } from '#core/cluster/resource.ts'
import { clusterImagePolicyStatus } from '#core/kinds/cluster-image-policy.ts'

/** A condition as Kubernetes writes them; whoever wrote this one, every field may be missing. */
export type SeenCondition = {
  readonly status?: string | undefined
  readonly reason?: string | undefined
  readonly message?: string | undefined
  readonly observedGeneration?: number | undefined
  readonly lastTransitionTime?: string | undefined
}

export type SeenPolicy = {
  readonly found: FoundPolicy
  readonly uid: string | undefined
  readonly ready: SeenCondition | undefined
}

/** Examines the object, and finds its condition `Ready`; a status of another shape counts as none, for it will be replaced. */
export function seePolicy(object: ClusterObject, fileOf: (name: string) => string | undefined): SeenPolicy {
  const status = clusterImagePolicyStatus.safeParse(object['status'] ?? {})
  const ready = status.data?.conditions?.find(({ type }) => type === 'Ready')
  return { found: findPolicy(object, fileOf), uid: object.metadata.uid, ready }
}
