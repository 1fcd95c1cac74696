/** A fact with a life: made only by core/verify out of bytes it checked, and the only thing a policy can be satisfied with. */
import type { Artefact } from './artefact.ts'
import type { Digest } from './digest.ts'
import type { Identity } from './identity.ts'

type Proven = {
  readonly kind: 'proof'
  readonly digest: Digest
  readonly signer: Identity
  /** The key of the demand that this answers: what was asked is what was checked, and nothing else. */
  readonly answers: string
  /** Where it lay: cosign's `sha256-….sig` and `.att` tags, or a Sigstore bundle among the image's referrers. */
  readonly layout: Artefact['layout']
  /** What was verified, by content: the digest of the simple-signing payload, the envelope or the bundle. */
  readonly source: Digest
  /** Ids of the logs, among those asked for, that are proven to hold it. */
  readonly logs: readonly string[]
  /** When it was signed, as far as somebody believed has witnessed it: ISO 8601, the earliest. */
  readonly signedAt: string | undefined
  /** Until when it holds, where it rests on what the time is: ISO 8601. Without it, for good. */
  readonly until: string | undefined
}

/** Digest `digest` was signed by `signer`. */
type SignatureProof = Proven & { readonly proves: 'signature' }

/** A statement of this type about digest `digest` was signed by `signer`. */
type AttestationProof = Proven & { readonly proves: 'attestation'; readonly predicateType: string }

export type Proof = SignatureProof | AttestationProof
