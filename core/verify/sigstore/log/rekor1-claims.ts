/** The bodies of Rekor v1 (sigstore/rekor, pkg/types), in the canonical form that the log stores: hashes in hex, verifiers in PEM. */
import { decodeBase64 } from '#core/domain/base64.ts'
import { asString } from '#core/json/untrusted-json.ts'
import type { Claim } from './claim.ts'
import { decodeHex, decodePemVerifier, decodeSignature, hashAlgorithm, onlySignature } from './claim.ts'
import { asClosedObject } from './closed-object.ts'

const ALGORITHMS: Readonly<Record<string, string>> = { sha256: 'sha256', sha384: 'sha384', sha512: 'sha512' }

/** The most that is a PEM block (core/domain/pem.ts). */
const PEM_BYTES = 16 * 1024

/** The base64 of the longest signature. */
const SIGNATURE_TEXT_BYTES = 2 * 1024

/** hashedrekord 0.0.1: a signature over something of which the log holds the hash. */
export function decodeHashedRekord1(spec: unknown): Claim {
  const { data, signature } = asClosedObject(spec, 'spec', ['data', 'signature'])
  const { content, publicKey } = asClosedObject(signature, 'spec.signature', ['content', 'publicKey'])
  return {
    over: 'message',
    payloadType: undefined,
    hash: decodeHash(asClosedObject(data, 'spec.data', ['hash'])['hash'], 'spec.data.hash'),
    signature: decodeSignature(content),
    verifier: decodeVerifier(asClosedObject(publicKey, 'spec.signature.publicKey', ['content'])['content']),
  }
}

/** dsse 0.0.1: an envelope. Its own hash is of the JSON that was sent to the log, which nobody has kept. */
export function decodeDsse1(spec: unknown): Claim {
  const object = asClosedObject(spec, 'spec', ['envelopeHash', 'payloadHash', 'signatures'])
  const only = asClosedObject(onlySignature(object), 'spec.signatures', ['signature', 'verifier'])
  return {
    over: 'payload',
    payloadType: undefined,
    hash: decodeHash(object['payloadHash'], 'spec.payloadHash'),
    signature: decodeSignature(only['signature']),
    verifier: decodeVerifier(only['verifier']),
  }
}

/** intoto 0.0.2: an envelope as well. The signature, base64 in the envelope, was put into base64 once more. */
export function decodeInToto(spec: unknown): Claim {
  const { content } = asClosedObject(spec, 'spec', ['content'])
  const object = asClosedObject(content, 'spec.content', ['envelope', 'hash', 'payloadHash'])
  const envelope = asClosedObject(object['envelope'], 'spec.content.envelope', ['payloadType', 'signatures'])
  const only = asClosedObject(onlySignature(envelope), 'spec.content.envelope.signatures', [
    'keyid',
    'publicKey',
    'sig',
  ])
  const sig = decodeBase64(asString(only['sig'], 'sig'), 'sig', SIGNATURE_TEXT_BYTES)
  return {
    over: 'payload',
    payloadType: asString(envelope['payloadType'], 'the payload type in the log entry'),
    hash: decodeHash(object['payloadHash'], 'spec.content.payloadHash'),
    signature: decodeSignature(Buffer.from(sig).toString('latin1')),
    verifier: decodeVerifier(only['publicKey']),
  }
}

function decodeHash(value: unknown, what: string): Claim['hash'] {
  const hash = asClosedObject(value, what, ['algorithm', 'value'])
  return { algorithm: hashAlgorithm(ALGORITHMS, hash['algorithm']), value: decodeHex(hash['value'], `${what}.value`) }
}

function decodeVerifier(value: unknown): Claim['verifier'] {
  const what = 'the verifier in the log entry'
  return decodePemVerifier(decodeBase64(asString(value, what), what, PEM_BYTES))
}
