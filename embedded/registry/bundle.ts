/** cosign's newer layout: a Sigstore bundle over an in-toto statement, hung on the image as a referrer. */
import type { Digest } from '#core/domain/digest.ts'
import { hexOf } from '#core/domain/digest.ts'
import { BUNDLE, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST } from './media-types.ts'
import type { Descriptor, Repository } from './store.ts'
import { encodeIndex, encodeJson } from './store.ts'
import type { Envelope } from './tamper.ts'

/** The statement in the order of keys that cosign writes. */
export function encodeStatement(digest: Digest, predicateType: string): string {
  return JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: hexOf(digest) }, annotations: {} }],
    predicateType,
    predicate: {},
  })
}

/** DSSE, protocol.md, "Signature Definition": lengths in bytes, never in characters. */
export function encodePae(payloadType: string, payload: string): Uint8Array {
  const lengths = [Buffer.byteLength(payloadType), Buffer.byteLength(payload)]
  return Buffer.from(`DSSEv1 ${lengths[0]} ${payloadType} ${lengths[1]} ${payload}`)
}

/** The bundle as text. */
export function encodeBundle(hint: string, { payload, payloadType, signatures }: Envelope): string {
  return JSON.stringify({
    mediaType: BUNDLE,
    verificationMaterial: { publicKey: { hint } },
    dsseEnvelope: {
      payload: Buffer.from(payload).toString('base64'),
      payloadType,
      signatures: signatures.map(sig => ({ sig })),
    },
  })
}

/** Stores the bundle and a manifest that names the image as its subject. */
export function attachBundle(repository: Repository, image: Digest, bundle: string, predicateType: string) {
  const subject = repository.manifest(image)
  const config = { ...repository.add(OCI_EMPTY, Buffer.from('{}')), artifactType: BUNDLE }
  const layer = repository.add(BUNDLE, Buffer.from(bundle))
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
    artifactType: BUNDLE,
  }
  return { referrer: repository.putManifest(encodeJson(manifest), OCI_MANIFEST), blob: layer.digest }
}

/** distribution-spec, "Referrers Tag Schema": where there is no referrers API, the client keeps the list under a tag. */
export function listUnderFallbackTag(repository: Repository, image: Digest, referrer: Descriptor): void {
  const tag = `sha256-${hexOf(image)}`
  const before = repository.manifest(tag)
  const listed =
    before === undefined
      ? []
      : (JSON.parse(Buffer.from(before.bytes).toString()) as { readonly manifests: readonly Descriptor[] }).manifests
  repository.putManifest(encodeIndex([...listed, { ...referrer, artifactType: BUNDLE }]), OCI_INDEX, tag)
}
