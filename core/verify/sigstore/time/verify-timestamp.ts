/** Whether a timestamp authority that is trusted has seen a signature, and when (RFC 3161). */
import { createHash } from 'node:crypto'
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { mostTelling, refusal } from '#core/domain/refusal.ts'
import type { TrustRoot } from '#core/domain/trust-root.ts'
import { LimitError } from '#core/json/limit-error.ts'
import { type Der, expectTag, oidOf, TAG } from '#core/verify/der.ts'
import { quote } from '#core/verify/quote.ts'
import { type DecodedAuthority, decodeAuthorities } from '../certificate/authority.ts'
import { type Certificate, isSame } from '../certificate/certificate.ts'
import { isRelated } from '../certificate/path.ts'
import { TST_INFO } from './signed-data.ts'
import type { SignerName } from './signer-info.ts'
import { namedCertificate } from './signing-certificate.ts'
import { stamperOf } from './stamp-signature.ts'
import { candidatesFor, decodeEmbedded } from './stampers.ts'
import { decodeTimestamp, type Timestamp } from './timestamp-response.ts'
import { verifyStamper } from './verify-stamper.ts'

/** The authority has seen it. */
export type Stamped = {
  readonly kind: 'stamped'
  /** What the trust root calls it. */
  readonly authority: string
  /** In milliseconds since 1970. */
  readonly at: number
}

/**
 * Verifies that the response is about these bytes, and signed with a certificate for which a timestamp authority of the
 * trust root answered at that moment. The signer's certificate is found by what the signer says of it, never by where it
 * lies (CVE-2026-39984).
 */
export function verifyTimestamp(response: Uint8Array, signature: Uint8Array, trust: TrustRoot): Stamped | Refusal {
  try {
    const timestamp = decodeTimestamp(response)
    refuseOther(timestamp, signature)
    return verifySigner(timestamp, trust)
  } catch (error) {
    if (error instanceof LimitError) return refusal('limit.exceeded', error.message)
    if (error instanceof InputError) return refusal('time.invalid', error.message)
    throw error
  }
}

const ATTRIBUTE = { contentType: '1.2.840.113549.1.9.3', messageDigest: '1.2.840.113549.1.9.4' } as const

/** The chain from these bytes to what is signed: imprint, content, digest of the content. Throws an InputError where it is broken. */
function refuseOther({ info, content, signer }: Timestamp, signature: Uint8Array): void {
  const { hash, value } = info.imprint
  if (!isSame(createHash(hash).update(signature).digest(), value))
    throw new InputError('expected a timestamp of this signature, got one of something else')
  const type = oidOf(only(signer.attributes.get(ATTRIBUTE.contentType)), 'the signed type of the content')
  if (type !== TST_INFO) throw new InputError(`expected the content to be signed as ${TST_INFO}, got ${type}`)
  const what = 'the signed digest of the content'
  const digest = expectTag(only(signer.attributes.get(ATTRIBUTE.messageDigest)), TAG.octetString, what)
  if (!isSame(createHash(signer.digest).update(content).digest(), digest.content))
    throw new InputError('expected the timestamp to hold what was signed, got other content')
}

/** RFC 5652, section 11: these two have one value. */
function only(values: readonly Der[] | undefined): Der | undefined {
  return values?.length === 1 ? values[0] : undefined
}

function verifySigner(timestamp: Timestamp, trust: TrustRoot): Stamped | Refusal {
  const { signer, named, certificates } = timestamp
  const authorities = authoritiesOf(trust)
  if (authorities.kind === 'refusal') return authorities
  const embedded = decodeEmbedded(certificates)
  const meant = candidatesFor(signer.name, embedded, authorities.decoded)
  const candidates = meant.filter(one => named.every(name => namedCertificate(one, name) !== undefined))
  if (meant.length > 0 && candidates.length === 0)
    throw new InputError('expected the timestamp to name the certificate of its signer, got the name of another')
  return (
    verifyAmong(candidates, timestamp, { embedded, authorities: authorities.decoded }) ?? stranger(signer.name, trust)
  )
}

type Around = { readonly embedded: readonly Certificate[]; readonly authorities: readonly DecodedAuthority[] }

/** Undefined where none of the candidates can be said to have made it. */
function verifyAmong(
  candidates: readonly Certificate[],
  { info, signer }: Timestamp,
  { embedded, authorities }: Around,
): Stamped | Refusal | undefined {
  const verifyAll = (stampers: readonly Certificate[]) =>
    stampers.map(one => verifyStamper(one, embedded, authorities, info.at))
  // Before its key is used: whoever made the timestamp chose what came along, and a key may cost as much as it likes.
  const known = candidates.filter(one => authorities.some(authority => isRelated(one, embedded, authority)))
  if (known.length === 0) return tellingOf(verifyAll(candidates))
  const stampers = known.filter(one => stamperOf(signer, one) !== undefined)
  // Whose it is when it is none of theirs, only a key could tell that is nobody's.
  if (stampers.length === 0 && known.length < candidates.length) return undefined
  if (stampers.length === 0)
    throw new InputError('expected the signature of the timestamp to verify, got one that does not')
  const answers = verifyAll(stampers)
  const found = answers.find(answer => answer.kind === 'stamper')
  return found === undefined ? tellingOf(answers) : { kind: 'stamped', authority: found.authority, at: info.at }
}

function tellingOf(answers: readonly ReturnType<typeof verifyStamper>[]): Refusal | undefined {
  return mostTelling(answers.filter(answer => answer.kind === 'refusal'))
}

type Authorities = { readonly kind: 'authorities'; readonly decoded: readonly DecodedAuthority[] }

/** What a trust root was loaded with, OpenSSL can read; what we cannot, nobody is trusted by. */
function authoritiesOf({ timestampAuthorities }: TrustRoot): Authorities | Refusal {
  try {
    return { kind: 'authorities', decoded: decodeAuthorities(timestampAuthorities) }
  } catch (error) {
    if (error instanceof InputError) return refusal('time.untrusted', error.message)
    throw error
  }
}

function stranger(name: SignerName, { name: root }: TrustRoot): Refusal {
  const got = name.kind === 'number' ? `the number ${name.serial}` : `the key ${Buffer.from(name.id).toString('hex')}`
  return refusal(
    'time.untrusted',
    `expected a timestamp by an authority of the trust root ${quote(root)}, got one by a certificate with ${got}`,
  )
}
