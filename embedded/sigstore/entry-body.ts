/** The bodies that Rekor logs, in the canonical form that it hashes: the keys of each object in alphabetical order. */

import { encodePem } from './certificate.ts'
import type { Envelope } from './dsse.ts'
import { encodeEnvelope } from './dsse.ts'
import { sha256 } from './key-pair.ts'

export type Body = { readonly kind: string; readonly version: string; readonly bytes: Uint8Array }

/** Who signed, as the entry has it. */
type Verifier = {
  readonly form: 'certificate' | 'publicKey'
  readonly der: Uint8Array
  /** protobuf-specs, PublicKeyDetails. */
  readonly details: string
}

/** What an entry says of a signature: the faults of entries are other values of these. */
export type EntryFacts = {
  readonly signature: Uint8Array
  readonly verifier: Verifier
  readonly hash: string
  /** Over the bytes that were signed: the message, or the encoding of the envelope. */
  readonly digest: Uint8Array
  /** Undefined where a bare message was signed. */
  readonly envelope: Envelope | undefined
}

export const ENTRY_KINDS = ['hashedrekord', 'dsse', 'intoto'] as const
export type EntryKind = (typeof ENTRY_KINDS)[number]

type Encoder = (facts: EntryFacts) => Body

/** By version of the log, then by kind. */
export const BODIES: Readonly<Record<1 | 2, Readonly<Partial<Record<EntryKind, Encoder>>>>> = {
  1: { hashedrekord: hashedRekord1, dsse: dsse1, intoto: intoto2 },
  2: { hashedrekord: hashedRekord2, dsse: dsse2 },
}

function hashedRekord1({ signature, verifier, hash, digest }: EntryFacts): Body {
  const value = Buffer.from(digest).toString('hex')
  return body('hashedrekord', '0.0.1', {
    data: { hash: { algorithm: hash, value } },
    signature: { content: base64(signature), publicKey: { content: pemOf(verifier) } },
  })
}

function dsse1({ signature, verifier, envelope }: EntryFacts): Body {
  return body('dsse', '0.0.1', {
    envelopeHash: hexHash(encodeEnvelope(envelopeOf(envelope))),
    payloadHash: hexHash(envelopeOf(envelope).payload),
    signatures: [{ signature: base64(signature), verifier: pemOf(verifier) }],
  })
}

/** The signature is base64 of base64 here, as Rekor has it. */
function intoto2({ signature, verifier, envelope }: EntryFacts): Body {
  const { payloadType, payload } = envelopeOf(envelope)
  const signatures = [{ publicKey: pemOf(verifier), sig: base64(Buffer.from(base64(signature))) }]
  return body('intoto', '0.0.2', {
    content: {
      envelope: { payloadType, signatures },
      hash: hexHash(encodeEnvelope(envelopeOf(envelope))),
      payloadHash: hexHash(payload),
    },
  })
}

function hashedRekord2({ signature, verifier, hash, digest }: EntryFacts): Body {
  const data = { algorithm: hash.replace('sha', 'SHA2_'), digest: base64(digest) }
  const spec = { data, signature: { content: base64(signature), verifier: verifierOf(verifier) } }
  return body('hashedrekord', '0.0.2', { hashedRekordV002: spec })
}

function dsse2({ signature, verifier, envelope }: EntryFacts): Body {
  const payloadHash = { algorithm: 'SHA2_256', digest: base64(sha256(Buffer.from(envelopeOf(envelope).payload))) }
  const signatures = [{ content: base64(signature), verifier: verifierOf(verifier) }]
  return body('dsse', '0.0.2', { dsseV002: { payloadHash, signatures } })
}

function body(kind: string, apiVersion: string, spec: unknown): Body {
  return { kind, version: apiVersion, bytes: Buffer.from(JSON.stringify({ apiVersion, kind, spec })) }
}

function envelopeOf(envelope: Envelope | undefined): Envelope {
  if (envelope === undefined) throw new TypeError('an entry for envelopes was asked for a bare message')
  return envelope
}

function verifierOf({ form, der, details }: Verifier) {
  const named = form === 'certificate' ? 'x509Certificate' : 'publicKey'
  return { keyDetails: details, [named]: { rawBytes: base64(der) } }
}

function pemOf({ form, der }: Verifier): string {
  return base64(Buffer.from(encodePem(form === 'certificate' ? 'CERTIFICATE' : 'PUBLIC KEY', der)))
}

function hexHash(text: string) {
  return { algorithm: 'sha256', value: sha256(Buffer.from(text)).toString('hex') }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
