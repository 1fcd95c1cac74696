/** The bodies of Rekor v2 (sigstore/rekor-tiles, entry.proto), protobuf in JSON: everything in base64, verifiers in DER. */
import { decodeBase64 } from '#core/domain/base64.ts'
import { InputError } from '#core/domain/input-error.ts'
import { asString } from '#core/json/untrusted-json.ts'
import { CERTIFICATE_BYTES } from '../material.ts'
import type { Claim, Verifier } from './claim.ts'
import { decodeSignature, hashAlgorithm, onlySignature } from './claim.ts'
import { asClosedObject } from './closed-object.ts'

const ALGORITHMS: Readonly<Record<string, string>> = { SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' }

/** SHA-512. */
const MOST_HASH_BYTES = 64

/** hashedrekord 0.0.2: a signature over something of which the log holds the hash. cosign logs envelopes so: the hash of the PAE. */
export function decodeHashedRekord2(spec: unknown): Claim {
  const { hashedRekordV002 } = asClosedObject(spec, 'spec', ['hashedRekordV002'])
  const object = asClosedObject(hashedRekordV002, 'hashedRekordV002', ['data', 'signature'])
  return {
    over: 'message',
    payloadType: undefined,
    hash: decodeHash(object['data'], 'hashedRekordV002.data'),
    ...decodeSigned(object['signature'], 'hashedRekordV002.signature'),
  }
}

/** dsse 0.0.2: an envelope. */
export function decodeDsse2(spec: unknown): Claim {
  const { dsseV002 } = asClosedObject(spec, 'spec', ['dsseV002'])
  const object = asClosedObject(dsseV002, 'dsseV002', ['payloadHash', 'signatures'])
  return {
    over: 'payload',
    payloadType: undefined,
    hash: decodeHash(object['payloadHash'], 'dsseV002.payloadHash'),
    ...decodeSigned(onlySignature(object), 'dsseV002.signatures'),
  }
}

function decodeHash(value: unknown, what: string): Claim['hash'] {
  const hash = asClosedObject(value, what, ['algorithm', 'digest'])
  const digest = asString(hash['digest'], `${what}.digest`)
  return {
    algorithm: hashAlgorithm(ALGORITHMS, hash['algorithm']),
    value: decodeBase64(digest, `${what}.digest`, MOST_HASH_BYTES),
  }
}

function decodeSigned(value: unknown, what: string): Pick<Claim, 'signature' | 'verifier'> {
  const { content, verifier } = asClosedObject(value, what, ['content', 'verifier'])
  return { signature: decodeSignature(content), verifier: decodeVerifier(verifier, `${what}.verifier`) }
}

/** One or the other (a oneof). The details name hash and padding, which whoever checked the signature has not left to a log. */
function decodeVerifier(value: unknown, what: string): Verifier {
  const { publicKey, x509Certificate, keyDetails } = asClosedObject(value, what, [
    'publicKey',
    'x509Certificate',
    'keyDetails',
  ])
  asString(keyDetails, `${what}.keyDetails`)
  if ((publicKey === undefined) === (x509Certificate === undefined))
    throw new InputError(`expected ${what} to hold a certificate or a public key, and not both`)
  const { rawBytes } = asClosedObject(publicKey ?? x509Certificate, what, ['rawBytes'])
  const der = decodeBase64(asString(rawBytes, what), what, CERTIFICATE_BYTES)
  return { kind: publicKey === undefined ? 'certificate' : 'key', der }
}
