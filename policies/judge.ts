/** Turns what was found out about a workload into the verdict: certain refusals first, then silence, then what was proven. */
import type { Demand } from '#core/domain/demand.ts'
import { demandKey } from '#core/domain/demand.ts'
import type { Fact, Finding } from '#core/domain/fact.ts'
import { identityName } from '#core/domain/identity.ts'
import type { Proof } from '#core/domain/proof.ts'
import { silence } from '#core/domain/refusal.ts'
import type { Objection, Verdict } from '#core/domain/verdict.ts'
import type { Workload } from '#core/domain/workload.ts'
import type { JudgedImage, NoMatch } from './judge-image.ts'
import { judgeImage } from './judge-image.ts'
import type { Policy } from './policy.ts'

export type JudgeSettings = { readonly noMatch: NoMatch }

/**
 * Judges a workload. The order of policies, authorities and facts makes no difference; objections come in the order of
 * the images. Nothing is allowed for want of something to look at.
 */
export function judge(
  policies: readonly Policy[],
  settings: JudgeSettings,
  workload: Workload,
  facts: readonly Fact[],
): Verdict {
  const byPlace = Map.groupBy(facts, fact => fact.use.where)
  const images = workload.images.map(use => {
    const here = byPlace.get(use.where) ?? []
    const findings = (demand: Demand): readonly Finding[] =>
      here.filter(fact => isSame(fact.demand, demand)).map(fact => fact.found)
    return { where: use.where, ...judgeImage(policies, settings.noMatch, use, findings) }
  })
  const judged = {
    policies: [...new Set(images.flatMap(image => image.policies ?? []))].toSorted(),
    warnings: images.flatMap(image => image.warnings),
    unmatched: images.filter(image => image.policies?.length === 0).map(image => image.where),
  }
  const objections = images.length === 0 ? [NOTHING_TO_JUDGE] : images.flatMap(image => image.objections)
  const refused = objections.filter(({ because }) => because.kind === 'refusal')
  const silent = objections.filter(({ because }) => because.kind === 'silence')
  if (refused.length > 0) return { ...judged, outcome: 'deny', objections: [...refused, ...silent] }
  if (silent.length > 0) return { ...judged, outcome: 'undecided', objections: silent }
  return { ...judged, outcome: 'allow', passed: undefined, proofs: distinctProofs(images) }
}

/** The plan lets objects without images pass before anyone judges: to be asked about none is a fault of ours. */
const NOTHING_TO_JUDGE: Objection = {
  because: silence('internal.error', 'the workload has no image to judge'),
  where: '',
  image: '',
  policies: [],
}

/** A finding counts for the place and the demand it was found for. */
function isSame(one: Demand, other: Demand): boolean {
  return one === other || demandKey(one) === demandKey(other)
}

function distinctProofs(images: readonly JudgedImage[]): readonly Proof[] {
  const proofs = images.flatMap(image => image.proofs)
  const distinct = new Map(proofs.map(proof => [nameOfProof(proof), proof]))
  return [...distinct].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, proof]) => proof)
}

/** One signature that answers two demands proves two things: that it is logged, say, besides that it was made. */
function nameOfProof({ digest, signer, source, answers }: Proof): string {
  return [digest, identityName(signer), source, answers].join(' ')
}
