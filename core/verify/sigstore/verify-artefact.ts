/** Whether something attached to an image is what a demand asks for: signed by whom, about this image, seen by whom. */
import type { Artefact } from '#core/domain/artefact.ts'
import type { Demand } from '#core/domain/demand.ts'
import { demandKey } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import { digestOf } from '#core/domain/digest.ts'
import type { Proof } from '#core/domain/proof.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { quote } from '#core/verify/quote.ts'
import { claimOf, type ImageClaim } from './image-claim.ts'
import type { ProvenSigner, World } from './signer.ts'
import { verifySigner } from './verify-signer.ts'

/**
 * Verifies one artefact against one demand. Everything is decoded and bounded first; then the signature is checked over
 * the bytes as they came; only then is what they say compared, so that nothing unsigned is ever said to be so.
 */
export function verifyArtefact(artefact: Artefact, digest: Digest, demand: Demand, world: World): Proof | Refusal {
  const claim = claimOf(artefact)
  if ('kind' in claim) return claim
  // An attestation of another type would not count whoever made it, and a registry may hold hundreds.
  if (demand.kind === 'attestation' && claim.attestation !== demand.predicateType) return otherType(claim, demand)
  const signer = verifySigner(claim, demand, world)
  if (signer.kind === 'refusal') return withClaim(signer, claim, digest)
  const expected = demand.kind === 'signature' ? `a signature of ${digest}` : `an attestation about ${digest}`
  if (demand.kind === 'signature' && claim.attestation !== undefined)
    return refusal('attestation.wrong-type', `expected ${expected}, got ${describe(claim)}`)
  if (!claim.images.includes(digest))
    return refusal('signature.wrong-image', `expected ${expected}, got ${describe(claim)}`)
  return proofOf(artefact, digest, demand, signer)
}

function proofOf(artefact: Artefact, digest: Digest, demand: Demand, signer: ProvenSigner): Proof {
  const proven = {
    kind: 'proof',
    digest,
    signer: signer.identity,
    answers: demandKey(demand),
    layout: artefact.layout,
    // What a proof rests on, named by what was read here and not by what came with it.
    source: digestOf(artefact.layout === 'simple-signing' ? artefact.payload : artefact.bytes),
    logs: signer.logs,
    signedAt: isoOf(signer.signedAt),
    until: isoOf(signer.until),
  } as const
  if (demand.kind === 'signature') return { ...proven, proves: 'signature' }
  return { ...proven, proves: 'attestation', predicateType: demand.predicateType }
}

function isoOf(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString()
}

function otherType(claim: ImageClaim, { predicateType }: Extract<Demand, { readonly kind: 'attestation' }>): Refusal {
  const expected = `expected an attestation of type ${quote(predicateType)}`
  // Of details of one code the first by letter is told: what is attested tells more than that something is signed.
  const verb = claim.attestation === undefined ? 'seems' : 'claims'
  return refusal('attestation.missing', `${expected}; unverified, this ${verb} to be ${describe(claim)}`)
}

/** What somebody claims without having proven it is told only where it may explain the refusal. */
function withClaim(because: Refusal, claim: ImageClaim, digest: Digest): Refusal {
  const { attestation, images } = claim
  const isPlain = attestation === undefined && images.length === 1 && images[0] === digest
  const isForeign = because.code === 'signature.wrong-key' || because.code === 'signature.wrong-identity'
  if (isPlain || !isForeign) return because
  return refusal(because.code, `${because.detail}; unverified, it claims to be ${describe(claim)}`)
}

function describe({ attestation, images }: ImageClaim): string {
  const [first, ...others] = images
  const what = attestation === undefined ? 'a signature' : `an attestation of type ${quote(attestation)}`
  if (first === undefined) return `${what} of no image`
  return `${what} of ${quote(first)}${others.length === 0 ? '' : ` and ${others.length} more`}`
}
