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
  /** The same in words. */
  readonly what: string
  readonly accept: string
  readonly expected: Expected
  /** Whether content with this digest will do that was got before, however long ago. */
  readonly isKeptGood: boolean
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

const DEFINITE = [200, 404]

/** What a tag points at just now. Throws Unavailable. */
export function fetchTag(
  repository: Repository,
  tag: string,
  signal: AbortSignal,
): Promise<Manifest | Absent | Refusal> {
  return fetchManifest(repository, manifestUnder(tag), signal)
}

/** What a tag points at just now, unless it is what is known by this entity tag. Throws Unavailable. */
export async function fetchTagUnless(
  repository: Repository,
  tag: string,
  unless: EntityTag | undefined,
  signal: AbortSignal,
): Promise<Tagged | Unchanged | Absent | Refusal> {
  const content = await fetchContent(repository, { ...manifestUnder(tag), unless }, signal)
  if (content.kind !== 'content') return content
  const manifest = readManifest(repository, tag, content)
  if (manifest.kind === 'refusal') return manifest
  const { headers, url } = content.answer
  const text = headers.get('etag') ?? ''
  // One that was redirected comes from a host that is asked for something else the next time.
  return { kind: 'tagged', manifest, entityTag: ENTITY_TAG.test(text) ? { text, origin: url.origin } : undefined }
}

/**
 * The image with this digest, as the registry has it just now: whether it lets whoever asks see the image is part of the
 * answer, and what was got before says nothing of that. Throws Unavailable.
 */
export function fetchImage(
  repository: Repository,
  digest: Digest,
  signal: AbortSignal,
): Promise<Manifest | Absent | Refusal> {
  return fetchManifest(repository, { ...manifestOf({ digest }), isKeptGood: false }, signal)
}

/** The manifest of this descriptor. Throws Unavailable. */
export function fetchListed(
  repository: Repository,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<Manifest | Absent | Refusal> {
  return fetchManifest(repository, manifestOf(descriptor), signal)
}

/** The blob of this descriptor. Throws Unavailable. */
export async function fetchBlob(
  repository: Repository,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<Blob | Absent | Refusal> {
  const { digest } = descriptor
  const named = { path: `blobs/${digest}`, what: `the blob ${digest}`, accept: '*/*' }
  const content = await fetchContent(repository, { ...named, expected: descriptor, isKeptGood: true }, signal)
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

function manifestUnder(tag: string): Fetch {
  const named = { path: `manifests/${tag}`, what: `the tag ${tag}`, accept: ACCEPT_MANIFEST }
  return { ...named, expected: {}, isKeptGood: false }
}

function manifestOf(expected: Expected & { readonly digest: Digest }): Fetch {
  const named = {
    path: `manifests/${expected.digest}`,
    what: `the manifest ${expected.digest}`,
    accept: ACCEPT_MANIFEST,
  }
  return { ...named, expected, isKeptGood: true }
}

async function fetchManifest(
  repository: Repository,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<Manifest | Absent | Refusal> {
  const content = await fetchContent(repository, fetch, signal)
  if (content.kind === 'unchanged') throw new TypeError('nothing was known that could be unchanged')
  if (content.kind !== 'content') return content
  return readManifest(repository, fetch.path.slice('manifests/'.length), content)
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
  const { path, what, accept, expected, unless } = fetch
  const ifNoneMatch = unless?.origin === repository.origin ? unless.text : undefined
  const isRight = (answer: Answer) =>
    answer.status === 200 && objectionTo(answer, digestOf(answer.bytes), expected) === undefined
  const answer = await repository.get(
    {
      url: repository.urlOf(path),
      accept,
      cap: capOf(repository, fetch),
      what,
      definite: DEFINITE,
      isLasting: fetch.isKeptGood ? isRight : undefined,
      ifNoneMatch,
    },
    signal,
  )
  if (answer.kind === 'refusal') return answer
  if (answer.status === 404) return { kind: 'absent' }
  if (answer.status === 304 && ifNoneMatch !== undefined) return { kind: 'unchanged' }
  if (answer.status !== 200) throw statusFailure(answer, repository.about)
  const digest = digestOf(answer.bytes)
  const objection = objectionTo(answer, digest, expected)
  if (objection === undefined) return { kind: 'content', digest, answer }
  return refusal('image.digest-mismatch', `${repository.about}: ${path}: ${objection}`)
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
