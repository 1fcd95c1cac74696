/** Whether something attached to an image is a signature of that image by the key that is asked for; time is not asked. */
import type { Artefact } from '#core/domain/artefact.ts'
import type { Demand } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import { digestOf } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Proof } from '#core/domain/proof.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { LimitError } from '#core/json/limit-error.ts'
import { quote } from '#core/verify/quote.ts'
import { decodeBundle } from './bundle.ts'
import type { ImageClaim } from './image-claim.ts'
import { signerOf } from './key.ts'
import { decodeSimpleSigning } from './simple-signing.ts'

/**
 * Verifies one artefact against one demand. Everything is decoded and bounded first; then the signature is checked over
 * the bytes as they came; only then is what they say compared, so that nothing unsigned is ever said to be so.
 */
export function verifySignature(artefact: Artefact, digest: Digest, demand: Demand): Proof | Refusal {
  const claim = claimOf(artefact)
  if ('kind' in claim) return claim
  const signer = signerOf(claim.signed, demand)
  if (signer === undefined) return unverified(claim, digest, demand)
  if (claim.attestation !== undefined)
    return refusal('attestation.wrong-type', `expected a signature of ${digest}, got ${describe(claim)}`)
  if (!claim.images.includes(digest))
    return refusal('signature.wrong-image', `expected a signature of ${digest}, got ${describe(claim)}`)
  const { layout } = artefact
  return { kind: 'proof', proves: 'signature', digest, signer, layout, source: digestOf(contentOf(artefact)) }
}

const claims = new WeakMap<Artefact, ImageClaim | Refusal>()

/** Decoding costs more than checking a signature, and an artefact is asked about once for each key of each policy. */
function claimOf(artefact: Artefact): ImageClaim | Refusal {
  const known = claims.get(artefact)
  if (known !== undefined) return known
  const claim = decodeClaim(artefact)
  claims.set(artefact, claim)
  return claim
}

/** Hostile bytes are a refusal, not an error of whoever called us; whatever else is thrown is our bug and stays one. */
function decodeClaim(artefact: Artefact): ImageClaim | Refusal {
  try {
    return artefact.layout === 'bundle' ? decodeBundle(artefact.bytes) : decodeSimpleSigning(artefact)
  } catch (error) {
    if (error instanceof LimitError) return refusal('limit.exceeded', error.message)
    if (error instanceof InputError) return refusal('signature.invalid', error.message)
    throw error
  }
}

/**
 * A signature that does not verify is nobody's: all that can be said is which key it is not of. A hint at that very key
 * was written by anyone, and serves only to tell a broken signature from a foreign one.
 */
function unverified(claim: ImageClaim, digest: Digest, { key, hash }: Demand): Refusal {
  const expected = `expected a signature by key ${key.fingerprint} over ${hash}`
  if (claim.hint === Buffer.from(key.fingerprint, 'hex').toString('base64'))
    return refusal('signature.invalid', `${expected}, got one that names this key and does not verify with it`)
  const got = `${expected}, got one that does not verify with it`
  if (isPlain(claim, digest)) return refusal('signature.wrong-key', got)
  return refusal('signature.wrong-key', `${got}; unverified, it claims to be ${describe(claim)}`)
}

/** A signature that claims what it should, and nothing that a reader would want to know. */
function isPlain({ attestation, images }: ImageClaim, digest: Digest): boolean {
  return attestation === undefined && images.length === 1 && images[0] === digest
}

function describe({ attestation, images }: ImageClaim): string {
  const [first, ...others] = images
  const what = attestation === undefined ? 'a signature' : `an attestation of type ${quote(attestation)}`
  if (first === undefined) return `${what} of no image`
  return `${what} of ${quote(first)}${others.length === 0 ? '' : ` and ${others.length} more`}`
}

/** What a proof rests on, named by what was read here and not by what came with it. */
function contentOf(artefact: Artefact): Uint8Array {
  return artefact.layout === 'bundle' ? artefact.bytes : artefact.payload
}
