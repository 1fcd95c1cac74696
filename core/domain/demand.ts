/**
 * What a policy wants known about an image before anyone judges. Demands are gathered, never decided:
 * the same demand of two policies is gathered once, and `demandKey` is what it is called in the cache.
 */
import { createHash } from 'node:crypto'
import type { IdentityPattern } from './identity.ts'
import type { PublicKey } from './public-key.ts'
import type { Validity } from './trust-root.ts'

/** The digest algorithms a policy may ask a key's signatures to be made with. */
export const HASH_ALGORITHMS = ['sha224', 'sha256', 'sha384', 'sha512'] as const
export type HashAlgorithm = (typeof HASH_ALGORITHMS)[number]

/** This key, over this hash; while the key was valid, where that is bounded. */
export type KeySigner = {
  readonly kind: 'key'
  readonly key: PublicKey
  readonly hash: HashAlgorithm
  readonly validFor?: Validity
}

/** Whoever holds a certificate of the trust root with one of these identities. */
export type KeylessSigner = {
  readonly kind: 'keyless'
  readonly trustRoot: string
  /** Never empty: nobody in particular is nobody. */
  readonly identities: readonly IdentityPattern[]
  /** Whether the certificate must be promised to a certificate log of the trust root. */
  readonly sct: 'required' | 'ignored'
}

/** Where a signature lies and how it is written: cosign's tags, or Sigstore bundles that refer to the image. */
export type AskedLayout = 'any' | 'legacy' | 'bundle'

type Asked = {
  readonly by: KeySigner | KeylessSigner
  /** In so many distinct logs of this trust root; the entries of one log count once. */
  readonly log: { readonly trustRoot: string; readonly atLeast: number } | undefined
  /** Stamped by a timestamp authority of this trust root. */
  readonly timestamp: { readonly trustRoot: string } | undefined
  readonly layout: AskedLayout
}

/** The image's digest is signed. */
export type SignatureDemand = Asked & { readonly kind: 'signature' }

/** A statement of this predicate type about the image's digest is signed. */
export type AttestationDemand = Asked & { readonly kind: 'attestation'; readonly predicateType: string }

export type Demand = SignatureDemand | AttestationDemand

const keys = new WeakMap<Demand, string>()

/** One name for all demands that ask the same thing; part of the cache key of what answers them. Holds no space. */
export function demandKey(demand: Demand): string {
  const known = keys.get(demand)
  if (known !== undefined) return known
  const key = `${demand.kind}/${createHash('sha256')
    .update(JSON.stringify(partsOf(demand)))
    .digest('hex')}`
  keys.set(demand, key)
  return key
}

/** The names of the trust roots that an answer rests on. */
export function trustRootsOf({ by, log, timestamp }: Demand): readonly string[] {
  const named = [by.kind === 'keyless' ? by.trustRoot : undefined, log?.trustRoot, timestamp?.trustRoot]
  return [...new Set(named.filter(name => name !== undefined))].toSorted()
}

/** Everything that makes one demand another, in an order of its own: two that are written alike are one. */
function partsOf(demand: Demand): readonly unknown[] {
  const { by, log, timestamp, layout } = demand
  const signer =
    by.kind === 'key'
      ? [by.key.fingerprint, by.hash, by.validFor?.from ?? null, by.validFor?.until ?? null]
      : [
          by.trustRoot,
          by.sct,
          by.identities.map(({ issuer, subject }) => [...partsOfText(issuer), ...partsOfText(subject)]),
        ]
  return [
    demand.kind === 'attestation' ? demand.predicateType : null,
    by.kind,
    signer,
    log === undefined ? null : [log.trustRoot, log.atLeast],
    timestamp === undefined ? null : timestamp.trustRoot,
    layout,
  ]
}

function partsOfText({ kind, text }: IdentityPattern['issuer']): readonly string[] {
  return [kind, text]
}
