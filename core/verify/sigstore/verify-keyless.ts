/** Signatures by whoever held a certificate of a trusted authority when somebody believed saw the signature. */
import type { KeylessSigner } from '#core/domain/demand.ts'
import type { CertificateIdentity, IdentityPattern, TextPattern } from '#core/domain/identity.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { PublicKey } from '#core/domain/public-key.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { mostTelling, refusal } from '#core/domain/refusal.ts'
import type { TrustRoot } from '#core/domain/trust-root.ts'
import { quote } from '#core/verify/quote.ts'
import { type Certificate, decodeCertificate } from './certificate/certificate.ts'
import { matchIdentity } from './certificate/match-identity.ts'
import { type Certified, recognise, verifyCertificate } from './certificate/verify-certificate.ts'
import { hashesOf, refuseTooFewDigests, type Signing, signerOf } from './key.ts'
import type { ProvenSigner, SignedThing, SignerQuestion, World } from './signer.ts'
import { verifyWitnesses, type Witnesses } from './verify-witnesses.ts'

type KeylessQuestion = SignerQuestion & { readonly by: KeylessSigner }

/**
 * The signature by the certificate's key, so that nothing is said of one that has not made it; whom an authority says the
 * certificate is of, so that strangers cost little; what witnesses the signature; the certificate at every moment that is
 * witnessed.
 */
export function verifyKeyless(thing: SignedThing, question: KeylessQuestion, world: World): ProvenSigner | Refusal {
  const { by, log, timestamp } = question
  const { certificate, chain } = thing.material
  if (certificate === undefined)
    return refusal(
      'signature.wrong-identity',
      `expected ${expectedOf(by.identities)}, got a signature without a certificate`,
    )
  const leaf = decodeLeaf(certificate)
  if (leaf.kind === 'refusal') return leaf
  const { key } = leaf.certificate
  const unsigned = whyUnsigned(thing.signing, key)
  if (unsigned !== undefined) return unsigned
  const root = world.trust.get(by.trustRoot)
  if (root === undefined) throw new TypeError(`the trust root ${JSON.stringify(by.trustRoot)} is not there: ask before`)
  const strange = whyStrange({ certificate, chain }, by, root)
  if (strange !== undefined) return strange
  const witnessed = verifyWitnesses(thing, { log, timestamp, believed: [by.trustRoot], key }, world)
  if (witnessed.kind === 'refusal') return witnessed
  const times = momentsOf(witnessed.times, question, world)
  if (times === undefined) return mostTelling(witnessed.doubts) ?? UNDATED
  const certified = verifyCertificate({ certificate, chain }, times, root, by.sct)
  return certified.kind === 'refusal' ? certified : signerOfCertificate(certified, witnessed)
}

/** Nobody whom an authority knows, or not who is asked for. */
function whyStrange(
  offered: Parameters<typeof recognise>[0],
  { identities }: KeylessSigner,
  root: TrustRoot,
): Refusal | undefined {
  const recognised = recognise(offered, root)
  if (recognised.kind === 'refusal') return recognised
  const { identity } = recognised
  return matchIdentity(identities, identity) === undefined ? stranger(identities, identity) : undefined
}

/** Where nobody has witnessed when it was signed, it holds as long as the certificate and all above it. */
function signerOfCertificate(
  { identity, authority, until }: Certified,
  { logs, sightings, times }: Witnesses,
): ProvenSigner {
  const [signedAt] = times
  return {
    kind: 'signer',
    identity,
    authority,
    logs,
    signedAt,
    sightings,
    until: signedAt === undefined ? until : undefined,
  }
}

/** The key of a certificate may sign over any of the hashes that go with it. */
function whyUnsigned(signing: Signing, key: PublicKey): Refusal | undefined {
  const hashes = hashesOf(key)
  if (hashes.some(hash => signerOf(signing, { key, hash }) !== undefined)) return undefined
  refuseTooFewDigests(signing, key, hashes)
  const expected = 'expected a signature by the certificate that comes with it'
  return refusal('signature.invalid', `${expected}, got one that does not verify`)
}

/** A log entry without a promise says that, and not when: Rekor's second version leaves the time to an authority for it. */
const UNDATED = refusal(
  'time.missing',
  'expected a promise of the log or a timestamp (RFC 3161) that says when the certificate was used, got neither',
)

/**
 * When the certificate must have been valid. Where a witness is asked for, only what witnesses say counts. Where none is,
 * a certificate without a date counts while it lives.
 */
function momentsOf(
  times: readonly number[],
  { log, timestamp }: KeylessQuestion,
  { now }: World,
): readonly number[] | undefined {
  if (times.length > 0) return times
  return log === undefined && timestamp === undefined ? [now.getTime()] : undefined
}

function decodeLeaf(der: Uint8Array): { readonly kind: 'leaf'; readonly certificate: Certificate } | Refusal {
  try {
    return { kind: 'leaf', certificate: decodeCertificate(der) }
  } catch (error) {
    if (error instanceof InputError) return refusal('certificate.invalid', error.message)
    throw error
  }
}

function stranger(identities: readonly IdentityPattern[], { subjects, issuer }: CertificateIdentity): Refusal {
  const got = `${subjects.map(quote).join(', ')} vouched for by ${quote(issuer)}`
  return refusal('signature.wrong-identity', `expected ${expectedOf(identities)}, got ${got}`)
}

/** Named in full as far as a reader can bear it. */
const MOST_NAMED = 3

function expectedOf(identities: readonly IdentityPattern[]): string {
  const named = identities
    .slice(0, MOST_NAMED)
    .map(({ subject, issuer }) => `${inWords(subject)} vouched for by ${inWords(issuer)}`)
  const more = identities.length > MOST_NAMED ? [`${identities.length - MOST_NAMED} more`] : []
  return [...named, ...more].join(', or ')
}

function inWords({ kind, text }: TextPattern): string {
  return kind === 'exactly' ? quote(text) : `${kind} ${quote(text)}`
}
