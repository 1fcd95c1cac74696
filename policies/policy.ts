/** The one form every dialect compiles to: what images it speaks of, and a tree of what it requires of them. */
import type { KeySignatureDemand } from '#core/domain/demand.ts'
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

/** What must hold of an image. A branch with nothing in it is never satisfied. */
export type Requirement =
  | { readonly kind: 'all-of'; readonly of: readonly Requirement[] }
  | { readonly kind: 'any-of'; readonly of: readonly Requirement[] }
  | { readonly kind: 'signed-by'; readonly authority: string; readonly demand: KeySignatureDemand }
  /** Never satisfied: its policy is not valid, and the detail says why. */
  | { readonly kind: 'invalid'; readonly detail: string }
  | { readonly kind: 'static'; readonly authority: string; readonly action: 'pass' | 'fail'; readonly message: string }
