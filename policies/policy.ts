/** The one form every dialect compiles to: what images it speaks of, and a tree of what it requires of them. */
import type { Demand } from '#core/domain/demand.ts'
import type { ImageGlob } from './image-glob.ts'

export type Policy = {
  readonly name: string
  /** Where it came from, for messages: `policies/release.yaml, document 2`. */
  readonly source: string
  /** `warn`: what it would refuse is admitted with a warning. */
  readonly mode: 'enforce' | 'warn'
  /** The images it speaks of: any of these globs on the normalised name. */
  readonly images: readonly ImageGlob[]
  readonly requires: Requirement
}

/** The leaf that spends a proof: what the authority wants proven of the image, a signature or an attestation. */
export type Proven = { readonly kind: 'proven'; readonly authority: string; readonly demand: Demand }

/** What must hold of an image. A branch with nothing in it is never satisfied. */
export type Requirement =
  | { readonly kind: 'all-of'; readonly of: readonly Requirement[] }
  | { readonly kind: 'any-of'; readonly of: readonly Requirement[] }
  /** By so many distinct signers. Of leaves only: each has one proof, and so one signer to be counted. */
  | { readonly kind: 'at-least'; readonly signers: number; readonly of: readonly Proven[] }
  | Proven
  /** Never satisfied: its policy is not valid, and the detail says why. */
  | { readonly kind: 'invalid'; readonly detail: string }
  | { readonly kind: 'static'; readonly authority: string; readonly action: 'pass' | 'fail'; readonly message: string }
