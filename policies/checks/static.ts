/** The leaf that asks nothing of the image: the policy itself lets it pass or forbids it. */
import { refusal } from '#core/domain/refusal.ts'
import type { Answer } from '../answer.ts'
import { complaint } from '../answer.ts'
import type { Requirement } from '../policy.ts'

export type Static = Extract<Requirement, { readonly kind: 'static' }>

/**
 * Judges by the policy's word alone. `isNamed`: the policy matches the image's name as it stands. Where it does not, the
 * image has a tag that may or may not point at what the policy means, and neither pass nor fail can be said of it.
 */
export function judgeStatic(leaf: Static, isNamed: boolean): Answer {
  if (!isNamed)
    return complaint(
      leaf.authority,
      refusal('image.not-pinned', 'whether the policy speaks of it depends on its digest'),
    )
  if (leaf.action === 'pass') return { kind: 'satisfied', proofs: [] }
  return complaint(
    leaf.authority,
    refusal('policy.static-deny', leaf.message === '' ? 'no reason is given' : leaf.message),
  )
}
