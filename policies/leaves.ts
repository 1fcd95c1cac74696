/** The leaves of what a policy requires: what is asked of the image itself, whatever is to be made of the answers. */
import type { Requirement } from './policy.ts'

export type Leaf = Extract<Requirement, { readonly kind: 'proven' | 'static' | 'invalid' }>

/** In the order in which they are written. */
export function leavesOf(requirement: Requirement): readonly Leaf[] {
  switch (requirement.kind) {
    case 'all-of':
    case 'any-of':
    case 'at-least':
      return requirement.of.flatMap(leavesOf)
    case 'proven':
    case 'static':
    case 'invalid':
      return [requirement]
    default:
      throw new TypeError(`no leaves in ${JSON.stringify(requirement satisfies never)}`)
  }
}
