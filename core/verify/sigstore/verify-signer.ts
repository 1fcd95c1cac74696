/** Who made a signature, and who witnessed it: the question behind every demand, whatever is signed. */
import type { KeySigner } from '#core/domain/demand.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { isWithin } from '#core/domain/trust-root.ts'
import { refuseTooFewDigests, signerOf } from './key.ts'
import type { Material } from './material.ts'
import type { ProvenSigner, SignedThing, SignerQuestion, World } from './signer.ts'
import { verifyKeyless } from './verify-keyless.ts'
import { verifyWitnesses } from './verify-witnesses.ts'

/**
 * Verifies the signature over the bytes as they came, before anything that merely witnesses it. Throws an InputError
 * where whoever asks has digests in place of the bytes, and they are not enough for the key.
 */
export function verifySigner(thing: SignedThing, question: SignerQuestion, world: World): ProvenSigner | Refusal {
  const { by } = question
  return by.kind === 'keyless'
    ? verifyKeyless(thing, { ...question, by }, world)
    : verifyKey(thing, { ...question, by }, world)
}

function verifyKey(
  thing: SignedThing,
  { by, log, timestamp }: SignerQuestion & { readonly by: KeySigner },
  world: World,
): ProvenSigner | Refusal {
  const identity = signerOf(thing.signing, by)
  if (identity === undefined) {
    refuseTooFewDigests(thing.signing, by.key, [by.hash])
    return unsignedBy(by, thing.material)
  }
  const witnessed = verifyWitnesses(thing, { log, timestamp, believed: [], key: by.key }, world)
  if (witnessed.kind === 'refusal') return witnessed
  const { logs, times, sightings } = witnessed
  const { validFor } = by
  const outside = (times.length > 0 ? times : [world.now.getTime()]).find(
    at => validFor !== undefined && !isWithin(validFor, at),
  )
  if (outside !== undefined)
    return refusal(
      'signature.wrong-key',
      `expected a signature of when the key was valid, got one of ${isoOf(outside)}`,
    )
  const until = times.length > 0 ? undefined : validFor?.until
  return { kind: 'signer', identity, authority: undefined, logs, signedAt: times[0], sightings, until }
}

/**
 * A signature that does not verify is nobody's: all that can be said is which key it is not of. A hint at that very key
 * was written by anyone, and serves only to tell a broken signature from a foreign one.
 */
function unsignedBy({ key, hash }: KeySigner, { hint, certificate }: Material): Refusal {
  const expected = `expected a signature by key ${key.fingerprint} over ${hash}`
  if (hint === Buffer.from(key.fingerprint, 'hex').toString('base64'))
    return refusal('signature.invalid', `${expected}, got one that names this key and does not verify with it`)
  const got = certificate === undefined ? 'one' : 'one with a certificate'
  return refusal('signature.wrong-key', `${expected}, got ${got} that does not verify with it`)
}

function isoOf(at: number): string {
  return new Date(at).toISOString()
}
