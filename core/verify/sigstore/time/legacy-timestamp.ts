/** The annotation `dev.sigstore.cosign/rfc3161timestamp`, in which cosign's legacy layouts keep what a timestamp authority answered. */
import { decodeBase64 } from '#core/domain/base64.ts'
import { asString, type JsonLimits, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { asClosedObject } from '../log/closed-object.ts'
import { TIMESTAMP_BYTES } from '../material.ts'

const MEMBER = 'SignedRFC3161Timestamp'

/** The response in base64, and one member around it with a few blanks. */
const LIMITS: JsonLimits = { bytes: Math.ceil(TIMESTAMP_BYTES / 3) * 4 + 256, depth: 1, values: 16 }

/** The response in DER, not yet decoded; throws an InputError, a LimitError where it is too long. */
export function decodeLegacyTimestamp(annotation: string): Uint8Array {
  const what = 'the timestamp annotation'
  const json = asClosedObject(parseUntrustedJson(Buffer.from(annotation), LIMITS), what, [MEMBER])
  return decodeBase64(asString(json[MEMBER], `${MEMBER} in ${what}`), `${MEMBER} in ${what}`, TIMESTAMP_BYTES)
}
