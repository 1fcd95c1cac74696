/** A fact with a life: made only by core/verify out of bytes it checked, and the only thing a policy can be satisfied with. */
import type { Digest } from './digest.ts'
import type { Identity } from './identity.ts'

/** Where a signature lay: cosign's `sha256-….sig` tag, or a Sigstore bundle among the image's referrers. */
export type SignatureLayout = 'simple-signing' | 'bundle'

/** Digest `digest` was signed by `signer`. */
export type SignatureProof = {
  readonly kind: 'proof'
  readonly proves: 'signature'
  readonly digest: Digest
  readonly signer: Identity
  readonly layout: SignatureLayout
  /** What was verified, by content: the digest of the simple-signing payload or of the bundle. */
  readonly source: Digest
}

export type Proof = SignatureProof
