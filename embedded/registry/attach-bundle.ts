/** cosign's newer layout: a Sigstore bundle over an in-toto statement, hung on the image as a referrer. */
import type { Digest } from '#core/domain/digest.ts'
import { hexOf } from '#core/domain/digest.ts'
import { OCI_EMPTY, OCI_INDEX, OCI_MANIFEST } from './media-types.ts'
import type { Descriptor, Repository } from './store.ts'
import { encodeIndex, encodeJson } from './store.ts'

export type AttachedBundle = {
  readonly text: string
  /** Of the bundle, and of the artefact that it is. */
  readonly mediaType: string
  readonly predicateType: string
}

/** Stores the bundle and a manifest that names the image as its subject. */
export function attachBundle(
  repository: Repository,
  image: Digest,
  { text, mediaType, predicateType }: AttachedBundle,
) {
  const subject = repository.manifest(image)
  const config = { ...repository.add(OCI_EMPTY, Buffer.from('{}')), artifactType: mediaType }
  const layer = repository.add(mediaType, Buffer.from(text))
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config,
    layers: [layer],
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': predicateType,
      'org.opencontainers.image.created': `${new Date().toISOString().slice(0, -5)}Z`,
    },
    subject: { mediaType: subject?.mediaType ?? OCI_MANIFEST, size: subject?.bytes.byteLength ?? 0, digest: image },
    artifactType: mediaType,
  }
  const referrer = { ...repository.putManifest(encodeJson(manifest), OCI_MANIFEST), artifactType: mediaType }
  return { referrer, blob: layer.digest }
}

/** distribution-spec, "Referrers Tag Schema": where there is no referrers API, the client keeps the list under a tag. */
export function listUnderFallbackTag(repository: Repository, image: Digest, referrer: Descriptor): void {
  const tag = `sha256-${hexOf(image)}`
  const before = repository.manifest(tag)
  const listed =
    before === undefined
      ? []
      : (JSON.parse(Buffer.from(before.bytes).toString()) as { readonly manifests: readonly Descriptor[] }).manifests
  repository.putManifest(encodeIndex([...listed, referrer]), OCI_INDEX, tag)
}
