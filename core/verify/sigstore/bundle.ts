/** Sigstore bundles (sigstore/protobuf-specs, sigstore_bundle.proto) around a signature of an image: DSSE around in-toto. */
import { InputError } from '#core/domain/input-error.ts'
import type { JsonLimits, JsonObject } from '#core/json/untrusted-json.ts'
import { asArray, asObject, asString, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { quote } from '#core/verify/quote.ts'
import { decodeEnvelope, encodePreAuth } from '#core/verify/statement/dsse.ts'
import { decodeStatement, STATEMENT_PAYLOAD_TYPE } from '#core/verify/statement/in-toto.ts'
import type { ImageClaim } from './image-claim.ts'

/**
 * A signature's bundle has under ten KiB and a hundred values, certificate, log entry and timestamp included. The most that
 * the limits below allow is some 3000 values: 32 entries with an inclusion proof of 64 hashes each.
 */
const BUNDLE: JsonLimits = { bytes: 1024 * 1024, depth: 16, values: 5000 }

/** The limits of sigstore-go, taken over after CVE-2024-45395; they hold although this file looks at none of the entries. */
const LOG_ENTRIES = 32
const TIMESTAMPS = 32

const MEDIA_TYPES: readonly string[] = ['0.1', '0.2', '0.3'].flatMap(version => [
  `application/vnd.dev.sigstore.bundle+json;version=${version}`,
  `application/vnd.dev.sigstore.bundle.v${version}+json`,
])

/** What cosign says in a bundle when it signs an image. Any other predicate is an attestation about one, whoever signed it. */
const SIGNATURE_PREDICATE = 'https://sigstore.dev/cosign/sign/v1'

/** Decodes the bundle down to the statement within; throws an InputError, a LimitError where there is too much of something. */
export function decodeBundle(bytes: Uint8Array): ImageClaim {
  const bundle = asObject(parseUntrustedJson(bytes, BUNDLE), 'the bundle')
  const mediaType = asString(bundle['mediaType'], 'the media type of the bundle')
  if (!MEDIA_TYPES.includes(mediaType))
    throw new InputError(`expected a Sigstore bundle of version 0.1 to 0.3, got ${quote(mediaType)}`)
  const hint = decodeHint(asObject(bundle['verificationMaterial'], 'the verification material'))
  if (bundle['messageSignature'] !== undefined)
    throw new InputError(
      'expected a DSSE envelope, which is how images are signed, got a message signature, which names no image',
    )
  const envelope = decodeEnvelope(bundle['dsseEnvelope'], BUNDLE.bytes)
  if (envelope.payloadType !== STATEMENT_PAYLOAD_TYPE)
    throw new InputError(
      `expected the payload type ${quote(STATEMENT_PAYLOAD_TYPE)}, got ${quote(envelope.payloadType)}`,
    )
  const statement = decodeStatement(envelope.payload, BUNDLE.bytes)
  return {
    signed: { message: encodePreAuth(envelope.payloadType, envelope.payload), signature: envelope.signature },
    images: statement.subjects,
    attestation: statement.predicateType === SIGNATURE_PREDICATE ? undefined : statement.predicateType,
    hint,
  }
}

/** The key hint, if it is a key that the bundle says to be signed with. Log entries and timestamps are counted, not believed. */
function decodeHint(material: JsonObject): string | undefined {
  const signers = ['publicKey', 'certificate', 'x509CertificateChain'].filter(name => material[name] !== undefined)
  if (signers.length !== 1)
    throw new InputError(`expected a public key, a certificate or a chain in the bundle, got ${signers.length} of them`)
  asArray(material['tlogEntries'] ?? [], 'the log entries', LOG_ENTRIES)
  const times = asObject(material['timestampVerificationData'] ?? {}, 'the timestamps')
  asArray(times['rfc3161Timestamps'] ?? [], 'the timestamps', TIMESTAMPS)
  if (material['publicKey'] === undefined) return undefined
  return asString(asObject(material['publicKey'], 'the public key')['hint'] ?? '', 'the key hint')
}
