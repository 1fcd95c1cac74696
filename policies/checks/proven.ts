/** The leaf "proven by this authority", a signature or an attestation: spends a proof, or says what was found instead. */
import { demandKey } from '#core/domain/demand.ts'
import type { Finding } from '#core/domain/fact.ts'
import type { ImageRef } from '#core/domain/image-ref.ts'
import type { Proof } from '#core/domain/proof.ts'
import { silence } from '#core/domain/refusal.ts'
import type { Answer } from '../answer.ts'
import { complaint } from '../answer.ts'
import type { Proven } from '../policy.ts'

/**
 * Judges what was found for the leaf's demand. Undefined means that nobody looked, which is our fault and never a pass.
 * The proof was made for this demand and this image, and is compared with both all the same: caches and shared flights
 * lie between, and a proof that took the wrong turn there must not be spent.
 */
export function judgeProven(leaf: Proven, image: ImageRef, found: Finding | undefined): Answer {
  if (found === undefined) return fault(leaf, `nobody looked for the ${leaf.demand.kind} that is demanded`)
  if (found.kind !== 'proof') return complaint(leaf.authority, found)
  const mismatch = mismatchOf(leaf, image, found)
  return mismatch === undefined ? { kind: 'satisfied', proofs: [found] } : fault(leaf, mismatch)
}

function mismatchOf({ demand }: Proven, image: ImageRef, proof: Proof): string | undefined {
  if (proof.digest !== image.digest) return `expected a proof for ${image.digest}, got one for ${proof.digest}`
  // CVE-2022-35930: an attestation is no signature, nor is one of another type what was asked for.
  const [expected, found] = [whatIsDemanded(demand), whatIsProven(proof)]
  if (expected !== found) return `expected a proof of ${expected}, got one of ${found}`
  const key = demandKey(demand)
  return proof.answers === key
    ? undefined
    : `expected a proof that answers ${key}, got one that answers ${proof.answers}`
}

function whatIsDemanded(demand: Proven['demand']): string {
  return demand.kind === 'attestation' ? attestationOf(demand.predicateType) : 'a signature'
}

function whatIsProven(proof: Proof): string {
  return proof.proves === 'attestation' ? attestationOf(proof.predicateType) : 'a signature'
}

function attestationOf(predicateType: string): string {
  return `an attestation of type ${JSON.stringify(predicateType)}`
}

function fault(leaf: Proven, detail: string): Answer {
  return complaint(leaf.authority, silence('internal.error', detail))
}
