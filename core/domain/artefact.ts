/** Something attached to an image that claims to be a signature of it. Nothing in here has been verified: a registry wrote all of it. */
import type { Digest } from './digest.ts'

/** cosign's legacy layout: a JSON payload (layer of the `.sig` manifest) and, in an annotation, a base64 signature over it. */
export type SimpleSigningArtefact = {
  readonly layout: 'simple-signing'
  readonly payload: Uint8Array
  readonly signature: string
  /** Digest of the payload, recomputed. */
  readonly source: Digest
}

/** A Sigstore bundle (layer of a referrer), as JSON bytes. */
export type BundleArtefact = { readonly layout: 'bundle'; readonly bytes: Uint8Array; readonly source: Digest }

export type Artefact = SimpleSigningArtefact | BundleArtefact
