/** The pull half of the OCI distribution-spec 1.1: what was asked, and the honest answer to it. */

import { parseDigest } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'
import { OCI_INDEX } from './media-types.ts'
import type { Reply } from './reply.ts'
import { errorReply, jsonReply } from './reply.ts'
import type { Repository } from './store.ts'
import { encodeIndex } from './store.ts'

export const KINDS = ['manifest', 'blob', 'referrers', 'tags', 'token', 'ping'] as const

/** What a request asks for. Repository and reference are empty where the kind has none. */
export type Asked = {
  readonly kind: (typeof KINDS)[number]
  readonly repository: string
  readonly reference: string
  readonly url: URL
}

const CONTENT = /^\/v2\/(?<repository>.+)\/(?<what>manifests|blobs|referrers)\/(?<reference>[^/]+)$/
const TAGS = /^\/v2\/(?<repository>.+)\/tags\/list$/
const KIND_OF = { manifests: 'manifest', blobs: 'blob', referrers: 'referrers' } as const

/** Reads a path as the spec writes it; undefined for one the spec does not know. */
export function parseAsked(url: URL): Asked | undefined {
  const none = { repository: '', reference: '', url }
  if (/^\/v2\/?$/.test(url.pathname)) return { ...none, kind: 'ping' }
  if (url.pathname === '/_token') return { ...none, kind: 'token' }
  const tags = TAGS.exec(url.pathname)?.groups
  if (tags !== undefined) return { ...none, kind: 'tags', repository: tags['repository'] ?? '' }
  const content = CONTENT.exec(url.pathname)?.groups
  if (content === undefined) return undefined
  const { repository = '', what, reference = '' } = content
  return { kind: KIND_OF[what as keyof typeof KIND_OF], repository, reference: decode(reference), url }
}

const ANSWERS = { manifest: manifestReply, blob: blobReply, referrers: referrersReply, tags: tagsReply }

/** Answers truthfully from the repository. */
export function answer(asked: Asked, repository: Repository | undefined): Reply {
  if (asked.kind === 'token') throw new TypeError('tokens are not content')
  if (asked.kind === 'ping') return jsonReply(200, {}, { 'docker-distribution-api-version': 'registry/2.0' })
  if (repository === undefined) return errorReply(404, `no repository ${JSON.stringify(asked.repository)}`)
  return ANSWERS[asked.kind](asked, repository)
}

function manifestReply({ reference }: Asked, repository: Repository): Reply {
  const found = repository.manifest(reference)
  if (found === undefined) return errorReply(404, `no manifest ${JSON.stringify(reference)}`, 'MANIFEST_UNKNOWN')
  const headers = { 'content-type': found.mediaType, 'docker-content-digest': found.digest }
  return { status: 200, headers, body: found.bytes }
}

function blobReply({ reference }: Asked, repository: Repository): Reply {
  const body = repository.blob(reference)
  if (body === undefined) return errorReply(404, `no blob ${JSON.stringify(reference)}`, 'BLOB_UNKNOWN')
  const headers = { 'content-type': 'application/octet-stream', 'docker-content-digest': reference }
  return { status: 200, headers, body }
}

function referrersReply({ reference, url }: Asked, repository: Repository): Reply {
  if (!repository.hasReferrersApi) return errorReply(404, 'this registry has no referrers API', 'UNSUPPORTED')
  if (!isDigest(reference)) return errorReply(400, `${JSON.stringify(reference)} is no digest`)
  const type = url.searchParams.get('artifactType')
  const all = repository.referrers(reference)
  const chosen = type === null ? all : all.filter(referrer => referrer.artifactType === type)
  const { items, headers } = pageOf(chosen, url, repository.pageSize)
  const filtered: Record<string, string> = type === null ? {} : { 'oci-filters-applied': 'artifactType' }
  return {
    status: 200,
    headers: { 'content-type': OCI_INDEX, ...headers, ...filtered },
    body: encodeIndex(items),
  }
}

function tagsReply({ repository: name, url }: Asked, repository: Repository): Reply {
  const { items, headers } = pageOf(repository.tags(), url, repository.pageSize)
  return jsonReply(200, { name, tags: items }, headers)
}

/** RFC 8288: the next page is named by a relative link; which page that is, is our own affair. */
function pageOf<Item>(all: readonly Item[], url: URL, size = all.length) {
  const page = Number(url.searchParams.get('page') ?? 0)
  const end = (page + 1) * size
  const headers: Record<string, string> = end < all.length ? { link: linkTo(url, page + 1) } : {}
  return { items: all.slice(page * size, end), headers }
}

/** The value of a Link header to another page of the same list. */
export function linkTo(url: URL, page: number): string {
  const next = new URL(url)
  next.searchParams.set('page', String(page))
  return `<${next.pathname}${next.search}>; rel="next"`
}

function isDigest(text: string): boolean {
  try {
    return parseDigest(text) === text
  } catch (error) {
    if (error instanceof InputError) return false
    throw error
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
