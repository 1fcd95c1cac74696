/** What a requirement came to for one image, and how the answers of a branch become one. Starts from nothing: what is empty satisfies nobody. */
import { identityName } from '#core/domain/identity.ts'
import type { Proof } from '#core/domain/proof.ts'
import type { Refusal, Silence } from '#core/domain/refusal.ts'
import { refusal, silence } from '#core/domain/refusal.ts'

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

/**
 * Enough distinct signers; failing that, who did not answer might each have had one more. Two signatures by one signer
 * count once. Nothing proven satisfies no number, whatever the number.
 */
export function atLeast(signers: number, answers: readonly Answer[]): Answer {
  if (answers.length === 0) return EMPTY
  const proven = answers.filter(answer => answer.kind === 'satisfied')
  const proofs = proven.flatMap(answer => answer.proofs)
  const distinct = Math.min(proven.length, new Set(proofs.map(proof => identityName(proof.signer))).size)
  if (distinct > 0 && distinct >= signers) return { kind: 'satisfied', proofs }
  const silent = answers.filter(answer => answer.kind === 'silent')
  if (distinct + silent.length >= signers) return allOf(silent)
  const few = refusal('signature.too-few-signers', `expected ${signers} distinct signers, got ${distinct}`)
  return complained('refused', answers) ?? complaint(undefined, few)
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
