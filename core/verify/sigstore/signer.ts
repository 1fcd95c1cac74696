/** The question of who made a signature, and what answers it. */
import type { Demand } from '#core/domain/demand.ts'
import type { Identity } from '#core/domain/identity.ts'
import type { TrustRoots } from '#core/domain/trust-root.ts'
import type { Signing } from './key.ts'
import type { Material } from './material.ts'

/** The part of a demand that does not depend on what is signed. */
export type SignerQuestion = Pick<Demand, 'by' | 'log' | 'timestamp'>

/** A signature and what comes along with it, none of it verified. */
export type SignedThing = {
  readonly signing: Signing
  readonly material: Material
  /** What a timestamp is over, where that is not the signature. */
  readonly stamped?: Uint8Array
}

/** What is believed, and what time it is. Every trust root that a question names must be among `trust`. */
export type World = { readonly trust: TrustRoots; readonly now: Date }

/** Somebody believed has seen a signature at this moment. */
export type Sighting = {
  /** In milliseconds since 1970. */
  readonly at: number
  readonly by: 'log' | 'timestamp authority'
  /** The base URL of the log, or what the trust root calls the authority. */
  readonly name: string
}

export type ProvenSigner = {
  readonly kind: 'signer'
  readonly identity: Identity
  /** What the trust root calls the authority that has certified the identity; undefined for a key. */
  readonly authority: string | undefined
  /** Ids of the logs, among those asked for, that are proven to hold the signature. */
  readonly logs: readonly string[]
  /** The earliest proven moment at which it existed, in milliseconds since 1970. */
  readonly signedAt: number | undefined
  /** Who says so of that and of later moments, the earliest first. */
  readonly sightings: readonly Sighting[]
  /** Until when all of this holds, where nobody witnessed when it was signed, in milliseconds since 1970. */
  readonly until: number | undefined
}
