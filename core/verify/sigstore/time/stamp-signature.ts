/** Signatures on timestamps: the token says by which algorithm, and the certificate's key must be one for it. */
import type { KeyObject } from 'node:crypto'
import { constants, verify } from 'node:crypto'
import { InputError } from '#core/domain/input-error.ts'
import { type Der, expectTag, itemsOf, TAG } from '#core/verify/der.ts'
import type { Certificate } from '../certificate/certificate.ts'
import { checkAlgorithm } from '../certificate/signature-algorithm.ts'
import { decodeAlgorithm, decodeHash, refuseParameters, type StampHash } from './algorithm.ts'

export type Scheme = { readonly kind: 'ecdsa' | 'pkcs1' | 'pss' | 'ed25519'; readonly hash: StampHash }

const RSA_PSS = '1.2.840.113549.1.1.10'

/** By object identifier. Plain rsaEncryption goes by the hash of the content (RFC 3370, section 3.2). */
const SCHEMES: ReadonlyMap<string, Scheme | 'pkcs1 of the digest'> = new Map<string, Scheme | 'pkcs1 of the digest'>([
  ['1.2.840.10045.4.3.2', { kind: 'ecdsa', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { kind: 'ecdsa', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { kind: 'ecdsa', hash: 'sha512' }],
  ['1.2.840.113549.1.1.1', 'pkcs1 of the digest'],
  ['1.2.840.113549.1.1.11', { kind: 'pkcs1', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { kind: 'pkcs1', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { kind: 'pkcs1', hash: 'sha512' }],
  ['1.3.101.112', { kind: 'ed25519', hash: 'sha512' }],
])

/** Decodes the algorithm of a signature; `digest` is the hash that the content was digested with. Throws an InputError. */
export function decodeScheme(value: Der, digest: StampHash): Scheme {
  const what = 'the signature algorithm of the timestamp'
  const algorithm = decodeAlgorithm(value, what)
  if (algorithm.oid === RSA_PSS) return { kind: 'pss', hash: hashOfPss(value, what) }
  const scheme = SCHEMES.get(algorithm.oid)
  if (scheme === undefined)
    throw new InputError(
      `expected ${what} to be ECDSA, RSA or Ed25519 over SHA-2 of 256 bits or more, got ${algorithm.oid}`,
    )
  refuseParameters(algorithm, what)
  return scheme === 'pkcs1 of the digest' ? { kind: 'pkcs1', hash: digest } : scheme
}

/** One hash for message and mask and a salt as long as it, as certificates have it; then which hash that is. */
function hashOfPss(value: Der, what: string): StampHash {
  checkAlgorithm(value)
  const [, parameters] = itemsOf(value, what)
  const [explicit] = itemsOf(expectTag(parameters, TAG.sequence, what), what)
  const [hash] = explicit === undefined ? [] : itemsOf(explicit, what)
  return decodeHash(expectTag(hash, TAG.sequence, what), `the hash of ${what}`)
}

type Signed = { readonly message: Uint8Array; readonly signature: Uint8Array; readonly scheme: Scheme }

/** Whose signature it is: that of the certificate's key, or nobody's that is known here. */
export function stamperOf({ message, signature, scheme }: Signed, certificate: Certificate): Certificate | undefined {
  const key = certificate.x509.publicKey
  const isFit = TYPES[scheme.kind].includes(key.asymmetricKeyType ?? '')
  return isFit && CHECKS[scheme.kind](key, { message, signature, scheme }) ? certificate : undefined
}

const TYPES: Readonly<Record<Scheme['kind'], readonly string[]>> = {
  ecdsa: ['ec'],
  pkcs1: ['rsa'],
  pss: ['rsa', 'rsa-pss'],
  ed25519: ['ed25519'],
}

const CHECKS: Readonly<Record<Scheme['kind'], (key: KeyObject, signed: Signed) => boolean>> = {
  ecdsa: (key, { message, signature, scheme }) => verify(scheme.hash, message, { key, dsaEncoding: 'der' }, signature),
  pkcs1: (key, { message, signature, scheme }) =>
    verify(scheme.hash, message, { key, padding: constants.RSA_PKCS1_PADDING }, signature),
  pss: verifyPss,
  // Ed25519 hashes for itself.
  ed25519: (key, { message, signature }) => verify(null, message, key, signature),
}

/** A key of this type may name its hash and its shortest salt (RFC 4055, section 3.1). OpenSSL throws at others. */
function verifyPss(key: KeyObject, { message, signature, scheme: { hash } }: Signed): boolean {
  const { hashAlgorithm: only = hash, saltLength: least = 0 } = key.asymmetricKeyDetails ?? {}
  const saltLength = HASH_BYTES[hash]
  if (only !== hash || least > saltLength) return false
  return verify(hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature)
}

const HASH_BYTES: Readonly<Record<StampHash, number>> = { sha256: 32, sha384: 48, sha512: 64 }
