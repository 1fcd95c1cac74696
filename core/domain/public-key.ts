/** Public keys as policies hold them: parsed once, usable, and each with one name however often it is written down. */
import type { KeyObject } from 'node:crypto'
import { createHash, createPublicKey } from 'node:crypto'
import { InputError } from './input-error.ts'
import { parsePemBlock } from './pem.ts'

/** A public key that was parsed and found usable when the policy was loaded. */
export type PublicKey = {
  /** SHA-256 of the SubjectPublicKeyInfo, 64 hex digits. */
  readonly fingerprint: string
  /** The SubjectPublicKeyInfo in DER, base64. */
  readonly spki: string
}

/** Below 2048 bits RSA is within reach of the well-funded; above 8192 one check costs more than an admission has time for. */
const RSA_BITS = { least: 2048, most: 8192 }

/** The longest signature that a key parsed here can make: RSA's are as long as its modulus. */
export const SIGNATURE_BYTES = RSA_BITS.most / 8

/** The largest that Go's crypto/rsa reads: with a larger one cosign could not have signed, and each check would be slow. */
const RSA_MOST_EXPONENT = 2n ** 31n - 1n

/** DER type by PEM label: PKIX (RFC 5280) and PKCS#1 (RFC 8017). */
const DER_TYPES: Readonly<Record<string, 'spki' | 'pkcs1'>> = { 'PUBLIC KEY': 'spki', 'RSA PUBLIC KEY': 'pkcs1' }

/**
 * The SubjectPublicKeyInfo (RFC 5480) up to the uncompressed point: its lengths leave no room for the other spellings that
 * OpenSSL reads (compressed, hybrid, explicit parameters), nor for the point at infinity, for which everyone can sign.
 */
const EC_HEADS: Readonly<Record<string, string>> = {
  prime256v1: '3059301306072a8648ce3d020106082a8648ce3d03010703420004',
  secp384r1: '3076301006072a8648ce3d020106052b8104002203620004',
  secp521r1: '30819b301006072a8648ce3d020106052b810400230381860004',
}

/**
 * Parses one PEM block that holds an ECDSA key on P-256, P-384 or P-521, an RSA key of 2048 to 8192 bits (RSA-PSS keys
 * included) or an Ed25519 key. Throws an InputError that says what was found instead; the text itself is never quoted.
 */
export function parsePublicKey(pem: unknown): PublicKey {
  refuseSecret(pem)
  const { label, der } = parsePemBlock(pem)
  const type = Object.hasOwn(DER_TYPES, label) ? DER_TYPES[label] : undefined
  if (type === undefined) {
    const advice = label === 'CERTIFICATE' ? ': take the key out of it (openssl x509 -pubkey -noout)' : ''
    throw new InputError(`expected PUBLIC KEY or RSA PUBLIC KEY, got ${JSON.stringify(label)}${advice}`)
  }
  return toPublicKey(der, type)
}

/**
 * The same for a SubjectPublicKeyInfo in DER, as certificates and trust roots hold it. OpenSSL reads it out of a whole
 * certificate (`read`) as well, where that is at hand: reading it twice costs as much as a verification.
 */
export function decodePublicKey(spki: Uint8Array, read?: () => KeyObject): PublicKey {
  return toPublicKey(spki, 'spki', read)
}

const keyObjects = new WeakMap<PublicKey, KeyObject>()

/** The key as OpenSSL holds it, read once; a policy's key is one object for as long as the policy lives. */
export function keyObjectOf(key: PublicKey): KeyObject {
  const known = keyObjects.get(key)
  if (known !== undefined) return known
  const object = createPublicKey({ key: Buffer.from(key.spki, 'base64'), format: 'der', type: 'spki' })
  keyObjects.set(key, object)
  return object
}

function toPublicKey(der: Uint8Array, type: 'spki' | 'pkcs1', how?: () => KeyObject): PublicKey {
  const { read, spki } = readKey(how ?? (() => createPublicKey({ key: Buffer.from(der), format: 'der', type })))
  // Read again from there: OpenSSL cannot write as PKCS#1 what it read as PKCS#1.
  const key = type === 'spki' ? read : createPublicKey({ key: spki, format: 'der', type: 'spki' })
  const written = type === 'spki' ? spki : key.export({ format: 'der', type })
  // OpenSSL reads past what stands behind the key and accepts it in more than one encoding: two fingerprints for one key.
  if (!written.equals(der)) throw new InputError('expected the key in DER with nothing behind it, got another encoding')
  refuseUnusable(key, spki)
  const parsed = { fingerprint: createHash('sha256').update(spki).digest('hex'), spki: spki.toString('base64') }
  keyObjects.set(parsed, key)
  return parsed
}

/** First of all, so that a private key is told what it is, whatever else is wrong with the text. */
function refuseSecret(pem: unknown): void {
  if (typeof pem === 'string' && pem.includes('PRIVATE KEY-----'))
    throw new InputError(
      'got a private key: write the public half here, never put a private key into a policy, and replace this one, it has been seen',
    )
}

/** What can be read and not written is no key either: the point at infinity. */
function readKey(how: () => KeyObject): { readonly read: KeyObject; readonly spki: Buffer } {
  try {
    const read = how()
    return { read, spki: read.export({ format: 'der', type: 'spki' }) }
  } catch (error) {
    throw new InputError('expected a public key in DER, got bytes that are none', { cause: error })
  }
}

function refuseUnusable(key: KeyObject, spki: Buffer): void {
  switch (key.asymmetricKeyType) {
    case 'ec':
      return refuseForeignCurve(key, spki)
    case 'rsa':
    case 'rsa-pss':
      return refuseWeakRsa(key)
    case 'ed25519':
      return
    default:
      throw new InputError(`expected an ECDSA, RSA or Ed25519 key, got ${key.asymmetricKeyType}`)
  }
}

function refuseForeignCurve(key: KeyObject, spki: Buffer): void {
  const curve = key.asymmetricKeyDetails?.namedCurve ?? 'explicit parameters'
  const head = Object.hasOwn(EC_HEADS, curve) ? EC_HEADS[curve] : undefined
  if (head === undefined) throw new InputError(`expected the curve P-256, P-384 or P-521, got ${curve}`)
  if (!spki.toString('hex').startsWith(head))
    throw new InputError('expected a named curve and an uncompressed point, got another form of the key')
}

/** An even exponent has no inverse, so nobody can sign; with 1 the signature is the message, so everybody can. */
function refuseWeakRsa(key: KeyObject): void {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (modulusLength < RSA_BITS.least || modulusLength > RSA_BITS.most)
    throw new InputError(`expected an RSA key of ${RSA_BITS.least} to ${RSA_BITS.most} bits, got ${modulusLength}`)
  if (publicExponent < 3n || publicExponent > RSA_MOST_EXPONENT || publicExponent % 2n === 0n)
    throw new InputError(`expected an odd RSA exponent from 3 to ${RSA_MOST_EXPONENT}, got ${publicExponent}`)
}
