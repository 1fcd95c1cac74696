/** Something attached to an image that claims to be a signature of it, or an attestation about it. Nothing in here has been verified: a registry wrote all of it. */
import type { Digest } from './digest.ts'
import type { Refusal, Silence } from './refusal.ts'

/** What cosign's legacy layouts keep in the annotations of a layer, as it stands there. */
export type LegacyAnnotations = {
  /** The signer's certificate, PEM. */
  readonly certificate: string | undefined
  /** Those between it and the root, PEM. */
  readonly chain: string | undefined
  /** What the log answered: JSON with a promise and the entry. */
  readonly bundle: string | undefined
  /** What the timestamp authority answered: JSON around RFC 3161. */
  readonly timestamp: string | undefined
}

/** cosign's legacy layout: a JSON payload (layer of the `.sig` manifest) and, in an annotation, a base64 signature over it. */
export type SimpleSigningArtefact = {
  readonly layout: 'simple-signing'
  readonly payload: Uint8Array
  readonly signature: string
  readonly annotations: LegacyAnnotations
  /** Digest of the payload, recomputed. */
  readonly source: Digest
}

/** cosign's legacy layout of attestations: a DSSE envelope (layer of the `.att` manifest), as JSON bytes. */
export type AttachmentArtefact = {
  readonly layout: 'attachment'
  readonly bytes: Uint8Array
  readonly annotations: LegacyAnnotations
  readonly source: Digest
}

/** A Sigstore bundle (layer of a referrer), as JSON bytes. */
export type BundleArtefact = { readonly layout: 'bundle'; readonly bytes: Uint8Array; readonly source: Digest }

export type Artefact = SimpleSigningArtefact | AttachmentArtefact | BundleArtefact

/** What lay in one of the places where signatures may lie. All empty: the registry answered, and nothing is there. */
export type Found = {
  readonly artefacts: readonly Artefact[]
  /** Things that lay there but could not be read as a signature, or broke a limit. */
  readonly refusals: readonly Refusal[]
  /** Parts of the place that the registry did not let us see. */
  readonly silences: readonly Silence[]
}

/** Everything that is being looked up about one image, all of it at the same time. None of the promises rejects but for a bug. */
export type Discovery = {
  /** The image's own manifest; a refusal or a silence here answers every demand on the image. */
  readonly manifest: Promise<'present' | Refusal | Silence>
  readonly places: readonly Promise<Found>[]
  /** As whom all of this is seen; part of the name under which it may be remembered. */
  readonly scope: Promise<string>
}
