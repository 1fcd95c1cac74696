/**
 * The credentials that a workload brings along: the pull secrets that its PodSpec and its ServiceAccount name, read by
 * name and in its own namespace only. Whoever may create a Pod there can pull with them in any case.
 */
import { type ClusterClient, makeClusterClient } from '#core/cluster/client.ts'
import { ClusterError, ClusterUnavailable } from '#core/cluster/cluster-error.ts'
import type { ClusterObject, Ref } from '#core/cluster/resource.ts'
import type { Asker } from '#core/domain/asker.ts'
import { isObjectName } from '#core/domain/object-name.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { Kept, type Perishable } from '#core/registry/kept.ts'
import type { Keychain } from '#core/registry/keychain.ts'
import { deadline } from '#core/runtime/deadline.ts'
import { type Brought, readPullSecret, readServiceAccount } from './read-pull-secret.ts'

export type PullSecrets = {
  /**
   * What the asker brings along. What cannot be had is a note in it: perhaps nobody needs it. Rejects with the reason of
   * the signal, or with a bug.
   */
  readonly keychainOf: (asker: Asker, signal: AbortSignal) => Promise<Keychain>
  readonly close: () => Promise<void>
}

/** For so long a password that was changed is not used yet, and one that was withdrawn still is. */
export const KEPT_MS = 10_000
/** Somebody is told what is missing, makes it, and tries again. */
export const ABSENT_KEPT_MS = 2000
/** A fifth of the API server's ten seconds: without its answer there may still be one from the registry. */
const PATIENCE_MS = 2000
/** Of PodSpec and ServiceAccount together; Kubernetes sets no bound of its own. */
export const MOST_SECRETS = 64
/** What is kept of a Secret is at most as large as it may be: 32 MiB if all of them are. */
const MOST_KEPT = 512

const SECRET = {
  resource: { group: '', version: 'v1', plural: 'secrets' },
  called: 'pull secret',
  read: readPullSecret,
}
const ACCOUNT = {
  resource: { group: '', version: 'v1', plural: 'serviceaccounts' },
  called: 'service account',
  read: readServiceAccount,
}

/** Opens those of the cluster that the kubeconfig file names, or of the one we run in. An InputError says why it cannot. */
export function openPullSecrets(kubeconfig: string | undefined): PullSecrets {
  const client = makeClusterClient(
    kubeconfig === undefined ? { from: 'service-account' } : { from: 'kubeconfig', file: kubeconfig },
  )
  const time = { nowMs: () => performance.now(), patienceMs: PATIENCE_MS }
  return { keychainOf: makeKeychainOf(client.get, time), close: client.close }
}

type Time = {
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: () => number
  /** How long the API server may be silent. */
  readonly patienceMs: number
}

/** Makes the reader. What it reads is kept for a moment, so that a rollout asks the API server once. */
export function makeKeychainOf(get: ClusterClient['get'], { nowMs, patienceMs }: Time): PullSecrets['keychainOf'] {
  const kept = new Kept<Brought>(MOST_KEPT, nowMs)
  const ask = (ref: Ref, signal: AbortSignal) => askPatiently(get, ref, patienceMs, signal)
  const bring = (kind: typeof SECRET, namespace: string, name: string, signal: AbortSignal) => {
    const ref = { resource: kind.resource, namespace, name }
    const key = `${kind.resource.plural} ${namespace}/${name}`
    return kept.get(key, async signal => broughtBy(await ask(ref, signal), kind, ref), signal)
  }
  return async ({ namespace, serviceAccount, pullSecrets }, signal) => {
    // A subject of the whole cluster has no Secrets.
    if (!isObjectName(namespace)) return { logins: [], notes: [] }
    const secrets = (names: readonly string[]) => names.map(name => bring(SECRET, namespace, name, signal))
    const [account, ...own] = await Promise.all([
      bring(ACCOUNT, namespace, serviceAccount, signal),
      ...secrets(pullSecrets),
    ])
    const more = account.names.filter(name => !pullSecrets.includes(name)).slice(0, MOST_SECRETS - own.length)
    const all = [...own, ...(more.length === 0 ? [] : await Promise.all(secrets(more))), account]
    return { logins: all.flatMap(({ logins }) => logins), notes: all.flatMap(({ notes }) => notes) }
  }
}

function broughtBy(
  found: ClusterObject | string | undefined,
  { called, read }: typeof SECRET,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Perishable<Brought> {
  const what = `${called} ${JSON.stringify(name)}`
  const lacking = (why: string) => ({ logins: [], names: [], notes: [`${what} ${why} ${JSON.stringify(namespace)}`] })
  if (found === undefined) return { value: lacking('does not exist in namespace'), lifeMs: ABSENT_KEPT_MS }
  if (typeof found === 'string') return { value: lacking(`could not be read (${found}) in namespace`), lifeMs: 0 }
  return { value: read(found, what), lifeMs: KEPT_MS }
}

/** The object, nothing where there is none, or why that is not known. */
async function askPatiently(
  get: ClusterClient['get'],
  ref: Ref,
  patienceMs: number,
  signal: AbortSignal,
): Promise<ClusterObject | string | undefined> {
  using limit = deadline(patienceMs, signal)
  try {
    return await get(ref, limit.signal)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ClusterError) return `the API server says ${error.code}`
    if (error instanceof ClusterUnavailable || error instanceof Unavailable) return 'the API server did not answer'
    throw error
  }
}
