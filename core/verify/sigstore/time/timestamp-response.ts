/** What a timestamp authority answers (TimeStampResp; RFC 3161, section 2.4.2), decoded whole; nothing of it has been verified. */
import { InputError } from '#core/domain/input-error.ts'
import { LimitError } from '#core/json/limit-error.ts'
import { decodeDer, integerOf, Parts, TAG } from '#core/verify/der.ts'
import { TIMESTAMP_BYTES } from '../material.ts'
import { decodeSignedData, type SignedData } from './signed-data.ts'
import { decodeSigningCertificates, type NamedCertificate } from './signing-certificate.ts'
import { decodeTstInfo, type TstInfo } from './tst-info.ts'

export type Timestamp = SignedData & {
  readonly info: TstInfo
  /** What the signer says of its certificate; there may be nothing. */
  readonly named: readonly NamedCertificate[]
}

const WHAT = 'the timestamp response'

/** Granted, and granted with changes to what was asked, which for a bare hash come to the same. */
const GRANTED: readonly bigint[] = [0n, 1n]

/** Decodes a response with nothing behind it; throws an InputError, a LimitError where there is too much. */
export function decodeTimestamp(response: Uint8Array): Timestamp {
  if (response.length > TIMESTAMP_BYTES)
    throw new LimitError(`expected at most ${TIMESTAMP_BYTES} bytes of ${WHAT}, got ${response.length}`)
  const parts = new Parts(decodeDer(response, WHAT, TAG.sequence), WHAT)
  const status = new Parts(parts.take('the status', TAG.sequence), `the status of ${WHAT}`)
  const code = integerOf(status.take('the code'), `the status of ${WHAT}`)
  if (!GRANTED.includes(code)) throw new InputError(`expected a timestamp that was granted, got status ${code}`)
  // Words for people. A reason for failure may not follow where there was none.
  status.takeIf(TAG.sequence)
  status.end()
  const signed = decodeSignedData(parts.take('the token', TAG.sequence))
  parts.end()
  return { ...signed, info: decodeTstInfo(signed.content), named: decodeSigningCertificates(signed.signer) }
}
