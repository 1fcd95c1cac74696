/** Image references by the distribution grammar, strictly; every spelling of one image is one `name`. */
import type { Digest } from './digest.ts'
import { parseDigest } from './digest.ts'
import { InputError } from './input-error.ts'

export type ImageRef = {
  readonly kind: 'image-ref'
  /** Host, and port unless it is 443: `ghcr.io`, `127.0.0.1:5000`; Docker Hub is always `index.docker.io`. */
  readonly registry: string
  /** Path within the registry: `library/nginx`. */
  readonly repository: string
  /** `latest` when neither tag nor digest is written; undefined when only a digest is. */
  readonly tag: string | undefined
  readonly digest: Digest | undefined
}

/** An image that cannot be moved any more. */
export type PinnedRef = ImageRef & { readonly digest: Digest }

// distribution/reference, regexp.go, re-derived from its grammar comment. All anchored, none nests a quantifier.
const HOST_LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const IPV6 = /^\[[0-9a-f:]{2,39}\]$/
const PORT = /^[1-9][0-9]{0,4}$/

/**
 * What a container runtime looks up among the images that its node has, before it thinks of a registry: the ID of one of
 * them. distribution/reference refuses the bare digits, too; the rest it takes for a tag of a repository `sha256`.
 */
const IMAGE_ID = /^(?:sha256:)?[0-9a-f]{64}$|^sha512:[0-9a-f]{128}$/

/** distribution/reference: NameTotalLengthMax. The whole text adds a tag and a digest to that. */
const NAME_CHARACTERS = 255
const REFERENCE_CHARACTERS = NAME_CHARACTERS + 1 + 128 + 1 + 71

const DOCKER_HUB = 'index.docker.io'
const DOCKER_HUB_ALIASES = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io'])

/**
 * Parses `[registry/]repository[:tag][@digest]` and normalises it as Docker does: no registry means Docker Hub, one
 * path component there means `library/`. Throws an InputError that names the part it could not accept.
 */
export function parseImageRef(text: unknown): ImageRef {
  if (typeof text !== 'string' || text === '') throw new InputError('expected an image reference, got nothing')
  if (text.length > REFERENCE_CHARACTERS)
    throw new InputError(`expected at most ${REFERENCE_CHARACTERS} characters, got ${text.length}`)
  if (IMAGE_ID.test(text))
    throw new InputError(`expected the name of an image, got ${quoted(text)}, which may be the ID of one on a node`)
  refuseAddress(text)
  const [beforeDigest, digestText] = splitOnce(text, '@')
  const digest = digestText === undefined ? undefined : parseDigest(digestText)
  const { path, tag } = splitTag(beforeDigest)
  const { registry, repository } = splitRegistry(path)
  if (registry.length + 1 + repository.length > NAME_CHARACTERS) {
    throw new InputError(
      `expected a name of at most ${NAME_CHARACTERS} characters, got ${registry.length + 1 + repository.length}`,
    )
  }
  return { kind: 'image-ref', registry, repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest }
}

/** The normalised name that policies compare: `registry/repository@digest`, or `:tag` where there is no digest. A digest drops the tag. */
export function nameOf(ref: ImageRef): string {
  return `${ref.registry}/${ref.repository}${ref.digest === undefined ? `:${ref.tag}` : `@${ref.digest}`}`
}

/** What belongs to the address of a web page: the grammar would say of it that it is no port, or no digest. */
function refuseAddress(text: string): void {
  const scheme = /^[^/@]*:\/\//.exec(text)?.[0]
  if (scheme !== undefined) throw new InputError(`expected no scheme before the registry, got ${quoted(scheme)}`)
  if (/^[^/@]*@(?![a-z0-9]+:)[^/]+\//.test(text)) throw new InputError('expected no user name before the registry')
}

function splitOnce(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** A colon after the last slash starts a tag; one before it belongs to the registry's port. */
function splitTag(text: string): { path: string; tag: string | undefined } {
  const colon = text.indexOf(':', text.lastIndexOf('/') + 1)
  if (colon < 0) return { path: text, tag: undefined }
  const tag = text.slice(colon + 1)
  if (!TAG.test(tag)) throw new InputError(`${quoted(tag)} is not a tag`)
  return { path: text.slice(0, colon), tag }
}

function splitRegistry(path: string): { registry: string; repository: string } {
  const [head, rest] = splitOnce(path, '/')
  // Docker's rule: the first component is a registry only if it could not be a path component of Docker Hub.
  const hasRegistry = rest !== undefined && (/[.:[A-Z]/.test(head) || head === 'localhost')
  const registry = hasRegistry ? parseRegistry(head) : DOCKER_HUB
  const repository = hasRegistry ? rest : path
  for (const component of repository.split('/')) {
    if (PATH_COMPONENT.test(component)) continue
    const why = /[A-Z]/.test(component) ? ', whose letters are lower-case' : ''
    throw new InputError(`${quoted(component)} is not a part of a repository name${why}`)
  }
  const isShort = registry === DOCKER_HUB && !repository.includes('/')
  return { registry, repository: isShort ? `library/${repository}` : repository }
}

/** Lower-cases the host and drops `:443`, so that one registry has one name. */
function parseRegistry(text: string): string {
  // toLowerCase turns some letters of other scripts into ASCII (the Kelvin sign into k): what was not ASCII before is no name.
  const host = /^[!-~]+$/.test(text) ? text.toLowerCase() : ''
  const colon = host.indexOf(':', host.lastIndexOf(']') + 1)
  const name = normaliseHost(colon < 0 ? host : host.slice(0, colon))
  const port = colon < 0 ? '443' : host.slice(colon + 1)
  if (name === undefined) throw new InputError(`${quoted(text)} is not the name of a registry`)
  if (!isPort(port)) throw new InputError(`${quoted(port)} is not a port`)
  if (port !== '443') return `${name}:${port}`
  // `MYHOST/app` is a host to whoever reads the case and a path of Docker Hub once it is lower: nobody may have to guess.
  if (!/[.[]/.test(name) && name !== 'localhost')
    throw new InputError(`${quoted(text)} needs a dot, or a port other than 443, to be a registry`)
  return DOCKER_HUB_ALIASES.has(name) ? DOCKER_HUB : name
}

function isPort(text: string): boolean {
  return PORT.test(text) && Number(text) <= 65_535
}

function normaliseHost(name: string): string | undefined {
  // One address of IPv6 has many spellings; the URL parser knows the one of RFC 5952.
  if (name.startsWith('[')) return IPV6.test(name) ? (URL.parse(`http://${name}`)?.hostname ?? undefined) : undefined
  return name.split('.').every(label => HOST_LABEL.test(label)) ? name : undefined
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
