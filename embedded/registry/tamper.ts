/**
 * Signatures with one thing wrong. `signed` changes what is signed, so the signature over it is good;
 * `written` changes what is written afterwards. Digests are computed last, so they always fit.
 */
import type { Envelope, Signable } from '../sigstore/dsse.ts'

type SimpleDraft = { readonly payload: string; readonly signature: string | undefined }
type SimpleTampering = {
  readonly signed?: (payload: string) => string
  readonly written?: (draft: SimpleDraft) => SimpleDraft
}
type BundleTampering = {
  readonly signed?: (draft: Signable) => Signable
  readonly written?: (envelope: Envelope) => Envelope
  /** Changes the text of the finished bundle. */
  readonly bundle?: (text: string) => string
}

const OTHER_HEX = '0'.repeat(64)
/** More subjects than any image has names: above every sensible limit, below one of our own. */
const MANY_SUBJECTS = 2000

/** What can be wrong with a simple-signing payload and its annotation. */
export const SIMPLE_TAMPERINGS: Readonly<Record<string, SimpleTampering>> = {
  payload: { written: draft => ({ ...draft, payload: draft.payload.replace('null', '{"tampered":"yes"}') }) },
  signature: { written: draft => ({ ...draft, signature: flipLastBit(draft.signature ?? '') }) },
  'lax-base64': { written: draft => ({ ...draft, signature: laxBase64(draft.signature ?? '') }) },
  'no-signature': { written: draft => ({ ...draft, signature: undefined }) },
  'payload-type': {
    signed: payload => payload.replace('cosign container image signature', 'atomic container signature'),
  },
  'duplicate-key': {
    signed: payload => payload.replace('"image":{', `"image":{"docker-manifest-digest":"sha256:${OTHER_HEX}",`),
  },
  truncated: { signed: payload => payload.slice(0, -1) },
}

/** What can be wrong with a bundle, its envelope and the statement in it. */
export const BUNDLE_TAMPERINGS: Readonly<Record<string, BundleTampering>> = {
  payload: { written: envelope => ({ ...envelope, payload: envelope.payload.replace('{}}', '{"tampered":"yes"}}') }) },
  signature: { written: changeSignatures(good => [flipLastBit(good)]) },
  'lax-base64': { written: changeSignatures(good => [laxBase64(good)]) },
  'no-signature': { written: changeSignatures(() => []) },
  'two-signatures': { written: changeSignatures(good => [good, flipLastBit(good)]) },
  'two-signatures-bad-first': { written: changeSignatures(good => [flipLastBit(good), good]) },
  'payload-type': { signed: draft => ({ ...draft, payloadType: 'application/json' }) },
  // each character differs by 0x100: the same text to whoever encodes the type as ASCII
  'payload-type-collapsing': { written: envelope => ({ ...envelope, payloadType: shifted(envelope.payloadType) }) },
  'statement-type': { signed: changePayload(text => text.replace('Statement/v1', 'Statement/v9')) },
  'subject-sha512': { signed: changePayload(text => text.replace('"sha256":', '"sha512":')) },
  'many-subjects': { signed: changePayload(text => text.replace('"subject":[', `"subject":[${otherSubjects()},`)) },
  'duplicate-key': {
    signed: changePayload(text => text.replace('"digest":{', `"digest":{"sha256":"${OTHER_HEX}",`)),
  },
  'duplicate-key-in-bundle': { bundle: text => text.replace('"dsseEnvelope":', '"dsseEnvelope":{},"dsseEnvelope":') },
  truncated: { signed: changePayload(text => text.slice(0, -1)) },
  'truncated-bundle': { bundle: text => text.slice(0, -1) },
  envelope: { bundle: text => text.replace(/,"dsseEnvelope":.*$/, '}') },
  hint: { bundle: text => text.replace(/"hint":"[^"]*"/, '"hint":"another key"') },
}

function changePayload(change: (payload: string) => string) {
  return (draft: Signable): Signable => ({ ...draft, payload: change(draft.payload) })
}

function changeSignatures(change: (good: string) => readonly string[]) {
  return (envelope: Envelope): Envelope => ({ ...envelope, signatures: change(envelope.signatures[0] ?? '') })
}

function flipLastBit(base64: string): string {
  const bytes = Buffer.from(base64, 'base64')
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  return bytes.toString('base64')
}

/** Decoders that forgive read the same bytes out of it. */
function laxBase64(base64: string): string {
  return `${base64.slice(0, 8)}\n${base64.slice(8)}`
}

function shifted(text: string): string {
  return text.replace(/./g, character => String.fromCharCode(character.charCodeAt(0) + 0x100))
}

function otherSubjects(): string {
  return Array.from({ length: MANY_SUBJECTS }, (_, nth) => {
    const sha256 = nth.toString(16).padStart(64, '0')
    return JSON.stringify({ digest: { sha256 }, annotations: {} })
  }).join(',')
}
