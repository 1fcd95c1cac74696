/** What a requirement came to for one image, and how the answers of a branch become one. Starts from nothing: what is empty satisfies nobody. */
import type { Proof } from '#core/domain/proof.ts'
import type { Refusal, Silence } from '#core/domain/refusal.ts'
import { silence } from '#core/domain/refusal.ts'

/** What one authority has against the image, or the policy as a whole. */
export type Complaint = { readonly authority: string | undefined; readonly because: Refusal | Silence }

export type Answer =
  /** Without a proof only where a policy lets the image pass unseen. */
  | { readonly kind: 'satisfied'; readonly proofs: readonly Proof[] }
  | { readonly kind: 'refused' | 'silent'; readonly complaints: readonly Complaint[] }

/** One refusal refuses, however much is proven beside it; after that, one silence leaves the question open. */
export function allOf(answers: readonly Answer[]): Answer {
  return complained('refused', answers) ?? complained('silent', answers) ?? satisfied(answers) ?? EMPTY
}

/** One proof is enough; failing that, who did not answer might have had it. */
export function anyOf(answers: readonly Answer[]): Answer {
  return satisfied(answers) ?? complained('silent', answers) ?? complained('refused', answers) ?? EMPTY
}

/** An authority's complaint as an answer: a refusal refuses, a silence says nothing. */
export function complaint(authority: Complaint['authority'], because: Refusal | Silence): Answer {
  return { kind: because.kind === 'refusal' ? 'refused' : 'silent', complaints: [{ authority, because }] }
}

// No dialect compiles to an empty branch: whatever made one is at fault, and not the image.
const EMPTY = complaint('', silence('internal.error', 'the policy has a branch with nothing in it'))

function satisfied(answers: readonly Answer[]): Answer | undefined {
  const proven = answers.filter(answer => answer.kind === 'satisfied')
  return proven.length === 0 ? undefined : { kind: 'satisfied', proofs: proven.flatMap(answer => answer.proofs) }
}

function complained(kind: 'refused' | 'silent', answers: readonly Answer[]): Answer | undefined {
  const complaints = answers.flatMap(answer => (answer.kind === kind ? answer.complaints : []))
  return complaints.length === 0 ? undefined : { kind, complaints }
}
