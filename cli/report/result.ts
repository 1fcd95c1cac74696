/** What became of one object, in the form both reports are made from, and the exit code that follows from all of them. */
import type { Proof } from '#core/domain/proof.ts'
import type { Objection, PassReason, Verdict, Warning } from '#core/domain/verdict.ts'
import type { Pinning } from '#core/gate/pin.ts'
import type { SourcedObject } from '../read-objects.ts'

/** `skipped`: admitted because there is nothing in it to look at. `invalid`: it does not have the shape of its kind. */
const OUTCOMES = ['admitted', 'refused', 'undecided', 'skipped', 'invalid'] as const
export type Outcome = (typeof OUTCOMES)[number]

export type CheckResult = {
  readonly object: SourcedObject
  readonly outcome: Outcome
  /** Why it was skipped, or what is invalid. */
  readonly reason: string | undefined
  readonly objections: readonly Objection[]
  readonly warnings: readonly Warning[]
  /** Paths of the images that no policy covers. */
  readonly unmatched: readonly string[]
  /** Names of the policies that cover an image of it. */
  readonly policies: readonly string[]
  readonly proofs: readonly Proof[]
  readonly pinning: Pinning
}

export type Summary = { readonly objects: number } & { readonly [O in Outcome]: number }

const NOTHING: Omit<CheckResult, 'object' | 'outcome'> = {
  reason: undefined,
  objections: [],
  warnings: [],
  unmatched: [],
  policies: [],
  proofs: [],
  pinning: { pins: [], unpinned: [] },
}

/** Why an object was admitted without a look, in words; most cannot befall the creations that are asked about here. */
const REASONS: Readonly<Record<PassReason, string>> = {
  delete: 'a deletion',
  connect: 'a connection',
  status: 'a status',
  'images-unchanged': 'its images are unchanged',
  'no-images': 'it names no image',
  'kind-without-images': 'not a kind that Shedu looks into',
}

/** The result of an object that could be judged. */
export function resultOf(object: SourcedObject, verdict: Verdict, pinning: Pinning): CheckResult {
  if (verdict.outcome === 'allow' && verdict.passed !== undefined)
    return { ...NOTHING, object, outcome: 'skipped', reason: REASONS[verdict.passed] }
  const { policies, warnings, unmatched } = verdict
  const judged = { ...NOTHING, object, pinning, policies, warnings, unmatched }
  if (verdict.outcome === 'allow') return { ...judged, outcome: 'admitted', proofs: verdict.proofs }
  const outcome = verdict.outcome === 'deny' ? 'refused' : 'undecided'
  return { ...judged, outcome, objections: verdict.objections }
}

/** The result of an object that could not: the API server would not take it either. */
export function invalidResult(object: SourcedObject, reason: string): CheckResult {
  return { ...NOTHING, object, outcome: 'invalid', reason }
}

/** How many objects met which end. */
export function summaryOf(results: readonly CheckResult[]): Summary {
  const count = (outcome: Outcome) => results.filter(result => result.outcome === outcome).length
  const counts = Object.fromEntries(OUTCOMES.map(outcome => [outcome, count(outcome)]))
  return { objects: results.length, ...counts } as Summary
}

/** 0 only when every object is admitted or has nothing to look at. What the caller must mend first comes first. */
export function exitCodeOf(summary: Summary): 0 | 1 | 2 | 3 {
  if (summary.invalid > 0) return 2
  if (summary.refused > 0) return 1
  return summary.undecided > 0 ? 3 : 0
}
