/** What is fetched from a repository, and that it is what it is called: every digest is computed again over the raw bytes. */
import type { Digest } from '#core/domain/digest.ts'
import { digestOf } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { LimitError } from '#core/json/limit-error.ts'
import type { Cap } from './body.ts'
import { statusFailure } from './failure.ts'
import type { Descriptor, Manifest } from './manifest.ts'
import { decodeManifest, INDEX_TYPES, MANIFEST_TYPES } from './manifest.ts'
import type { Repository } from './repository.ts'
import type { Answer } from './transport.ts'

/** The registry has no such thing. */
export type Absent = { readonly kind: 'absent' }

export type Blob = { readonly kind: 'blob'; readonly digest: Digest; readonly bytes: Uint8Array }

type Expected = { readonly digest?: Digest; readonly size?: number }
type Fetch = {
  readonly path: string
  readonly accept: string
  readonly expected: Expected
  readonly unless?: EntityTag | undefined
}
type Content = { readonly kind: 'content'; readonly digest: Digest; readonly answer: Answer }

/** What a host calls what it gave (RFC 9110 section 8.8.3); it means nothing to any other. */
export type EntityTag = { readonly text: string; readonly origin: string }
type Unchanged = { readonly kind: 'unchanged' }
type Tagged = { readonly kind: 'tagged'; readonly manifest: Manifest; readonly entityTag: EntityTag | undefined }

/** distribution's is a digest in quotes; what is longer than three of them is not kept. */
const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e]{0,256}"$/

const ACCEPT_MANIFEST = [...MANIFEST_TYPES, ...INDEX_TYPES].join(', ')

/** What a tag points at just now. Throws Unavailable. */
export function fetchTag(
  repository: Repository,
  tag: string,
  signal: AbortSignal,
): Promise<Manifest | Absent | Refusal> {
  return fetchManifest(repository, tag, {}, signal)
}

/** What a tag points at just now, unless it is what is known by this entity tag. Throws Unavailable. */
export async function fetchTagUnless(
  repository: Repository,
  tag: string,
  unless: EntityTag | undefined,
  signal: AbortSignal,
): Promise<Tagged | Unchanged | Absent | Refusal> {
  const fetch = { path: `manifests/${tag}`, accept: ACCEPT_MANIFEST, expected: {}, unless }
  const content = await fetchContent(repository, fetch, signal)
  if (content.kind !== 'content') return content
  const manifest = readManifest(repository, tag, content)
  if (manifest.kind === 'refusal') return manifest
  const { headers, url } = content.answer
  const text = headers.get('etag') ?? ''
  // One that was redirected comes from a host that is asked for something else the next time.
  return { kind: 'tagged', manifest, entityTag: ENTITY_TAG.test(text) ? { text, origin: url.origin } : undefined }
}

/** The manifest with this digest and, where it is known, this size. Throws Unavailable. */
export function fetchPinned(
  repository: Repository,
  expected: { readonly digest: Digest; readonly size?: number },
  signal: AbortSignal,
): Promise<Manifest | Absent | Refusal> {
  return fetchManifest(repository, expected.digest, expected, signal)
}

/** The blob of this descriptor. Throws Unavailable. */
export async function fetchBlob(
  repository: Repository,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<Blob | Absent | Refusal> {
  const fetch = { path: `blobs/${descriptor.digest}`, accept: '*/*', expected: descriptor }
  const content = await fetchContent(repository, fetch, signal)
  if (content.kind === 'content') return { kind: 'blob', digest: content.digest, bytes: content.answer.bytes }
  if (content.kind === 'unchanged') throw new TypeError('nothing was known that could be unchanged')
  return content
}

/** The refusal of a manifest that cannot be read in one way only. */
export function ambiguous(repository: Repository, what: string, reason: string): Refusal {
  return refusal('image.ambiguous-manifest', `${repository.about}: ${what}: ${reason}`)
}

/** The refusal of text that came from a repository, by what its parser said. */
export function unreadable(repository: Repository, what: string, error: InputError): Refusal {
  if (!(error instanceof LimitError)) return ambiguous(repository, what, error.message)
  return refusal('limit.exceeded', `${repository.about}: ${what}: ${error.message}`)
}

async function fetchManifest(
  repository: Repository,
  reference: string,
  expected: Expected,
  signal: AbortSignal,
): Promise<Manifest | Absent | Refusal> {
  const fetch = { path: `manifests/${reference}`, accept: ACCEPT_MANIFEST, expected }
  const content = await fetchContent(repository, fetch, signal)
  if (content.kind === 'unchanged') throw new TypeError('nothing was known that could be unchanged')
  return content.kind === 'content' ? readManifest(repository, reference, content) : content
}

function readManifest(repository: Repository, reference: string, { digest, answer }: Content): Manifest | Refusal {
  const { manifestBytes, jsonDepth, jsonValues } = repository.limits
  try {
    return decodeManifest({ bytes: answer.bytes, digest }, answer.headers.get('content-type'), {
      bytes: manifestBytes,
      depth: jsonDepth,
      values: jsonValues,
    })
  } catch (error) {
    if (error instanceof InputError) return unreadable(repository, reference, error)
    throw error
  }
}

/** Content that has a digest is its own witness, so a mirror need only have it; a tag is whatever it says it is. */
function fetchContent(
  repository: Repository,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<Content | Unchanged | Absent | Refusal> {
  const need = fetch.expected.digest === undefined ? 'resolve' : 'pull'
  const isFound = ({ kind }: { readonly kind: string }) => kind === 'content' || kind === 'unchanged'
  return repository.inTurn(need, (at, signal) => fetchFrom(at, fetch, signal), isFound, signal)
}

async function fetchFrom(
  repository: Repository,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<Content | Unchanged | Absent | Refusal> {
  const cap = capOf(repository, fetch)
  const ifNoneMatch = fetch.unless?.origin === repository.origin ? fetch.unless.text : undefined
  const ask = { url: repository.urlOf(fetch.path), accept: fetch.accept, cap, ifNoneMatch }
  const answer = await repository.get(ask, signal)
  if (answer.kind === 'refusal') return answer
  if (answer.status === 404) return { kind: 'absent' }
  if (answer.status === 304 && ifNoneMatch !== undefined) return { kind: 'unchanged' }
  if (answer.status !== 200) throw statusFailure(answer, repository.about)
  const digest = digestOf(answer.bytes)
  const objection = objectionTo(answer, digest, fetch.expected)
  if (objection === undefined) return { kind: 'content', digest, answer }
  return refusal('image.digest-mismatch', `${repository.about}: ${fetch.path}: ${objection}`)
}

/** Where there is a descriptor, not a byte is read beyond what it says. */
function capOf({ about, limits }: Repository, { path, expected: { size } }: Fetch): Cap {
  if (size === undefined) {
    const most = limits.manifestBytes
    const detail = `${about}: ${path}: expected at most ${most} bytes, got `
    return { bytes: most, excess: found => refusal('limit.exceeded', `${detail}${found}`) }
  }
  const detail = `${about}: ${path}: expected ${size} bytes as its descriptor says, got `
  return { bytes: size, excess: found => refusal('image.digest-mismatch', `${detail}${found}`) }
}

/** CVE-2023-47630: a header is what the registry says of the content; the content is what will run. They must agree all the same. */
function objectionTo({ bytes, headers }: Answer, digest: Digest, expected: Expected): string | undefined {
  if (expected.size !== undefined && expected.size !== bytes.byteLength)
    return `expected ${expected.size} bytes as its descriptor says, got ${bytes.byteLength}`
  if (expected.digest !== undefined && expected.digest !== digest) return `got content with the digest ${digest}`
  const said = headers.get('docker-content-digest')
  if (said !== undefined && said !== digest)
    return `got content with the digest ${digest}, and a header that says ${JSON.stringify(said.slice(0, 120))}`
  return undefined
}
