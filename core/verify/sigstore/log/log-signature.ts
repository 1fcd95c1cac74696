/** Signatures by the keys of logs: promises and checkpoints. The key alone says the algorithm, and each key has one. */
import type { KeyObject } from 'node:crypto'
import { constants, createPublicKey, verify } from 'node:crypto'
import type { PublicKey } from '#core/domain/public-key.ts'

type Check = (key: KeyObject, message: Uint8Array, signature: Uint8Array) => boolean

/**
 * By type of key, as sigstore_common.proto (PublicKeyDetails) pairs them. Of RSA, PKCS #1 v1.5 only: with it Rekor's
 * signers sign. A key of another type has signed nothing that can be checked here.
 */
const CHECKS: Readonly<Record<string, Check>> = { ec: ecdsa, rsa: pkcs1, ed25519 }

/**
 * The hashes that PublicKeyDetails names for a curve, the likelier first. A trust root may say either, and either may be
 * tried: a signature over one hash verifies over the other only if the two collide.
 */
const HASHES: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['sha256'],
  secp384r1: ['sha384', 'sha256'],
  secp521r1: ['sha512', 'sha256'],
}

/** Whose signature over the message it is: the key's, or nobody's that is known here. */
export function logSignerOf(message: Uint8Array, signature: Uint8Array, key: PublicKey): PublicKey | undefined {
  const object = keyObjectOf(key)
  const check = CHECKS[object.asymmetricKeyType ?? '']
  return check?.(object, message, signature) === true ? key : undefined
}

const keyObjects = new WeakMap<PublicKey, KeyObject>()

/** A trust root names a handful of logs; a cluster has a handful of trust roots, and each is replaced now and then. */
const MOST_KEYS = 256

/** By what the key is made of. Trust roots are copied whenever they cross to another thread, and the copies are other objects. */
const keyObjectsBySpki = new Map<string, KeyObject>()

/** Decoding a key costs as much as a verification. */
function keyObjectOf(key: PublicKey): KeyObject {
  const known = keyObjects.get(key)
  if (known !== undefined) return known
  const object = keyObjectsBySpki.get(key.spki) ?? decodeKey(key.spki)
  keyObjects.set(key, object)
  return object
}

function decodeKey(spki: string): KeyObject {
  const object = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' })
  if (keyObjectsBySpki.size >= MOST_KEYS) keyObjectsBySpki.clear()
  keyObjectsBySpki.set(spki, object)
  return object
}

function ecdsa(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  const hashes = HASHES[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? []
  return hashes.some(hash => verify(hash, message, { key, dsaEncoding: 'der' }, signature))
}

function pkcs1(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return verify('sha256', message, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
}

function ed25519(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, message, key, signature)
}
