/** What something attached to an image claims, once it is decoded and bounded. Nothing of it has been verified. */
import type { Artefact, AttachmentArtefact, BundleArtefact } from '#core/domain/artefact.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { quote } from '#core/verify/quote.ts'
import { decodeEnvelope, type Envelope, encodePreAuth } from '#core/verify/statement/dsse.ts'
import { decodeStatement, STATEMENT_PAYLOAD_TYPE } from '#core/verify/statement/in-toto.ts'
import { ATTACHED, decodeBundle } from './bundle.ts'
import type { Signing } from './key.ts'
import { decodeLegacyMaterial } from './legacy-material.ts'
import type { Material } from './material.ts'
import { decodeSimpleSigning } from './simple-signing.ts'
import { refusalOfUndecodable } from './undecodable.ts'

export type ImageClaim = {
  readonly signing: Signing
  /** The digests that the signed bytes name, as they are written there. */
  readonly images: readonly string[]
  /** The predicate type, where that is not a signature's: it would not be one even if it verified. */
  readonly attestation: string | undefined
  readonly material: Material
  readonly stamped?: Uint8Array
}

/** What cosign says in a bundle when it signs an image. Any other predicate is an attestation about one, whoever signed it. */
export const SIGNATURE_PREDICATE = 'https://sigstore.dev/cosign/sign/v1'

const claims = new WeakMap<Artefact, ImageClaim | Refusal>()

/** Decodes once, whoever asks: decoding costs more than checking a signature, and each key of each policy asks. */
export function claimOf(artefact: Artefact): ImageClaim | Refusal {
  const known = claims.get(artefact)
  if (known !== undefined) return known
  const claim = decodeClaim(artefact)
  claims.set(artefact, claim)
  return claim
}

function decodeClaim(artefact: Artefact): ImageClaim | Refusal {
  try {
    return decode(artefact)
  } catch (error) {
    return refusalOfUndecodable(error)
  }
}

function decode(artefact: Artefact): ImageClaim {
  switch (artefact.layout) {
    case 'simple-signing':
      return {
        ...decodeSimpleSigning(artefact),
        attestation: undefined,
        material: decodeLegacyMaterial(artefact.annotations),
      }
    case 'attachment':
      return decodeAttachment(artefact)
    case 'bundle':
      return decodeImageBundle(artefact)
    default:
      throw new TypeError(`no decoder for ${JSON.stringify(artefact satisfies never)}`)
  }
}

/**
 * What lies under the tag for attestations is one, whatever its predicate says: two roles, two places. The layer has no
 * signature of its own, so cosign has the whole envelope stamped, signature and all.
 */
function decodeAttachment({ bytes, annotations }: AttachmentArtefact): ImageClaim {
  const { signing, images, predicateType } = decodeEnvelopeClaim(
    decodeEnvelope(parseUntrustedJson(bytes, ATTACHED), ATTACHED.bytes),
  )
  return { signing, images, attestation: predicateType, material: decodeLegacyMaterial(annotations), stamped: bytes }
}

function decodeImageBundle({ bytes }: BundleArtefact): ImageClaim {
  const { content, material } = decodeBundle(bytes)
  if (content.kind === 'message')
    throw new InputError(
      'expected a DSSE envelope, which is how images are signed, got a message signature, which names no image',
    )
  const { signing, images, predicateType } = decodeEnvelopeClaim(content.envelope)
  return { signing, images, attestation: predicateType === SIGNATURE_PREDICATE ? undefined : predicateType, material }
}

/** What an envelope claims that holds a statement; throws an InputError for any other. */
export function decodeEnvelopeClaim(envelope: Envelope) {
  const { payload, payloadType, signature } = envelope
  if (payloadType !== STATEMENT_PAYLOAD_TYPE)
    throw new InputError(`expected the payload type ${quote(STATEMENT_PAYLOAD_TYPE)}, got ${quote(payloadType)}`)
  const { predicateType, subjects, longerDigests } = decodeStatement(payload, ATTACHED.bytes)
  const signing = { message: encodePreAuth(payloadType, payload), signature, payload }
  return { signing, images: subjects, longerDigests, predicateType }
}
