/** What a certificate log signed: the certificate before the log's promise was written into it (RFC 6962, section 3.2). */
import { contextTag, decodeDer, encodeDer, itemsOf, TAG } from '#core/verify/der.ts'
import { isSame } from './certificate.ts'

/** The identifier of the extension that holds the promises, in DER: 1.3.6.1.4.1.11129.2.4.2. */
const PROMISES = Buffer.from('060a2b06010401d679020402', 'hex')

/**
 * The signed part of a decoded certificate without the promises. All but the lengths around is as it stood there: a log
 * signs bytes, and what is encoded anew may come out otherwise.
 */
export function encodePrecertificate(der: Uint8Array): Uint8Array {
  const [signed] = itemsOf(decodeDer(der, 'the certificate'), 'the certificate')
  const fields = signed === undefined ? [] : itemsOf(signed, 'the certificate')
  return encodeDer(
    TAG.sequence,
    ...fields.map(({ tag, content, bytes }) =>
      tag === contextTag(3, 'constructed') ? encodeDer(tag, withoutPromises(content)) : bytes,
    ),
  )
}

function withoutPromises(extensions: Uint8Array): Uint8Array {
  const kept = itemsOf(decodeDer(extensions, 'the extensions'), 'the extensions').filter(
    ({ content }) => !isSame(content.subarray(0, PROMISES.length), PROMISES),
  )
  return encodeDer(TAG.sequence, ...kept.map(({ bytes }) => bytes))
}
