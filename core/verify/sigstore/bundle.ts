/** Sigstore bundles (sigstore/protobuf-specs, sigstore_bundle.proto), versions 0.1 to 0.3, around whatever was signed. */
import { decodeBase64 } from '#core/domain/base64.ts'
import { InputError } from '#core/domain/input-error.ts'
import { SIGNATURE_BYTES } from '#core/domain/public-key.ts'
import type { JsonLimits, JsonObject } from '#core/json/untrusted-json.ts'
import { asArray, asObject, asString, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { quote } from '#core/verify/quote.ts'
import { decodeEnvelope, type Envelope } from '#core/verify/statement/dsse.ts'
import { decodeLogEntry } from './log/decode-entry.ts'
import {
  CERTIFICATE_BYTES,
  type LogEntry,
  type Material,
  MOST_CERTIFICATES,
  MOST_ENTRIES,
  MOST_TIMESTAMPS,
  TIMESTAMP_BYTES,
} from './material.ts'
import { decodePart } from './unreadable-part.ts'

/**
 * What is read of one bundle or envelope. A signature's has under ten KiB and a hundred values; provenance some ten KiB,
 * a bill of materials of a large image a few MiB in base64, which is one value here. The most values that the limits of
 * the material allow are some 3000: 32 entries with an inclusion proof of 64 hashes each.
 */
export const ATTACHED: JsonLimits = { bytes: 8 * 1024 * 1024, depth: 16, values: 5000 }

const VERSIONS: ReadonlyMap<string, Version> = new Map(
  (['0.1', '0.2', '0.3'] as const).flatMap(version => [
    [`application/vnd.dev.sigstore.bundle+json;version=${version}`, version],
    [`application/vnd.dev.sigstore.bundle.v${version}+json`, version],
  ]),
)

type Version = '0.1' | '0.2' | '0.3'

/** Decoded and bounded; nothing of it has been verified. */
export type Bundle = {
  readonly material: Material
  readonly content:
    | { readonly kind: 'envelope'; readonly envelope: Envelope }
    /** A signature over bytes that are not in here; `digest` says which, under an algorithm of protobuf-specs. */
    | {
        readonly kind: 'message'
        readonly signature: Uint8Array
        readonly digest: { readonly algorithm: string; readonly value: Uint8Array } | undefined
      }
}

/** Decodes a bundle; throws an InputError, a LimitError where there is too much of something. */
export function decodeBundle(bytes: Uint8Array): Bundle {
  const bundle = asObject(parseUntrustedJson(bytes, ATTACHED), 'the bundle')
  refuseOlderBundle(bundle)
  const mediaType = asString(bundle['mediaType'], 'the media type of the bundle')
  const version = VERSIONS.get(mediaType)
  if (version === undefined)
    throw new InputError(`expected a Sigstore bundle of version 0.1 to 0.3, got ${quote(mediaType)}`)
  const material = decodeMaterial(asObject(bundle['verificationMaterial'], 'the verification material'), version)
  return { material, content: decodeContent(bundle) }
}

/** What `cosign sign-blob --bundle` wrote before version 3: no media type, and neither the time nor the log's proof that go with one. */
function refuseOlderBundle(bundle: JsonObject): void {
  if (bundle['mediaType'] === undefined && (bundle['base64Signature'] ?? bundle['rekorBundle']) !== undefined)
    throw new InputError(
      "expected a Sigstore bundle, got cosign's older bundle (base64Signature, cert, rekorBundle): sign again with cosign 3, or with --new-bundle-format",
    )
}

function decodeContent(bundle: JsonObject): Bundle['content'] {
  const { dsseEnvelope, messageSignature } = bundle
  if ((dsseEnvelope === undefined) === (messageSignature === undefined))
    throw new InputError(
      `expected a DSSE envelope or a message signature in the bundle, got ${dsseEnvelope === undefined ? 'neither' : 'both'}`,
    )
  if (dsseEnvelope !== undefined) return { kind: 'envelope', envelope: decodeEnvelope(dsseEnvelope, ATTACHED.bytes) }
  const message = asObject(messageSignature, 'the message signature')
  return {
    kind: 'message',
    signature: bytesOf(message['signature'], 'the signature', SIGNATURE_BYTES),
    digest: decodeDigest(message['messageDigest']),
  }
}

const DIGEST_BYTES = 64

function decodeDigest(value: unknown) {
  if (value === undefined) return undefined
  const digest = asObject(value, 'the message digest')
  const algorithm = asString(digest['algorithm'], 'the algorithm of the message digest')
  return { algorithm, value: bytesOf(digest['digest'], 'the message digest', DIGEST_BYTES) }
}

/** Counted first, and decoded only then. */
function decodeMaterial(material: JsonObject, version: Version): Material {
  const times = asObject(material['timestampVerificationData'] ?? {}, 'the timestamps')
  const listed = asArray(material['tlogEntries'] ?? [], 'the log entries', MOST_ENTRIES)
  const stamped = asArray(times['rfc3161Timestamps'] ?? [], 'the timestamps', MOST_TIMESTAMPS)
  const entries = decodePart('log.invalid', () => listed.map(entry => decodeProven(entry, version)))
  const timestamps = decodePart('time.invalid', () =>
    stamped.map(time => bytesOf(asObject(time, 'a timestamp')['signedTimestamp'], 'a timestamp', TIMESTAMP_BYTES)),
  )
  return { ...decodeSigner(material, version), entries, timestamps }
}

/** With what each version says an entry must come with; one labelled 0.1 to be spared the proof still needs the promise. */
function decodeProven(value: unknown, version: Version): LogEntry {
  const entry = decodeLogEntry(value)
  if (version === '0.1' && entry.promise === undefined)
    throw new InputError('expected a promise in each log entry of a bundle 0.1')
  if (version !== '0.1' && entry.proof === undefined)
    throw new InputError(`expected an inclusion proof in each log entry of a bundle ${version}`)
  return entry
}

function decodeSigner(material: JsonObject, version: Version): Pick<Material, 'certificate' | 'chain' | 'hint'> {
  const signers = ['publicKey', 'certificate', 'x509CertificateChain'].filter(name => material[name] !== undefined)
  if (signers.length !== 1)
    throw new InputError(`expected a public key, a certificate or a chain in the bundle, got ${signers.length} of them`)
  if (material['publicKey'] !== undefined) {
    const hint = asString(asObject(material['publicKey'], 'the public key')['hint'] ?? '', 'the key hint')
    return { certificate: undefined, chain: [], hint }
  }
  if (material['certificate'] !== undefined)
    return { certificate: decodeCertificateMember(material['certificate']), chain: [], hint: undefined }
  if (version === '0.3') throw new InputError('expected a single certificate in a bundle 0.3, got a chain')
  const chain = asObject(material['x509CertificateChain'], 'the chain')['certificates']
  const [certificate, ...others] = asArray(chain, 'the chain', MOST_CERTIFICATES).map(decodeCertificateMember)
  if (certificate === undefined) throw new InputError('expected a certificate in the chain, got none')
  return { certificate, chain: others, hint: undefined }
}

function decodeCertificateMember(value: unknown): Uint8Array {
  return decodePart('certificate.invalid', () =>
    bytesOf(asObject(value, 'a certificate')['rawBytes'], 'a certificate', CERTIFICATE_BYTES),
  )
}

function bytesOf(value: unknown, what: string, most: number): Uint8Array {
  return decodeBase64(asString(value, what), what, most)
}
