/** What there is to say of one image, in the form both reports are made from, and the exit code that follows from it. */
import type { Demand } from '#core/domain/demand.ts'
import { demandKey } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import type { Finding } from '#core/domain/fact.ts'
import type { ImageRef } from '#core/domain/image-ref.ts'
import type { Refusal, Silence } from '#core/domain/refusal.ts'
import type { Exhibit, Explanation } from '#core/gate/explain.ts'
import type { Policy } from '#policies/policy.ts'
import { type CheckResult, exitCodeOf, summaryOf } from './result.ts'

export type Explained = {
  /** As the user wrote it. */
  readonly image: string
  readonly ref: ImageRef
  /** As the policies see it: pinned where they demand anything of it. */
  readonly judged: ImageRef
  readonly resolved: Digest | Refusal | Silence
  /** Undefined where it is not known which image is meant. */
  readonly explanation: Explanation | undefined
  /** Those that speak of the image as it is judged, by name. */
  readonly policies: readonly Policy[]
  /** Of a Pod with this image; undefined without policies. */
  readonly verdict: CheckResult | undefined
}

/** A thing that is attached to the image, and the number by which the report calls it. */
export type Numbered = { readonly number: number; readonly exhibit: Exhibit }

/** Counted from 1 through all places. */
export function numberedOf({ explanation }: Explained): readonly (readonly Numbered[])[] {
  let number = 0
  return (explanation?.places ?? []).map(({ exhibits }) => exhibits.map(exhibit => ({ number: ++number, exhibit })))
}

/** What a thing is worth to a demand; undefined where it is none of its kind. */
export function worthOf({ answers }: Exhibit, demand: Demand): Finding | undefined {
  const key = demandKey(demand)
  return answers.find(answer => demandKey(answer.demand) === key)?.found
}

/** The verdict in one digit; without policies, whether anything is attached. */
export function exitCodeOfExplained(explained: Explained): 0 | 1 | 3 {
  const { verdict, resolved } = explained
  if (verdict === undefined) return typeof resolved === 'string' ? codeOfPlaces(explained) : codeOf(resolved)
  const code = exitCodeOf(summaryOf([verdict]))
  if (code === 2) throw new TypeError('expected a Pod of ours to have the shape of one')
  return code
}

function codeOfPlaces({ explanation }: Explained): 0 | 1 | 3 {
  const { presence = 'present', places = [] } = explanation ?? {}
  if (presence !== 'present') return codeOf(presence)
  if (places.some(({ exhibits }) => exhibits.length > 0)) return 0
  return places.some(({ silences }) => silences.length > 0) ? 3 : 1
}

function codeOf({ kind }: Refusal | Silence): 1 | 3 {
  return kind === 'silence' ? 3 : 1
}
