/** The ClusterImagePolicies that a cluster has at one moment, for whoever asks beforehand what it would answer. */
import type { ClusterClient } from '#core/cluster/client.ts'
import { type ClusterCode, ClusterError, ClusterUnavailable } from '#core/cluster/cluster-error.ts'
import type { Listing } from '#core/cluster/list.ts'
import { InputError } from '#core/domain/input-error.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { deadline } from '#core/runtime/deadline.ts'
import type { LoadedPolicies } from '#policies/load-policies.ts'
import type { Policy } from '#policies/policy.ts'
import { findPolicy, type PolicyNews, PolicySet } from './policy-set.ts'
import { CLUSTER_IMAGE_POLICIES } from './policy-watch.ts'

export type ClusterPolicies = {
  /** The namespace that the context names; undefined where it names none. */
  readonly namespace: string | undefined
  /** To be called once. */
  readonly addTo: AddPolicies
}

/** Adds the policies of a cluster to those of files, which win where both have one of a name. */
export type AddPolicies = (files: readonly Policy[]) => Promise<LoadedPolicies>

type Opening = {
  /** Of the kubeconfig, which may be several files. */
  readonly files: readonly string[]
  readonly context: string
  readonly timeoutMs: number
}

/** Opens the cluster of a context; nothing is sent yet. Throws an InputError for a kubeconfig or a context that cannot be used. */
export async function openClusterPolicies({ files, context, timeoutMs }: Opening): Promise<ClusterPolicies> {
  // Loaded only where it is used: it weighs more than all the rest.
  const { makeClusterClient } = await import('#core/cluster/client.ts')
  const client = makeClusterClient({ from: 'kubeconfig', file: files, context })
  const addTo: AddPolicies = async files => {
    using limit = deadline(timeoutMs)
    try {
      return await listPolicies(client, context, files, limit.signal)
    } finally {
      await client.close()
    }
  }
  return { namespace: client.namespace, addTo }
}

/**
 * Lists the policies and takes them as a webhook does that has just started: none of them was ever seen valid before. What
 * is wrong with one is a warning. Throws an InputError where asking again cannot help, a ClusterUnavailable where it can.
 */
export async function listPolicies(
  client: Pick<ClusterClient, 'list'>,
  context: string,
  files: readonly Policy[],
  signal: AbortSignal,
): Promise<LoadedPolicies> {
  const { objects } = await list(client, context, signal)
  const set = new PolicySet(files)
  const news = set.apply(
    objects.map(({ object }) => ({
      type: 'added',
      key: object.metadata.name,
      item: findPolicy(object, set.fileOf),
    })),
  )
  const none = objects.length === 0 ? [`${nameOf(context)} has no ClusterImagePolicy`] : []
  return { policies: set.policies(), warnings: [...none, ...news.flatMap(warningsOf)] }
}

function warningsOf(news: PolicyNews): readonly string[] {
  const name = `clusterimagepolicy/${news.name}`
  switch (news.standing) {
    case 'refusing':
      return [
        `${name} is not valid, and no image satisfies it (a webhook that has seen it valid goes by that form): ${news.faults.join('; ')}`,
      ]
    case 'nothing':
      return [`${name} is not in force: ${news.faults.join('; ')}`]
    default:
      return 'warnings' in news ? news.warnings : []
  }
}

async function list(client: Pick<ClusterClient, 'list'>, context: string, signal: AbortSignal): Promise<Listing> {
  try {
    return await client.list(CLUSTER_IMAGE_POLICIES, {}, signal)
  } catch (error) {
    throw explained(error, context)
  }
}

const KIND = `${CLUSTER_IMAGE_POLICIES.plural}.${CLUSTER_IMAGE_POLICIES.group}`

/** What a refusal means here, and what helps. */
const REFUSED: Readonly<Partial<Record<ClusterCode, readonly [meaning: string, remedy: string]>>> = {
  unauthenticated: ['does not know who asks', 'log in to it again, or name a context whose credentials are valid'],
  forbidden: ['does not let us read its policies', `whoever asks needs the verb list on ${KIND}`],
  'not-found': [
    'has no policies, for it does not know their kind',
    'name the context of a cluster that has the kinds of Shedu, or install them (manifests/crds)',
  ],
  limit: ['has more policies than are read', 'give them in a folder (--policies)'],
}

function explained(error: unknown, context: string): unknown {
  const refused = error instanceof ClusterError && error.code !== 'expired'
  if (refused) {
    const [meaning, remedy] = REFUSED[error.code] ?? ['does not give its policies', 'see what it says']
    return new InputError(`${nameOf(context)} ${meaning}: ${error.message}; ${remedy}`, { cause: error })
  }
  if (!(error instanceof ClusterError || error instanceof ClusterUnavailable || error instanceof Unavailable))
    return error
  const remedy = `kubectl --context ${JSON.stringify(context)} get ${KIND} shows whether it answers others`
  return new ClusterUnavailable(`${nameOf(context)} does not tell its policies: ${error.message}; ${remedy}`, {
    cause: error,
  })
}

function nameOf(context: string): string {
  return `the cluster of the context ${JSON.stringify(context)}`
}
