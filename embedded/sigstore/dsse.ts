/** What is signed: bytes as they are, or an envelope (DSSE, protocol.md). */

export const IN_TOTO = 'application/vnd.in-toto+json'

/** Payload and its type, before anybody has signed them. */
export type Signable = { readonly payload: string; readonly payloadType: string }

/** With as many signatures as it has, in base64. */
export type Envelope = Signable & { readonly signatures: readonly string[] }

/** DSSE, protocol.md, "Signature Definition": lengths in bytes, never in characters. */
export function encodePae(payloadType: string, payload: string): Uint8Array {
  const lengths = [Buffer.byteLength(payloadType), Buffer.byteLength(payload)]
  return Buffer.from(`DSSEv1 ${lengths[0]} ${payloadType} ${lengths[1]} ${payload}`)
}

/** The envelope of cosign's legacy attestations, in the order of keys that Go writes. */
export function encodeEnvelope({ payload, payloadType, signatures }: Envelope): string {
  const base64 = Buffer.from(payload).toString('base64')
  return JSON.stringify({ payloadType, payload: base64, signatures: signatures.map(sig => ({ keyid: '', sig })) })
}
