/** Judges one image of a workload by all the policies that speak of it: every one of them must be satisfied. */
import type { Demand } from '#core/domain/demand.ts'
import type { Finding } from '#core/domain/fact.ts'
import type { ImageRef } from '#core/domain/image-ref.ts'
import { nameOf } from '#core/domain/image-ref.ts'
import type { ImageUse } from '#core/domain/image-use.ts'
import type { Proof } from '#core/domain/proof.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { Objection, Warning } from '#core/domain/verdict.ts'
import { isNameMatched } from './image-glob.ts'
import { judgeRequirement } from './judge-requirement.ts'
import type { Spoken } from './objections.ts'
import { objectionsOf } from './objections.ts'
import type { Policy } from './policy.ts'
import { policiesFor } from './select.ts'

/** What becomes of an image that no policy speaks of. */
export type NoMatch = 'deny' | 'warn' | 'allow'

export type JudgedImage = {
  /** The policies that speak of it; undefined when it could not be asked, because the reference cannot be read. */
  readonly policies: readonly string[] | undefined
  readonly objections: readonly Objection[]
  readonly warnings: readonly Warning[]
  readonly proofs: readonly Proof[]
}

/** Judges one use of an image. `findings` is what was found out about this very use. */
export function judgeImage(
  policies: readonly Policy[],
  noMatch: NoMatch,
  use: ImageUse,
  findings: (demand: Demand) => readonly Finding[],
): JudgedImage {
  const image = use.ref
  // No policy can have been asked about something that is no image; so none, and no setting, can let it pass.
  if (image.kind === 'refusal')
    return { policies: undefined, objections: [objection(use, image)], warnings: [], proofs: [] }
  const matching = policiesFor(policies, image)
  if (matching.length === 0) return judgeUnmatched(noMatch, use, image)
  const answers = matching.map(policy => {
    const isNamed = policy.images.some(glob => isNameMatched(glob, image))
    return { policy, answer: judgeRequirement(policy.requires, { image, isNamed, findings }) }
  })
  const spoken = (mode: Policy['mode']): readonly Spoken[] =>
    answers.flatMap(({ policy, answer }) =>
      answer.kind === 'satisfied' || policy.mode !== mode
        ? []
        : [{ policy: policy.name, complaints: answer.complaints }],
    )
  return {
    policies: matching.map(policy => policy.name),
    objections: objectionsOf(use, spoken('enforce')),
    warnings: objectionsOf(use, spoken('warn')),
    proofs: answers.flatMap(({ answer }) => (answer.kind === 'satisfied' ? answer.proofs : [])),
  }
}

function judgeUnmatched(noMatch: NoMatch, use: ImageUse, image: ImageRef): JudgedImage {
  const because = refusal('policy.none-matched', `no policy matches ${nameOf(image)}`)
  const unmatched = { policies: [], objections: [], warnings: [], proofs: [] }
  if (noMatch === 'allow') return unmatched
  if (noMatch === 'warn') return { ...unmatched, warnings: [objection(use, because)] }
  return { ...unmatched, objections: [objection(use, because)] }
}

function objection(use: ImageUse, because: Objection['because']): Objection {
  return { because, where: use.where, image: use.text, policies: [] }
}
