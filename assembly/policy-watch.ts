/** Follows the ClusterImagePolicies of a cluster, and says each time what is in force. */
import type { ClusterClient } from '#core/cluster/client.ts'
import type { Resource } from '#core/cluster/resource.ts'
import { watchKind } from '#core/cluster/watch.ts'
import { CLUSTER_IMAGE_POLICY } from '#core/kinds/cluster-image-policy.ts'
import type { Policy } from '#policies/policy.ts'
import { findPolicy, type PolicyNews, PolicySet, type Standing } from './policy-set.ts'

/** In the version that is stored: another would be converted on the way, and by whom nobody knows. */
export const CLUSTER_IMAGE_POLICIES: Resource = {
  group: CLUSTER_IMAGE_POLICY.group,
  version: CLUSTER_IMAGE_POLICY.stored,
  plural: CLUSTER_IMAGE_POLICY.plural,
}

/** What is in force, and how it came to be. */
export type PoliciesNow = {
  readonly inForce: readonly Policy[]
  readonly news: readonly PolicyNews[]
  /** How many policies of the cluster stand so. */
  readonly count: (standing: Standing) => number
}

export type PolicyListener = {
  /** Told when all policies have been seen for the first time, and then whenever the set has changed. */
  readonly onPolicies: (now: PoliciesNow) => void
  /** Told of everything that went wrong on the way. What is in force stays so. */
  readonly report: (error: unknown) => void
}

export type PolicyWatch = {
  /** How long ago the API server last proved that we know all its policies. */
  readonly staleMs: () => number
  readonly close: () => Promise<void>
}

/** Watches the cluster that the kubeconfig file names, or the one we run in, over a connection of its own. */
export async function watchPoliciesOf(
  kubeconfig: string | undefined,
  files: readonly Policy[],
  listener: PolicyListener,
): Promise<PolicyWatch> {
  // Loaded only where it is used: it weighs more than all the rest.
  const { makeClusterClient } = await import('#core/cluster/client.ts')
  const client = makeClusterClient(
    kubeconfig === undefined ? { from: 'service-account' } : { from: 'kubeconfig', file: kubeconfig },
  )
  const watch = watchPolicies(client, files, listener)
  const close = async () => {
    await watch.close()
    await client.close()
  }
  return { ...watch, close }
}

/** Watches until it is closed. `files` are policies that are in force whatever the cluster says. */
export function watchPolicies(
  client: Pick<ClusterClient, 'list' | 'watch'>,
  files: readonly Policy[],
  { onPolicies, report }: PolicyListener,
): PolicyWatch {
  const set = new PolicySet(files)
  let isFirst = true
  const watch = watchKind(client, CLUSTER_IMAGE_POLICIES, object => findPolicy(object, set.fileOf), {
    onChange(changes) {
      const news = set.apply(changes)
      if (isFirst || news.length > 0)
        onPolicies({ inForce: set.policies(), news, count: standing => set.count(standing) })
      isFirst = false
    },
    report,
  })
  return { staleMs: watch.staleMs, close: watch.close }
}
