/** DSSE envelopes (secure-systems-lab/dsse, protocol.md, version 1) with the one signature that a Sigstore bundle allows. */
import { decodeBase64 } from '#core/domain/base64.ts'
import { InputError } from '#core/domain/input-error.ts'
import { SIGNATURE_BYTES } from '#core/domain/public-key.ts'
import { asObject, asString } from '#core/json/untrusted-json.ts'

/** Decoded, not verified. The `keyid` is left where it is: it is not signed, and says nothing that a key does not. */
export type Envelope = {
  readonly payloadType: string
  readonly payload: Uint8Array
  readonly signature: Uint8Array
}

/**
 * Decodes the JSON value of an envelope whose payload is at most `mostPayload` bytes; throws an InputError. No signature
 * proves nothing, and of two one might hold while the other is looked at: exactly one.
 * Protobuf's JSON lets a reader take base64 of either alphabet, padded or not; every writer writes the standard one,
 * padded, and any other is refused, because a second spelling of a signature is of use to nobody but an attacker.
 */
export function decodeEnvelope(value: unknown, mostPayload: number): Envelope {
  const envelope = asObject(value, 'the DSSE envelope')
  const signatures = envelope['signatures']
  if (!Array.isArray(signatures) || signatures.length !== 1)
    throw new InputError(
      `expected exactly one signature in the DSSE envelope, got ${Array.isArray(signatures) ? signatures.length : 'no list'}`,
    )
  const sig = asString(asObject(signatures[0], 'the DSSE signature')['sig'], 'the DSSE signature')
  return {
    payloadType: asString(envelope['payloadType'], 'the DSSE payload type'),
    payload: decodeBase64(asString(envelope['payload'], 'the DSSE payload'), 'the DSSE payload', mostPayload),
    signature: decodeBase64(sig, 'the DSSE signature', SIGNATURE_BYTES),
  }
}

/**
 * Encodes what the signature is over (protocol.md, "PAE"): lengths in bytes, the type in UTF-8. An encoding that loses
 * something (ASCII, CVE-2026-48758; a lone surrogate, which UTF-8 does not have) would let two types share a signature.
 */
export function encodePreAuth(payloadType: string, payload: Uint8Array): Uint8Array {
  if (!payloadType.isWellFormed()) throw new InputError('expected a payload type of well-formed text')
  const type = Buffer.from(payloadType, 'utf8')
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.byteLength} `),
    type,
    Buffer.from(` ${payload.byteLength} `),
    payload,
  ])
}
