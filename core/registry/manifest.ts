/** Manifests and descriptors: what they are, and whether they can be read in one way only. */
import type { Digest } from '#core/domain/digest.ts'
import { parseDigest } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { JsonLimits, JsonObject } from '#core/json/untrusted-json.ts'
import { asObject, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { parseMediaType } from './media-type.ts'

export type Manifest =
  /** `items` are its layers. Untrusted as they are: whoever needs one parses it. */
  | { readonly kind: 'image-manifest'; readonly digest: Digest; readonly items: readonly unknown[] }
  /** `items` are the manifests it lists. */
  | { readonly kind: 'image-index'; readonly digest: Digest; readonly items: readonly unknown[] }
  /** Something else that can lie in a registry; nothing was read of it. */
  | { readonly kind: 'other'; readonly digest: Digest; readonly mediaType: string }

/**
 * What is said of a blob or manifest before it is fetched, as far as it is believed. Its media type is a hint that
 * registries garble, and its `urls` are not followed: content comes from where the image lies.
 */
export type Descriptor = { readonly kind: 'descriptor'; readonly digest: Digest; readonly size: number }

export const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]

/**
 * Decodes a manifest as what its Content-Type says it is, and as nothing else. CVE-2021-41190: a body that is a manifest
 * to one reader and an index to the next is two images under one digest; it is an InputError here.
 */
export function decodeManifest(
  content: { readonly bytes: Uint8Array; readonly digest: Digest },
  contentType: string | undefined,
  limits: JsonLimits,
): Manifest {
  const mediaType = parseMediaType(contentType)
  const { bytes, digest } = content
  const isIndex = INDEX_TYPES.includes(mediaType)
  if (!isIndex && !MANIFEST_TYPES.includes(mediaType)) return { kind: 'other', digest, mediaType }
  const body = asObject(parseUntrustedJson(bytes, limits), 'the manifest')
  refuseOtherCase(body)
  refuseOtherType(body, mediaType)
  if (isIndex)
    return { kind: 'image-index', digest, items: itemsOf(body, 'manifests', ['layers', 'config', 'fsLayers']) }
  return { kind: 'image-manifest', digest, items: itemsOf(body, 'layers', ['manifests', 'fsLayers']) }
}

/** Parses a descriptor (OCI image-spec, descriptor.md); its digest may go into a URL after this and not before. */
export function parseDescriptor(value: unknown): Descriptor {
  const fields = asObject(value, 'a descriptor')
  const digest = parseDigest(fields['digest'])
  const { size } = fields
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return { kind: 'descriptor', digest, size }
  throw new InputError(`expected the size of ${digest} to be a whole number of bytes`)
}

/** Everything that a reader may look for at the top: OCI image-spec, manifest.md and image-index.md, and Docker's schema 1. */
const FIELDS = new Map(
  'schemaVersion mediaType artifactType config layers manifests subject annotations name tag architecture fsLayers history signatures'
    .split(' ')
    .map(name => [foldCase(name), name]),
)

/** Go finds a field in any letter case, the last of them if there are two: `Manifests` is an index to it, and nothing to us. */
function refuseOtherCase(body: JsonObject): void {
  for (const key of Object.keys(body)) {
    const field = FIELDS.get(foldCase(key))
    if (field !== undefined && field !== key)
      throw new InputError(`expected the field ${field} in this spelling, got ${JSON.stringify(key)}`)
  }
}

/** By way of upper case, where the long s and the Kelvin sign become S and K, as they are to Go. */
function foldCase(key: string): string {
  return key.toUpperCase().toLowerCase()
}

function refuseOtherType(body: JsonObject, contentType: string): void {
  if (body['schemaVersion'] !== 2) throw new InputError('expected schemaVersion 2')
  if (!('mediaType' in body)) return
  const mediaType = parseMediaType(body['mediaType'])
  if (mediaType !== contentType)
    throw new InputError(`expected its mediaType to be its Content-Type ${contentType}, got ${mediaType}`)
}

/** A field of the other kind is refused even when it is empty: readers differ in what they take for absent. */
function itemsOf(body: JsonObject, name: string, foreign: readonly string[]): readonly unknown[] {
  const stranger = foreign.find(field => field in body)
  if (stranger !== undefined) throw new InputError(`expected ${name} and no ${stranger} beside it`)
  const items = body[name]
  // Go writes a list that was never begun as null, and some registries are written in Go: nothing refers to the image.
  if (items === null && name === 'manifests') return []
  if (!Array.isArray(items)) throw new InputError(`expected a list of ${name}`)
  return items
}
