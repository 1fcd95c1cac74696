/**
 * Signatures by plain public keys. Each algorithm is spelled out, because a library's default is where a wrong hash slips
 * in: the key says which algorithms, the policy says which hash, and nothing that came with the signature is asked.
 */
import type { KeyObject } from 'node:crypto'
import { constants, createPublicKey, verify } from 'node:crypto'
import { ed25519ph } from '@noble/curves/ed25519.js'
import type { HashAlgorithm, KeySignatureDemand } from '#core/domain/demand.ts'
import type { KeyIdentity } from '#core/domain/identity.ts'
import type { PublicKey } from '#core/domain/public-key.ts'

/** A signature and the very bytes that it is said to be over. */
export type Signed = { readonly message: Uint8Array; readonly signature: Uint8Array }

type Check = (key: KeyObject, hash: HashAlgorithm, signed: Signed) => boolean

/**
 * By type of key. Where there are two, both may be tried: a signature made in one scheme verifies in the other only if
 * a hash collides. RSA: the padded digests of the two encodings differ. Ed25519: RFC 8032, section 5.1 puts a prefix before
 * what Ed25519ph hashes, and Ed25519 has none. The likelier or cheaper one comes first.
 */
const CHECKS: Readonly<Record<string, readonly Check[]>> = {
  ec: [ecdsa],
  rsa: [pkcs1, pss],
  'rsa-pss': [typedPss],
  ed25519: [pureEd25519, prehashedEd25519],
}

const ED25519_SIGNATURE_BYTES = 64
const ED25519_KEY_BYTES = 32

const keyObjects = new WeakMap<PublicKey, KeyObject>()

/** Who made the signature, as far as `demand` asks: its key, or nobody that it knows. */
export function signerOf(signed: Signed, { key, hash }: KeySignatureDemand): KeyIdentity | undefined {
  const object = keyObjectOf(key)
  const checks = CHECKS[object.asymmetricKeyType ?? '']
  if (checks === undefined) throw new TypeError(`no algorithm for a key of type ${object.asymmetricKeyType}`)
  return checks.some(check => check(object, hash, signed)) ? { kind: 'key', fingerprint: key.fingerprint } : undefined
}

/** Decoding a key costs as much as a verification; a policy's key is one object for as long as the policy lives. */
function keyObjectOf(key: PublicKey): KeyObject {
  const known = keyObjects.get(key)
  if (known !== undefined) return known
  const object = createPublicKey({ key: Buffer.from(key.spki, 'base64'), format: 'der', type: 'spki' })
  keyObjects.set(key, object)
  return object
}

function ecdsa(key: KeyObject, hash: HashAlgorithm, { message, signature }: Signed): boolean {
  return verify(hash, message, { key, dsaEncoding: 'der' }, signature)
}

function pkcs1(key: KeyObject, hash: HashAlgorithm, { message, signature }: Signed): boolean {
  return verify(hash, message, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
}

/**
 * With a salt of any length: Go signs with the longest that fits, others with the hash's length, and forging is as hard
 * without any salt (RFC 8017, section 8.1 needs it only for a tighter proof).
 */
function pss(key: KeyObject, hash: HashAlgorithm, { message, signature }: Signed): boolean {
  const saltLength = constants.RSA_PSS_SALTLEN_AUTO
  return verify(hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature)
}

/** Such a key may name its hash and salt length (RFC 4055, section 3.1). OpenSSL holds it to them, and throws at another hash. */
function typedPss(key: KeyObject, hash: HashAlgorithm, { message, signature }: Signed): boolean {
  const only = key.asymmetricKeyDetails?.hashAlgorithm
  return (only === undefined || only === hash) && verify(hash, message, key, signature)
}

/** The hash is part of the scheme (SHA-512), so the policy's does not enter, here and below. */
function pureEd25519(key: KeyObject, _hash: HashAlgorithm, { message, signature }: Signed): boolean {
  return verify(null, message, key, signature)
}

/** What cosign writes for Ed25519 keys; node:crypto does not know it. Strict (RFC 8032), not the consensus rules of ZIP 215. */
function prehashedEd25519(key: KeyObject, _hash: HashAlgorithm, { message, signature }: Signed): boolean {
  if (signature.byteLength !== ED25519_SIGNATURE_BYTES) return false
  const point = key.export({ format: 'der', type: 'spki' }).subarray(-ED25519_KEY_BYTES)
  return ed25519ph.verify(signature, message, point, { zip215: false })
}
