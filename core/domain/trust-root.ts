/** Whom certificates, logs and timestamps are believed of, as Sigstore writes it down (protobuf-specs, sigstore_trustroot.proto). */
import type { PublicKey } from './public-key.ts'

/** A stretch of time, both ends included, in milliseconds since 1970; an end that is left out is open. */
export type Validity = { readonly from: number | undefined; readonly until: number | undefined }

/** An authority that issues certificates: of signers (Fulcio), or of timestamps (RFC 3161). */
export type CertificateAuthority = {
  /** What messages call it. */
  readonly name: string
  /** Its certificates in DER, base64, from the one that issues (or stamps) to the root. Parsed when they are used. */
  readonly chain: readonly string[]
  /** When it was in use; outside of this, what it issued is nobody's. */
  readonly validFor: Validity
}

/** A log of signatures (Rekor), or of certificates (RFC 6962). */
export type TransparencyLog = {
  /** `https://rekor.sigstore.dev`; its host is the origin that a checkpoint of the log must name. */
  readonly baseUrl: string
  /** What entries and SCTs call it: 32 bytes, as 64 hex digits. */
  readonly id: string
  /** What the signatures of its checkpoints start with: 4 bytes, as 8 hex digits. */
  readonly keyHint: string
  readonly key: PublicKey
  readonly validFor: Validity
}

/** Plain data, so that it can be handed to another thread as it is. */
export type TrustRoot = {
  /** What policies call it. */
  readonly name: string
  /** SHA-256 of what it was read from, 64 hex digits: what was proven under another version is not proven under this one. */
  readonly version: string
  readonly authorities: readonly CertificateAuthority[]
  readonly timestampAuthorities: readonly CertificateAuthority[]
  readonly logs: readonly TransparencyLog[]
  readonly certificateLogs: readonly TransparencyLog[]
}

/** All that are loaded, by name. Never changed: a new one takes its place. */
export type TrustRoots = ReadonlyMap<string, TrustRoot>

/** The one that is meant where a policy names none. */
export const DEFAULT_TRUST_ROOT = 'default'

/** When the first of their authorities and logs that are in use at `now` ends, both in milliseconds since 1970; undefined where none has an end. */
export function firstEnd(roots: TrustRoots, now: number): number | undefined {
  const all = [...roots.values()].flatMap(({ authorities, timestampAuthorities, logs, certificateLogs }) => [
    ...authorities,
    ...timestampAuthorities,
    ...logs,
    ...certificateLogs,
  ])
  const ends = all.flatMap(({ validFor }) => (isWithin(validFor, now) ? (validFor.until ?? []) : []))
  return ends.length === 0 ? undefined : Math.min(...ends)
}

/** Whether the moment (milliseconds since 1970) lies within, the ends included. */
export function isWithin({ from, until }: Validity, at: number): boolean {
  return (from === undefined || at >= from) && (until === undefined || at <= until)
}
