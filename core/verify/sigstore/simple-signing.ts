/** cosign's legacy signatures: a JSON payload that names one image, and a signature over the bytes of that payload. */
import type { SimpleSigningArtefact } from '#core/domain/artefact.ts'
import { decodeBase64 } from '#core/domain/base64.ts'
import { InputError } from '#core/domain/input-error.ts'
import { SIGNATURE_BYTES } from '#core/domain/public-key.ts'
import type { JsonLimits, JsonObject } from '#core/json/untrusted-json.ts'
import { asObject, asString, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { quote } from '#core/verify/quote.ts'
import type { Signing } from './key.ts'

/** cosign writes some 250 bytes, ten values in three levels; the rest is for annotations in `optional`. */
const PAYLOAD: JsonLimits = { bytes: 64 * 1024, depth: 16, values: 1000 }

/**
 * What cosign, podman and skopeo write when they sign for a registry's `.sig` tag. The "atomic container signature" of
 * containers-signature(5) is not taken: it belongs in an OpenPGP message, which is never found there, and a key that
 * signs one kind of document has not signed the other.
 */
const PAYLOAD_TYPE = 'cosign container image signature'

/**
 * Decodes payload and signature; throws an InputError. `critical.identity` may say anything: where the image was called
 * something else, the digest is still the image's, and neither cosign nor the policy controller compares the name.
 */
export function decodeSimpleSigning(artefact: SimpleSigningArtefact): {
  readonly signing: Signing
  readonly images: readonly string[]
} {
  if (artefact.signature === '') throw new InputError('expected a signature beside the payload, got nothing')
  const signature = decodeBase64(artefact.signature, 'the signature', SIGNATURE_BYTES)
  const payload = asObject(parseUntrustedJson(artefact.payload, PAYLOAD), 'the payload')
  const critical = asObject(payload['critical'], 'critical')
  // containers-signature(5), "critical": a member one does not know may change what the others mean.
  refuseOthers(critical, 'critical', ['type', 'image', 'identity'])
  const type = asString(critical['type'], 'critical.type')
  if (type !== PAYLOAD_TYPE) throw new InputError(`expected critical.type ${quote(PAYLOAD_TYPE)}, got ${quote(type)}`)
  const image = asObject(critical['image'], 'critical.image')
  refuseOthers(image, 'critical.image', ['docker-manifest-digest'])
  return {
    signing: { message: artefact.payload, signature, payload: undefined },
    images: [asString(image['docker-manifest-digest'], 'critical.image.docker-manifest-digest')],
  }
}

function refuseOthers(object: JsonObject, what: string, known: readonly string[]): void {
  const other = Object.keys(object).find(key => !known.includes(key))
  if (other !== undefined)
    throw new InputError(`expected ${what} to hold ${known.join(', ')} only, got ${quote(other)}`)
}
