/** Everything of one resource as of one moment, read in pages and bounded in number and bytes. */
import { asArray, asObject, asString } from '#core/json/untrusted-json.ts'
import { ClusterError } from './cluster-error.ts'
import { orUnusable, parseObject } from './parse-object.ts'
import { type ClusterObject, collectionPath, type Resource, type Scope } from './resource.ts'
import type { Answer, Transport } from './transport.ts'

/** How much is held at most: objects, and bytes of JSON as they came over the wire. */
export type Most = { readonly objects: number; readonly bytes: number }

/** Ten thousand objects of a few kilobytes each: a large cluster's policies many times over, and still not our memory. */
export const MOST: Most = { objects: 10_000, bytes: 64 * 1024 * 1024 }

/** One object, and its share of the bytes that brought it. */
export type Listed = { readonly object: ClusterObject; readonly bytes: number }

export type Listing = { readonly objects: readonly Listed[]; readonly resourceVersion: string }

/** As many per page as client-go asks for. */
const PAGE = 500

type Page = Listing & { readonly next: string }

/** Lists in pages of one snapshot. When the server forgets the snapshot on the way, a ClusterError `expired`: start again. */
export async function listAll(
  transport: Transport,
  resource: Resource,
  { namespace, most = MOST, ...selectors }: Scope & { readonly most?: Most },
  signal: AbortSignal,
): Promise<Listing> {
  const path = collectionPath(resource, namespace)
  const objects: Listed[] = []
  let left = most.bytes
  for (let next = ''; ; ) {
    const query = { ...selectors, limit: String(PAGE), ...(next === '' ? {} : { continue: next }) }
    const answer = await transport.ask({ method: 'GET', path, query, mostBytes: left }, signal)
    const page = orUnusable(`GET ${path}`, () => parsePage(answer))
    objects.push(...page.objects)
    left -= answer.bytes
    if (objects.length > most.objects)
      throw new ClusterError('limit', `GET ${path}: expected at most ${most.objects} objects, got more`)
    if (page.next === '') return { objects, resourceVersion: page.resourceVersion }
    next = page.next
  }
}

function parsePage({ body, bytes }: Answer): Page {
  const list = asObject(body, 'the list')
  const metadata = asObject(list['metadata'], 'metadata')
  const items = asArray(list['items'] ?? [], 'items', PAGE)
  const share = Math.ceil(bytes / Math.max(items.length, 1))
  // The items of a built-in kind do not say what they are; the list does.
  const apiVersion = asString(list['apiVersion'], 'apiVersion')
  const kind = asString(list['kind'], 'kind').replace(/List$/, '')
  return {
    objects: items.map(item => ({ object: { apiVersion, kind, ...parseObject(item) }, bytes: share })),
    resourceVersion: asString(metadata['resourceVersion'], 'metadata.resourceVersion'),
    next: asString(metadata['continue'] ?? '', 'metadata.continue'),
  }
}
