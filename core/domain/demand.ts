/**
 * What a policy wants known about an image before anyone judges. Demands are gathered, never decided:
 * the same demand of two policies is gathered once, and `demandKey` is what it is called in the cache.
 */
import type { PublicKey } from './public-key.ts'

/** The digest algorithms a policy may ask a key's signatures to be made with. */
export const HASH_ALGORITHMS = ['sha224', 'sha256', 'sha384', 'sha512'] as const
export type HashAlgorithm = (typeof HASH_ALGORITHMS)[number]

/** The image's digest carries a signature by this key, made over this hash. */
export type KeySignatureDemand = {
  readonly kind: 'key-signature'
  readonly key: PublicKey
  readonly hash: HashAlgorithm
}

export type Demand = KeySignatureDemand

/** One name for all demands that ask the same thing; part of the cache key of what answers them. */
export function demandKey(demand: Demand): string {
  return `${demand.kind}/${demand.key.fingerprint}/${demand.hash}`
}
