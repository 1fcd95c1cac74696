/** The envelope of a timestamp (SignedData; RFC 5652, section 5.1, as RFC 3161, section 2.4.2 narrows it): one content, one signer. */
import { InputError } from '#core/domain/input-error.ts'
import { LimitError } from '#core/json/limit-error.ts'
import { contextTag, type Der, decodeDer, expectTag, integerOf, itemsOf, oidOf, Parts, TAG } from '#core/verify/der.ts'
import { MOST_CERTIFICATES } from '../material.ts'
import { decodeAlgorithm, findHash, type StampHash } from './algorithm.ts'
import { decodeSignerInfo, type SignerInfo } from './signer-info.ts'

export type SignedData = {
  /** The content, in the bytes that were digested. */
  readonly content: Uint8Array
  /** What may be certificates, in DER. Nobody has signed that they are here. */
  readonly certificates: readonly Uint8Array[]
  readonly signer: SignerInfo
}

const SIGNED_DATA = '1.2.840.113549.1.7.2'

/** id-ct-TSTInfo. */
export const TST_INFO = '1.2.840.113549.1.9.16.1.4'

const WHAT = 'the timestamp token'

/** Decodes a token; throws an InputError, a LimitError where there are too many certificates. */
export function decodeSignedData(token: Der): SignedData {
  const parts = new Parts(decodeTyped(token, SIGNED_DATA, TAG.sequence), WHAT)
  // Section 5.1: what the type of the content makes it, with nothing but X.509 certificates beside it.
  if (integerOf(parts.take('the version'), `the version of ${WHAT}`) !== 3n)
    throw new InputError(`expected ${WHAT} to be of version 3`)
  const digests = decodeDigests(parts.take('the digest algorithms', TAG.set))
  const content = decodeTyped(parts.take('the content', TAG.sequence), TST_INFO, TAG.octetString).content
  const certificates = decodeCertificates(parts.takeIf(contextTag(0, 'constructed')))
  // Lists of revoked certificates would stand here. Nobody sends them along, and here they would have to be heeded.
  const signers = itemsOf(parts.take('the signers', TAG.set), `the signers of ${WHAT}`)
  parts.end()
  const signer = decodeOnly(signers)
  if (!digests.includes(signer.digest))
    throw new InputError(`expected the digest algorithms of ${WHAT} to hold that of its signer`)
  return { content, certificates, signer }
}

/** A value under its type (ContentInfo, EncapsulatedContentInfo), which must be this one. */
function decodeTyped(value: Der, expected: string, tag: number): Der {
  const parts = new Parts(expectTag(value, TAG.sequence, WHAT), WHAT)
  const type = oidOf(parts.take('the type'), `the type of ${WHAT}`)
  if (type !== expected) throw new InputError(`expected content of the type ${expected} in ${WHAT}, got ${type}`)
  const { content } = parts.take('the content', contextTag(0, 'constructed'))
  parts.end()
  return decodeDer(content, WHAT, tag)
}

/** Those that are known: whoever reads in one go digests by these before there is a signer to ask. */
function decodeDigests(value: Der): readonly (StampHash | undefined)[] {
  const what = `the digest algorithms of ${WHAT}`
  return itemsOf(value, what).map(item => findHash(decodeAlgorithm(item, what)))
}

function decodeCertificates(value: Der | undefined): readonly Uint8Array[] {
  if (value === undefined) return []
  const certificates = itemsOf(value, `the certificates of ${WHAT}`)
  if (certificates.length > MOST_CERTIFICATES)
    throw new LimitError(`expected at most ${MOST_CERTIFICATES} certificates in ${WHAT}, got ${certificates.length}`)
  return certificates.map(({ bytes }) => bytes)
}

/** RFC 3161, section 2.4.2: no signature but the authority's. */
function decodeOnly(signers: readonly Der[]): SignerInfo {
  const [signer] = signers
  if (signer === undefined || signers.length > 1)
    throw new InputError(`expected one signer of ${WHAT}, got ${signers.length}`)
  return decodeSignerInfo(signer)
}
