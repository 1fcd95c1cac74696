/** Reads the recorded images from disk, as a registry would serve them: what is attached to each, and who is known to have signed. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Artefact, LegacyAnnotations } from '#core/domain/artefact.ts'
import type { Digest } from '#core/domain/digest.ts'
import { digestOf, hexOf, parseDigest } from '#core/domain/digest.ts'

const IMAGES = join(import.meta.dirname, '../fixtures/images')

const ENVELOPE = 'application/vnd.dsse.envelope.v1+json'

type Descriptor = {
  readonly mediaType: string
  readonly digest: string
  readonly annotations?: Readonly<Record<string, string>>
}

type Manifest = { readonly layers?: readonly Descriptor[]; readonly manifests?: readonly Descriptor[] }

export type RecordedImage = {
  readonly name: string
  readonly digest: Digest
  /** Names of the files in `keys/` whose keys signed the image. */
  readonly keys: readonly string[]
  /** The hash that the policy has to name. */
  readonly hash: 'sha256' | 'sha384'
  readonly artefacts: readonly Artefact[]
  /** DSSE envelopes of attestations in cosign's legacy `.att` layout, which are signatures of nothing. */
  readonly envelopes: readonly Uint8Array[]
}

/** Every image of `cases.json`. */
export function readImages(): readonly RecordedImage[] {
  const { cases } = JSON.parse(readFileSync(join(IMAGES, 'cases.json'), 'utf8')) as { cases: readonly RecordedCase[] }
  return cases.map(({ image, digest, signedBy, hashAlgorithm }) => ({
    name: image,
    digest: parseDigest(digest),
    keys: signedBy.flatMap(({ key }) => (key === undefined ? [] : [key.replace('keys/', '')])),
    hash: hashAlgorithm ?? 'sha256',
    ...readAttached(image),
  }))
}

type RecordedCase = {
  readonly image: string
  readonly digest: string
  readonly signedBy: readonly { readonly key?: string }[]
  readonly hashAlgorithm?: 'sha384'
}

/** The recorded public keys, by file name. */
export function readKeys(): ReadonlyMap<string, string> {
  const folder = join(IMAGES, 'keys')
  return new Map(readdirSync(folder).map(name => [name, readFileSync(join(folder, name), 'utf8')]))
}

function readAttached(image: string): Pick<RecordedImage, 'artefacts' | 'envelopes'> {
  const index = JSON.parse(readFileSync(join(IMAGES, 'layouts', image, 'index.json'), 'utf8')) as Manifest
  const layers = layersBelow(image, index)
  const artefacts = layers.flatMap(layer => artefactOf(layer, readBlob(image, layer.digest)))
  const envelopes = layers.filter(layer => layer.mediaType === ENVELOPE)
  return { artefacts, envelopes: envelopes.map(layer => readBlob(image, layer.digest)) }
}

/** Down through indexes, the referrers' and the fallback tag's among them, to all the layers there are. */
function layersBelow(image: string, { layers = [], manifests = [] }: Manifest): readonly Descriptor[] {
  const below = manifests.map(({ digest }) => JSON.parse(readBlob(image, digest).toString()) as Manifest)
  return [...layers, ...below.flatMap(manifest => layersBelow(image, manifest))]
}

function artefactOf({ mediaType, annotations }: Descriptor, blob: Uint8Array): readonly Artefact[] {
  const source = digestOf(blob)
  if (mediaType === 'application/vnd.dev.sigstore.bundle.v0.3+json') return [{ layout: 'bundle', bytes: blob, source }]
  if (mediaType === ENVELOPE) return [{ layout: 'attachment', bytes: blob, annotations: legacyOf(annotations), source }]
  if (mediaType !== 'application/vnd.dev.cosign.simplesigning.v1+json') return []
  const signature = annotations?.['dev.cosignproject.cosign/signature'] ?? ''
  return [{ layout: 'simple-signing', payload: blob, signature, annotations: legacyOf(annotations), source }]
}

function legacyOf(annotations: Descriptor['annotations'] = {}): LegacyAnnotations {
  return {
    certificate: annotations['dev.sigstore.cosign/certificate'],
    chain: annotations['dev.sigstore.cosign/chain'],
    bundle: annotations['dev.sigstore.cosign/bundle'],
    timestamp: annotations['dev.sigstore.cosign/rfc3161timestamp'],
  }
}

function readBlob(image: string, digest: string): Buffer {
  return readFileSync(join(IMAGES, 'layouts', image, 'blobs/sha256', hexOf(parseDigest(digest))))
}
