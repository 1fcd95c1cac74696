/** A fact with a life: made only by core/verify out of bytes it checked, and the only thing a policy can be satisfied with. */
import type { Artefact } from './artefact.ts'
import type { Digest } from './digest.ts'
import type { Identity } from './identity.ts'

/** Digest `digest` was signed by `signer`. Attestations will add their own kind of proof. */
type SignatureProof = {
  readonly kind: 'proof'
  readonly proves: 'signature'
  readonly digest: Digest
  readonly signer: Identity
  /** Where it lay: cosign's `sha256-….sig` tag, or a Sigstore bundle among the image's referrers. */
  readonly layout: Artefact['layout']
  /** What was verified, by content: the digest of the simple-signing payload or of the bundle. */
  readonly source: Digest
}

export type Proof = SignatureProof
