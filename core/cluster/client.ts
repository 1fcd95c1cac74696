/** The Kubernetes API as Shedu uses it: few verbs, each with a signal, each failing in two known ways. */
import { Access, type ClusterConfig } from './access.ts'
import { type OnConflict, serverSideApply } from './apply.ts'
import { ClusterError } from './cluster-error.ts'
import { type Listing, listAll, type Most } from './list.ts'
import { parseObject } from './parse-object.ts'
import {
  type ClusterObject,
  collectionPath,
  objectPath,
  type Ref,
  type Resource,
  refTo,
  type Scope,
} from './resource.ts'
import { Transport } from './transport.ts'
import { readWatch, type WatchEvent, type WatchFrom } from './watch-stream.ts'

/**
 * Every verb throws a ClusterUnavailable when there was no usable answer, a ClusterError when the answer was no, and the
 * reason of the signal when that aborts. Objects come as the server sent them: only their metadata has been looked at.
 */
export type ClusterClient = {
  /** The namespace that the context names; undefined where it names none. */
  readonly namespace: string | undefined
  /** The object, or undefined when there is none. */
  readonly get: (ref: Ref, signal: AbortSignal) => Promise<ClusterObject | undefined>
  /** All objects as of one moment, read in pages; a ClusterError `limit` when there are more than `most`. */
  readonly list: (resource: Resource, scope: Scope & { readonly most?: Most }, signal: AbortSignal) => Promise<Listing>
  /** One stream of changes until the server ends it; `watchKind` makes something lasting of it. */
  readonly watch: (resource: Resource, from: Scope & WatchFrom, signal: AbortSignal) => AsyncIterable<WatchEvent>
  readonly create: (resource: Resource, object: ClusterObject, signal: AbortSignal) => Promise<ClusterObject>
  /** Replaces the object, if its `resourceVersion` is still that of the one at hand; a ClusterError `conflict` if not. */
  readonly replace: (resource: Resource, object: ClusterObject, signal: AbortSignal) => Promise<ClusterObject>
  /** Server-side apply as field manager `shedu`: makes it so, and owns what is named. */
  readonly apply: Apply
  /** The same for the status subresource, which leaves everything else alone. */
  readonly applyStatus: Apply
  /** Deletes the object; one that is not there counts as deleted. */
  readonly delete: (ref: Ref, signal: AbortSignal) => Promise<void>
  readonly close: () => Promise<void>
}

type Apply = (
  resource: Resource,
  object: ClusterObject,
  onConflict: OnConflict,
  signal: AbortSignal,
) => Promise<ClusterObject>

/** Opens a client; nothing is sent yet. An InputError says that the configuration cannot be used. */
export function makeClusterClient(config: ClusterConfig): ClusterClient {
  const access = new Access(config)
  const transport = new Transport(access)
  const write = async (method: 'POST' | 'PUT', path: string, object: ClusterObject, signal: AbortSignal) =>
    parseObject((await transport.ask({ method, path, body: object }, signal)).body)
  return {
    namespace: access.namespace,
    async get(ref, signal) {
      const answer = await unlessAbsent(transport.ask({ method: 'GET', path: objectPath(ref) }, signal))
      return answer === undefined ? undefined : parseObject(answer.body)
    },
    list: (resource, scope, signal) => listAll(transport, resource, scope, signal),
    watch: (resource, from, signal) => readWatch(transport, resource, from, signal),
    create: (resource, object, signal) =>
      write('POST', collectionPath(resource, object.metadata.namespace), object, signal),
    replace: (resource, object, signal) => write('PUT', objectPath(refTo(resource, object)), object, signal),
    apply: (resource, object, onConflict, signal) =>
      serverSideApply(transport, { path: objectPath(refTo(resource, object)), object, onConflict }, signal),
    applyStatus: (resource, object, onConflict, signal) =>
      serverSideApply(transport, { path: objectPath(refTo(resource, object), 'status'), object, onConflict }, signal),
    async delete(ref, signal) {
      await unlessAbsent(transport.ask({ method: 'DELETE', path: objectPath(ref) }, signal))
    },
    close: () => transport.close(),
  }
}

async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ClusterError && error.code === 'not-found') return undefined
    throw error
  }
}
