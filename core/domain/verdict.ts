/** What the gate answers. Three outcomes: proven, refused, and the world did not say. */
import type { Proof } from './proof.ts'
import type { Code, Refusal, Silence } from './refusal.ts'

/** Why nothing had to be looked at; said to the API server's audit log in these words. */
export type PassReason = 'delete' | 'connect' | 'status' | 'images-unchanged' | 'no-images' | 'kind-without-images'

/** A refusal or a silence, and the line of the user's YAML it is about. */
export type Objection = {
  readonly because: Refusal | Silence
  readonly where: string
  readonly image: string
  /** Names of the policies that object; empty when none matched. */
  readonly policies: readonly string[]
}

/** Something that would have been an objection but for a policy in warn mode or the no-match setting. */
export type Warning = Objection

type Judged = {
  /** The policies that matched an image of the workload, by name, sorted. */
  readonly policies: readonly string[]
  readonly warnings: readonly Warning[]
  /** Images that no policy matched, by path. */
  readonly unmatched: readonly string[]
}

export type Verdict =
  | { readonly outcome: 'allow'; readonly passed: PassReason }
  | (Judged & { readonly outcome: 'allow'; readonly passed: undefined; readonly proofs: readonly Proof[] })
  | (Judged & { readonly outcome: 'deny'; readonly objections: readonly Objection[] })
  | (Judged & { readonly outcome: 'undecided'; readonly objections: readonly Objection[] })

/** The codes a verdict speaks in, without repetition: metric labels and the first thing a reader looks for. */
export function codesOf(verdict: Verdict): readonly Code[] {
  return verdict.outcome === 'allow' ? [] : [...new Set(verdict.objections.map(objection => objection.because.code))]
}
