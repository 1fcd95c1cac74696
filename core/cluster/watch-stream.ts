/** One answer to a watch request, event by event, until the server ends it. */
import { asObject, asString } from '#core/json/untrusted-json.ts'
import { ClusterUnavailable, errorOf } from './cluster-error.ts'
import { splitLines } from './lines.ts'
import { orUnusable, parseObject } from './parse-object.ts'
import { type ClusterObject, collectionPath, type Resource, type Scope } from './resource.ts'
import type { Transport } from './transport.ts'

/** From which version on, how long the server should go on, and how long a silence is one too long. */
export type WatchFrom = {
  readonly resourceVersion: string
  readonly serverSeconds: number
  readonly silenceMs: number
}

/** `bytes` is the length of the JSON. A bookmark says only that everything up to this version has been told. */
export type WatchEvent =
  | { readonly type: 'set'; readonly object: ClusterObject; readonly bytes: number; readonly resourceVersion: string }
  | { readonly type: 'removed'; readonly object: ClusterObject; readonly resourceVersion: string }
  | { readonly type: 'bookmark'; readonly resourceVersion: string }

/** One object with its old and new fields fits many times over; see the bound of a single answer. */
const LINE_BYTES = 16 * 1024 * 1024

/** Watches once. An ERROR event is thrown: a version that the server has forgotten is a ClusterError `expired`. */
export async function* readWatch(
  transport: Transport,
  resource: Resource,
  { resourceVersion, serverSeconds, silenceMs, namespace, ...selectors }: Scope & WatchFrom,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, undefined> {
  const path = collectionPath(resource, namespace)
  const query = {
    ...selectors,
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion,
    timeoutSeconds: String(serverSeconds),
  }
  for await (const line of splitLines(transport.stream({ method: 'GET', path, query }, silenceMs, signal), LINE_BYTES))
    yield orUnusable(`watch of ${path}`, () => parseEvent(line, path))
}

function parseEvent(line: Buffer, path: string): WatchEvent {
  const event = asObject(JSON.parse(line.toString('utf8')), 'the event')
  const type = asString(event['type'], 'type')
  const value = asObject(event['object'], 'object')
  if (type === 'ERROR') throw errorOf(`watch of ${path}`, Number(value['code']), value)
  const resourceVersion = asString(asObject(value['metadata'], 'metadata')['resourceVersion'], 'resourceVersion')
  switch (type) {
    case 'BOOKMARK':
      return { type: 'bookmark', resourceVersion }
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'set', object: parseObject(value), bytes: line.byteLength, resourceVersion }
    case 'DELETED':
      return { type: 'removed', object: parseObject(value), resourceVersion }
    default:
      throw new ClusterUnavailable(`watch of ${path}: expected a known type of event, got ${JSON.stringify(type)}`)
  }
}
