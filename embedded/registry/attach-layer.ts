/** cosign's older layouts: tags made of the image's digest, a layer per signature or attestation, the proof in annotations. */
import type { Digest } from '#core/domain/digest.ts'
import { hexOf } from '#core/domain/digest.ts'
import { OCI_CONFIG, OCI_MANIFEST } from './media-types.ts'
import type { Descriptor, Repository } from './store.ts'
import { encodeJson } from './store.ts'

export type AttachedLayer = {
  readonly mediaType: string
  readonly bytes: Uint8Array
  readonly annotations: Readonly<Record<string, string>>
}

/** Adds one layer to those that the `.sig` or `.att` tag of the image has, and moves the tag. */
export function attachLayer(repository: Repository, image: Digest, suffix: 'sig' | 'att', attached: AttachedLayer) {
  const { mediaType, bytes, annotations } = attached
  const tag = `sha256-${hexOf(image)}.${suffix}`
  const blob = repository.add(mediaType, bytes)
  const layer = Object.keys(annotations).length === 0 ? blob : { ...blob, annotations }
  const layers = [...layersOf(repository, tag), layer]
  const config = repository.add(OCI_CONFIG, encodeJson(configOf(layers)))
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers }
  const { digest } = repository.putManifest(encodeJson(manifest), OCI_MANIFEST, tag)
  return { digest, blob: blob.digest }
}

function layersOf(repository: Repository, tag: string): readonly Descriptor[] {
  const before = repository.manifest(tag)
  if (before === undefined) return []
  return (JSON.parse(Buffer.from(before.bytes).toString()) as { readonly layers: readonly Descriptor[] }).layers
}

function configOf(layers: readonly Descriptor[]) {
  const created = '0001-01-01T00:00:00Z'
  return {
    architecture: '',
    created,
    history: layers.map(() => ({ created })),
    os: '',
    rootfs: { type: 'layers', diff_ids: layers.map(layer => layer.digest) },
    config: {},
  }
}
