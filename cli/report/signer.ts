/** Who signed, as far as that is proven, in lines and in JSON. */
import type { CertificateIdentity, Identity } from '#core/domain/identity.ts'

type Fact = readonly [name: string, value: string]

/** What a proven signer is called, each fact with its name; nothing in it is fit for a terminal yet. */
export function signerFacts(identity: Identity): readonly Fact[] {
  if (identity.kind === 'key') return [['signer', `key ${identity.fingerprint}`]]
  const { subjects, issuer } = identity
  return [...subjects.map(subject => ['signer', subject] as const), ['vouched for by', issuer], ...claimFacts(identity)]
}

/** What a certificate says, whoever made it. */
export function certificateFacts(identity: CertificateIdentity): readonly Fact[] {
  const { subjects, issuer } = identity
  return [...subjects.map(subject => ['subject', subject] as const), ['issuer', issuer], ...claimFacts(identity)]
}

function claimFacts({ claims }: CertificateIdentity): readonly Fact[] {
  return Object.entries(claims).map(([name, value]) => [`  ${name}`, value] as const)
}

export type JsonSigner = {
  readonly kind: 'key' | 'certificate'
  /** SHA-256 of the SubjectPublicKeyInfo, hex; null for a certificate. */
  readonly fingerprint: string | null
  /** Empty for a key. */
  readonly subjects: readonly string[]
  /** Null for a key. */
  readonly issuer: string | null
  readonly claims: Readonly<Record<string, string>>
}

export function toJsonSigner(identity: Identity): JsonSigner {
  if (identity.kind === 'key')
    return { kind: 'key', fingerprint: identity.fingerprint, subjects: [], issuer: null, claims: {} }
  const { subjects, issuer, claims } = identity
  return { kind: 'certificate', fingerprint: null, subjects, issuer, claims }
}

/** Milliseconds since 1970, as text; what is no date stays a number. */
export function isoOf(at: number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? `${at}` : date.toISOString()
}
