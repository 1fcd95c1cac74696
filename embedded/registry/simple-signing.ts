/** cosign's older layout: a tag made of the image's digest, a JSON payload per signature, the signature in an annotation. */
import type { Digest } from '#core/domain/digest.ts'
import { hexOf } from '#core/domain/digest.ts'
import { OCI_CONFIG, OCI_MANIFEST, SIGNATURE_ANNOTATION, SIMPLE_SIGNING } from './media-types.ts'
import type { Descriptor, Repository } from './store.ts'
import { encodeJson } from './store.ts'
import type { SimpleDraft } from './tamper.ts'

/** The payload in the order of keys that cosign writes. */
export function encodePayload(dockerReference: string, digest: Digest): string {
  return JSON.stringify({
    critical: {
      identity: { 'docker-reference': dockerReference },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: null,
  })
}

/** Adds one signature to those the `.sig` tag of the image has, and moves the tag. */
export function attachSimple(repository: Repository, image: Digest, { payload, signature }: SimpleDraft) {
  const tag = `sha256-${hexOf(image)}.sig`
  const blob = repository.add(SIMPLE_SIGNING, Buffer.from(payload))
  const layer = signature === undefined ? blob : { ...blob, annotations: { [SIGNATURE_ANNOTATION]: signature } }
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
