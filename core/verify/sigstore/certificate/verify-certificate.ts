/** Who held a signer's certificate when it was used, as far as the authorities and certificate logs of a trust root say so. */
import type { CertificateIdentity } from '#core/domain/identity.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { PublicKey } from '#core/domain/public-key.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { mostTelling, refusal } from '#core/domain/refusal.ts'
import type { TrustRoot } from '#core/domain/trust-root.ts'
import { LimitError } from '#core/json/limit-error.ts'
import type { Material } from '../material.ts'
import { MOST_CERTIFICATES } from '../material.ts'
import { type DecodedAuthority, decodeAuthorities } from './authority.ts'
import { type Certificate, decodeCertificate, isSame } from './certificate.ts'
import { identityOf } from './identity.ts'
import { isRelated, type Path, verifyPath } from './path.ts'
import { verifyScts } from './sct.ts'
import { PURPOSE } from './usage.ts'
import { listed, nameOf } from './words.ts'

/** Somebody whom an authority of the trust root knew when the certificate was used. */
export type Certified = {
  readonly kind: 'certified'
  readonly identity: CertificateIdentity
  readonly key: PublicKey
  /** The name of the authority. */
  readonly authority: string
  /** When the first of the path, or the authority, goes out of use, in milliseconds since 1970. */
  readonly until: number
}

/** Both in DER, and nothing of them believed. */
type Offered = { readonly certificate: Uint8Array; readonly chain: Material['chain'] }

/** Whom a certificate names, and that an authority of the trust root signed it at some time; whether it was valid is not said. */
export type Recognised = { readonly kind: 'recognised'; readonly identity: CertificateIdentity }

/**
 * Tells strangers, cheaply: anyone can make a certificate, and most authorities give one to anyone. Only whoever is asked
 * for is worth what it costs to look at all the entries and timestamps that came along.
 */
export function recognise(offered: Offered, trust: TrustRoot): Recognised | Refusal {
  const authorities = decodeAuthorities(trust.authorities)
  const signer = attempt(() => decodeSigner(offered.certificate))
  if ('code' in signer) return signer
  const { leaf, identity } = signer
  const { certificates } = decodeChain(offered.chain, authorities)
  if (authorities.some(authority => isRelated(leaf, certificates, authority))) return { kind: 'recognised', identity }
  const refused = verifyCertificate(offered, [leaf.validity.from], trust, 'ignored')
  if (refused.kind !== 'refusal') throw new TypeError('expected no path where no signature leads')
  return refused
}

/**
 * Verifies the certificate at every one of `times` (milliseconds since 1970, proven by whoever calls; never empty): that
 * it is for signing code, that an authority answers for it, and that a certificate log was told of it unless that is to be
 * ignored. The answer is the same whatever the order of authorities, chain and times.
 */
export function verifyCertificate(
  { certificate, chain }: Offered,
  times: readonly number[],
  trust: TrustRoot,
  sct: 'required' | 'ignored',
): Certified | Refusal {
  if (times.length === 0) throw new TypeError('expected at least one moment at which the certificate was used')
  if (chain.length > MOST_CERTIFICATES)
    return refusal(
      'limit.exceeded',
      `expected at most ${MOST_CERTIFICATES} certificates beside the signer's, got ${chain.length}`,
    )
  const authorities = decodeAuthorities(trust.authorities)
  const signer = attempt(() => decodeSigner(certificate))
  if ('code' in signer) return signer
  const { leaf, identity } = signer
  const purpose = complaintAboutPurpose(leaf)
  if (purpose !== undefined) return purpose
  const offered = decodeChain(chain, authorities)
  const moments = times.toSorted((a, b) => a - b)
  // An authority that never knew the certificate is heard where no other did.
  const related = authorities.filter(authority => isRelated(leaf, offered.certificates, authority))
  const answers = (related.length > 0 ? related : authorities).map(authority =>
    verifyPaths(leaf, offered.certificates, authority, moments),
  )
  const paths = answers.filter(answer => answer.kind === 'path')
  if (paths.length === 0) return tellingOf(answers, offered.refusals)
  const path = sct === 'required' ? verifyPromise(leaf, paths, trust) : paths[0]
  if (path === undefined) throw new TypeError('a path that was found is gone')
  if (path.kind === 'refusal') return path
  const until = endOf(path.certificates, authorities, path.authority)
  return { kind: 'certified', identity, key: leaf.key, authority: path.authority, until }
}

/** Of several authorities of one name the earliest end is taken: too short a life harms nobody. */
function endOf(path: readonly Certificate[], authorities: readonly DecodedAuthority[], name: string): number {
  const named = authorities.filter(authority => authority.name === name)
  const ends = [...path.map(({ validity }) => validity.until), ...named.map(({ validFor }) => validFor.until)]
  return Math.min(...ends.filter(end => end !== undefined))
}

const NOBODY = refusal(
  'certificate.untrusted',
  'expected a certificate of a trusted authority, but the trust root names none',
)

function decodeSigner(der: Uint8Array): { readonly leaf: Certificate; readonly identity: CertificateIdentity } {
  const leaf = decodeCertificate(der)
  return { leaf, identity: identityOf(leaf) }
}

/** Hostile bytes are a refusal, not an error of whoever called us; whatever else is thrown is our bug and stays one. */
function attempt<T>(decode: () => T): T | Refusal {
  try {
    return decode()
  } catch (error) {
    if (error instanceof LimitError) return refusal('limit.exceeded', error.message)
    if (error instanceof InputError) return refusal('certificate.invalid', error.message)
    throw error
  }
}

/** Any purpose is not this one: a certificate for a web server is often for anything. */
function complaintAboutPurpose(leaf: Certificate): Refusal | undefined {
  const { isCa, keyUsage, extendedKeyUsage } = leaf
  const expected = `expected ${nameOf(leaf)} to be for signing code`
  if (isCa) return refusal('certificate.not-for-signing', `${expected}, got an authority's`)
  if (keyUsage?.has('digitalSignature') !== true)
    return refusal(
      'certificate.not-for-signing',
      `${expected}, got key usage ${[...(keyUsage ?? ['none'])].join(', ')}`,
    )
  if (extendedKeyUsage?.includes(PURPOSE.codeSigning) !== true)
    return refusal(
      'certificate.not-for-signing',
      `${expected} (${PURPOSE.codeSigning}), got purpose ${listed(extendedKeyUsage ?? ['none'])}`,
    )
  return undefined
}

type Chain = { readonly certificates: readonly Certificate[]; readonly refusals: readonly Refusal[] }

/**
 * What came along can only help: what of it cannot be read is told if there is no path without it. What the trust root
 * has is not decoded again; cosign sends all of it with each signature.
 */
function decodeChain(chain: readonly Uint8Array[], authorities: readonly DecodedAuthority[]): Chain {
  const trusted = authorities.flatMap(({ certificates }) => certificates)
  const decoded = chain
    .filter(der => !trusted.some(one => isSame(one.der, der)))
    .map(der => attempt(() => decodeCertificate(der)))
  return {
    certificates: decoded.flatMap(one => ('code' in one ? [] : [one])),
    refusals: decoded.flatMap(one => ('code' in one ? [refusal(one.code, `in the chain: ${one.detail}`)] : [])),
  }
}

/** One authority must answer for it at every moment; half of the time by one and half by another is by none. The path is that of the first. */
function verifyPaths(
  leaf: Certificate,
  untrusted: readonly Certificate[],
  authority: DecodedAuthority,
  moments: readonly number[],
): Path | Refusal {
  const answers = moments.map(at => verifyPath(leaf, untrusted, authority, at))
  const [path] = answers.filter(answer => answer.kind === 'path')
  const answer = mostTelling(answers.filter(answer => answer.kind === 'refusal')) ?? path
  if (answer === undefined) throw new TypeError('expected an answer for each moment')
  return answer
}

/** The first of the paths whose issuer is the one that a log was told of. */
function verifyPromise(
  leaf: Certificate,
  paths: readonly Path[],
  { certificateLogs }: TrustRoot,
): Path | Refusal | undefined {
  const refusals: Refusal[] = []
  for (const path of paths) {
    const [, issuer = leaf] = path.certificates
    const promised = verifyScts(leaf, issuer, certificateLogs)
    if (promised.kind === 'promised') return path
    refusals.push(promised)
  }
  return mostTelling(refusals)
}

/** Only where something is missing on the way does it matter what of the chain could not be read. */
function tellingOf(answers: readonly (Path | Refusal)[], unread: readonly Refusal[]): Refusal {
  const refused = mostTelling(answers.filter(answer => answer.kind === 'refusal')) ?? NOBODY
  return (refused.code === 'certificate.untrusted' ? mostTelling(unread) : undefined) ?? refused
}
