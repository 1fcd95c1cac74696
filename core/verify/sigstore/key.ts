/**
 * Signatures by plain public keys. Each algorithm is spelled out, because a library's default is where a wrong hash slips
 * in: the key says which algorithms, the policy says which hash, and nothing that came with the signature is asked.
 */
import type { KeyObject } from 'node:crypto'
import { constants, verify } from 'node:crypto'
import { ed25519ph } from '@noble/curves/ed25519.js'
import type { HashAlgorithm, KeySigner } from '#core/domain/demand.ts'
import type { KeyIdentity } from '#core/domain/identity.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { PublicKey } from '#core/domain/public-key.ts'
import { keyObjectOf } from '#core/domain/public-key.ts'
import { digestOfMessage, type Message } from './message.ts'
import { type Checked, checkPrehashed } from './prehashed.ts'

/** A signature and what it is said to be over. */
type Signed = { readonly message: Message; readonly signature: Uint8Array }

/** A signature and the very bytes that it is said to be over. */
type SignedBytes = { readonly message: Uint8Array; readonly signature: Uint8Array }

/** The first, with the payload of the DSSE envelope where there is one: what a log may name in place of the message. */
export type Signing = Signed & { readonly payload: Uint8Array | undefined }

type Check = (key: KeyObject, hash: HashAlgorithm, signed: SignedBytes) => boolean

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

/**
 * By curve, the hashes that signers of certificates take: the one as strong as the key, as sigstore-go does, and SHA-256,
 * with which cosign signed whatever the key before it had a choice.
 */
const HASHES_OF_CURVES: Readonly<Record<string, readonly HashAlgorithm[]>> = {
  prime256v1: ['sha256'],
  secp384r1: ['sha384', 'sha256'],
  secp521r1: ['sha512', 'sha256'],
}

/** Whether a foreign signature costs milliseconds: one that is not Ed25519 has to be tried as Ed25519ph, in JavaScript. */
export function isSlow(key: PublicKey): boolean {
  return key.spki.startsWith(ED25519_SPKI)
}

/** SubjectPublicKeyInfo (RFC 8410, section 4) up to the key, in base64. */
const ED25519_SPKI = 'MCowBQYDK2VwAyEA'

/** The hashes over which the key of a certificate may sign: no policy names one there. */
export function hashesOf(key: PublicKey): readonly HashAlgorithm[] {
  return HASHES_OF_CURVES[keyObjectOf(key).asymmetricKeyDetails?.namedCurve ?? ''] ?? ['sha256']
}

/** Who made the signature: this key over this hash, or nobody that is known. */
export function signerOf(signed: Signed, { key, hash }: Pick<KeySigner, 'key' | 'hash'>): KeyIdentity | undefined {
  return check(signed, { key, hash }) === 'signed' ? { kind: 'key', fingerprint: key.fingerprint } : undefined
}

/**
 * Throws an InputError where only digests of the message are known, and they are too few to say of a signature that no
 * key was found for that the key has not made it over any of the hashes.
 */
export function refuseTooFewDigests(signed: Signed, key: PublicKey, hashes: readonly HashAlgorithm[]): void {
  // With the bytes themselves nothing is open, and to check them again would double what a stranger's signature costs.
  if (signed.message instanceof Uint8Array) return
  const open = hashes.filter(hash => check(signed, { key, hash }) === 'unknown')
  if (open.length === 0) return
  const { asymmetricKeyType: type } = keyObjectOf(key)
  const what = type === 'ec' ? `its ${open.join(' or ')} digest, or the bytes` : 'the bytes: a digest is not enough'
  throw new InputError(`expected, for a signature by a key of type ${type}, ${what} of what was signed`)
}

function check({ message, signature }: Signed, { key, hash }: Pick<KeySigner, 'key' | 'hash'>): Checked {
  const object = keyObjectOf(key)
  if (!(message instanceof Uint8Array)) {
    const digest = digestOfMessage(message, hash)
    return digest === undefined ? 'unknown' : checkPrehashed(object, { hash, digest, signature })
  }
  const checks = CHECKS[object.asymmetricKeyType ?? '']
  if (checks === undefined) throw new TypeError(`no algorithm for a key of type ${object.asymmetricKeyType}`)
  return checks.some(verifies => verifies(object, hash, { message, signature })) ? 'signed' : 'unsigned'
}

function ecdsa(key: KeyObject, hash: HashAlgorithm, { message, signature }: SignedBytes): boolean {
  return verify(hash, message, { key, dsaEncoding: 'der' }, signature)
}

function pkcs1(key: KeyObject, hash: HashAlgorithm, { message, signature }: SignedBytes): boolean {
  return verify(hash, message, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
}

/**
 * With a salt of any length: Go signs with the longest that fits, others with the hash's length, and forging is as hard
 * without any salt (RFC 8017, section 8.1 needs it only for a tighter proof).
 */
function pss(key: KeyObject, hash: HashAlgorithm, { message, signature }: SignedBytes): boolean {
  const saltLength = constants.RSA_PSS_SALTLEN_AUTO
  return verify(hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature)
}

/** Such a key may name its hash and salt length (RFC 4055, section 3.1). OpenSSL holds it to them, and throws at another hash. */
function typedPss(key: KeyObject, hash: HashAlgorithm, { message, signature }: SignedBytes): boolean {
  const only = key.asymmetricKeyDetails?.hashAlgorithm
  return (only === undefined || only === hash) && verify(hash, message, key, signature)
}

/** The hash is part of the scheme (SHA-512), so the policy's does not enter, here and below. */
function pureEd25519(key: KeyObject, _hash: HashAlgorithm, { message, signature }: SignedBytes): boolean {
  return verify(null, message, key, signature)
}

/** What cosign writes for Ed25519 keys; node:crypto does not know it. Strict (RFC 8032), not the consensus rules of ZIP 215. */
function prehashedEd25519(key: KeyObject, _hash: HashAlgorithm, { message, signature }: SignedBytes): boolean {
  if (signature.byteLength !== ED25519_SIGNATURE_BYTES) return false
  const point = key.export({ format: 'der', type: 'spki' }).subarray(-ED25519_KEY_BYTES)
  return ed25519ph.verify(signature, message, point, { zip215: false })
}
