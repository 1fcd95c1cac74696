/** The leaf "signed by this key": spends a proof, or says what was found instead. */
import type { Finding } from '#core/domain/fact.ts'
import type { ImageRef } from '#core/domain/image-ref.ts'
import type { Proof } from '#core/domain/proof.ts'
import { silence } from '#core/domain/refusal.ts'
import type { Answer } from '../answer.ts'
import { complaint } from '../answer.ts'
import type { Requirement } from '../policy.ts'

export type SignedBy = Extract<Requirement, { readonly kind: 'signed-by' }>

/**
 * Judges what was found for the leaf's demand. Undefined means that nobody looked, which is our fault and never a pass.
 * The proof was made for this demand and this image, and is compared with both all the same: caches and shared flights
 * lie between, and a proof that took the wrong turn there must not be spent.
 */
export function judgeSignedBy(leaf: SignedBy, image: ImageRef, found: Finding | undefined): Answer {
  if (found === undefined) return fault(leaf, 'nobody looked for a signature by this key')
  if (found.kind !== 'proof') return complaint(leaf.authority, found)
  const mismatch = mismatchOf(leaf, image, found)
  return mismatch === undefined ? { kind: 'satisfied', proofs: [found] } : fault(leaf, mismatch)
}

function mismatchOf(leaf: SignedBy, image: ImageRef, proof: Proof): string | undefined {
  if (proof.digest !== image.digest) return `expected a proof for ${image.digest}, got one for ${proof.digest}`
  const { fingerprint } = leaf.demand.key
  if (proof.signer.fingerprint !== fingerprint)
    return `expected a proof of a signature by the key ${fingerprint}, got one by ${proof.signer.fingerprint}`
  return undefined
}

function fault(leaf: SignedBy, detail: string): Answer {
  return complaint(leaf.authority, silence('internal.error', detail))
}
