/** What the body of a log entry says that the log holds: one signature, what it is over, and what it verifies with. */
import { decodeBase64 } from '#core/domain/base64.ts'
import { InputError } from '#core/domain/input-error.ts'
import { parsePemBlock } from '#core/domain/pem.ts'
import { SIGNATURE_BYTES } from '#core/domain/public-key.ts'
import type { JsonObject } from '#core/json/untrusted-json.ts'
import { asString } from '#core/json/untrusted-json.ts'
import { quote } from '#core/verify/quote.ts'

/** What a signature is said to verify with: a certificate, DER, or a SubjectPublicKeyInfo, DER. */
export type Verifier = { readonly kind: 'certificate' | 'key'; readonly der: Uint8Array }

export type Claim = {
  /** Whether the hash is of what was signed, or of the payload in the envelope that was. */
  readonly over: 'message' | 'payload'
  /** The type of that payload, where the log writes it down. */
  readonly payloadType: string | undefined
  readonly hash: { readonly algorithm: string; readonly value: Uint8Array }
  readonly signature: Uint8Array
  readonly verifier: Verifier
}

const HEX = /^(?:[0-9a-f]{2})+$/

const KINDS: Readonly<Record<string, Verifier['kind']>> = { CERTIFICATE: 'certificate', 'PUBLIC KEY': 'key' }

/** The hashes of the logs by their names there; whatever else one names cannot be compared here. */
export function hashAlgorithm(names: Readonly<Record<string, string>>, value: unknown): string {
  const name = asString(value, 'the hash algorithm of the log entry')
  const algorithm = Object.hasOwn(names, name) ? names[name] : undefined
  if (algorithm !== undefined) return algorithm
  throw new InputError(`expected the log entry to hash with ${Object.keys(names).join(', ')}, got ${quote(name)}`)
}

export function decodeHex(value: unknown, what: string): Uint8Array {
  const text = asString(value, what)
  if (!HEX.test(text)) throw new InputError(`expected ${what} to be hex digits, got ${quote(text)}`)
  return Buffer.from(text, 'hex')
}

export function decodeSignature(value: unknown): Uint8Array {
  const what = 'the signature in the log entry'
  return decodeBase64(asString(value, what), what, SIGNATURE_BYTES)
}

/** The verifier out of the one PEM block that these bytes are; a chain is none, as nobody logs one with a signature of an image. */
export function decodePemVerifier(pem: Uint8Array): Verifier {
  const { label, der } = parsePemBlock(Buffer.from(pem).toString('latin1'))
  const kind = Object.hasOwn(KINDS, label) ? KINDS[label] : undefined
  if (kind === undefined)
    throw new InputError(`expected the log entry to hold a certificate or a public key, got ${quote(label)}`)
  return { kind, der }
}

/** The one item: an entry of several signatures is not of an envelope that has one. */
export function onlySignature(object: JsonObject): unknown {
  const signatures = object['signatures']
  if (Array.isArray(signatures) && signatures.length === 1) return signatures[0]
  const got = Array.isArray(signatures) ? signatures.length : 'no list'
  throw new InputError(`expected exactly one signature in the log entry, got ${got}`)
}
