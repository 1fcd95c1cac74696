/** Walks the tree of what a policy requires of one image, and asks the check of each leaf. */
import type { Demand } from '#core/domain/demand.ts'
import type { Finding } from '#core/domain/fact.ts'
import type { ImageRef } from '#core/domain/image-ref.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { Answer } from './answer.ts'
import { allOf, anyOf, atLeast, complaint } from './answer.ts'
import { judgeProven } from './checks/proven.ts'
import { judgeStatic } from './checks/static.ts'
import type { Proven, Requirement } from './policy.ts'

/** What is known of the image that a policy speaks of. */
export type Known = {
  readonly image: ImageRef
  /** Whether the policy matches the image's name as it stands, or only what its tag may point at. */
  readonly isNamed: boolean
  /** What was found for this demand on this image. One is expected; all of several must agree. */
  readonly findings: (demand: Demand) => readonly Finding[]
}

export function judgeRequirement(requirement: Requirement, known: Known): Answer {
  switch (requirement.kind) {
    case 'all-of':
      return allOf(requirement.of.map(branch => judgeRequirement(branch, known)))
    case 'any-of':
      return anyOf(requirement.of.map(branch => judgeRequirement(branch, known)))
    case 'at-least': {
      const answers = requirement.of.map(leaf => judgeLeaf(leaf, known))
      return atLeast(requirement.signers, answers)
    }
    case 'proven':
      return judgeLeaf(requirement, known)
    case 'invalid':
      return complaint(undefined, refusal('policy.invalid', requirement.detail))
    case 'static':
      return judgeStatic(requirement, known.isNamed)
    default:
      throw new TypeError(`no check for ${JSON.stringify(requirement satisfies never)}`)
  }
}

function judgeLeaf(leaf: Proven, { image, findings }: Known): Answer {
  const found = findings(leaf.demand)
  if (found.length === 0) return judgeProven(leaf, image, undefined)
  return allOf(found.map(finding => judgeProven(leaf, image, finding)))
}
