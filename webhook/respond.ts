/** Verdict to answer. What is still undecided here is closed. Pure. */
import type { Proof } from '#core/domain/proof.ts'
import type { Verdict } from '#core/domain/verdict.ts'
import { codesOf } from '#core/domain/verdict.ts'
import type { ReviewResponse, ReviewStatus } from './admission-review.ts'
import { explain, plain, warn } from './explain.ts'

/** An audit event is cut at 100 KiB by default; ten of these in two webhooks leave most of it to others. */
const ANNOTATION_CHARACTERS = 1024

type Judged = Exclude<Verdict, { passed: string }>

/** Renders a verdict: it decides nothing, it only says it. */
export function respond(verdict: Verdict): ReviewResponse {
  switch (verdict.outcome) {
    case 'allow':
      return { allowed: true, ...warningsOf(verdict), auditAnnotations: annotate(verdict) }
    case 'deny':
      return closed({ code: 403, reason: 'Forbidden', message: explain(verdict.objections) }, verdict)
    case 'undecided':
      return closed({ code: 503, reason: 'ServiceUnavailable', message: explain(verdict.objections) }, verdict)
    default:
      throw new TypeError(`no response for ${JSON.stringify(verdict satisfies never)}`)
  }
}

/** Audit annotations of bounded length, the empty ones left out. Keys without a slash: the API server prefixes our name. */
export function annotations(values: Readonly<Record<string, string | readonly string[]>>): Record<string, string> {
  const texts = Object.entries(values).map(([key, value]) => [key, typeof value === 'string' ? value : value.join(' ')])
  return Object.fromEntries(
    texts.filter(([, text]) => text !== '').map(([key, text]) => [key, plain(text as string, ANNOTATION_CHARACTERS)]),
  )
}

function closed(status: ReviewStatus, verdict: Judged): ReviewResponse {
  return { allowed: false, status, ...warningsOf(verdict), auditAnnotations: annotate(verdict) }
}

function warningsOf(verdict: Verdict): { readonly warnings?: readonly string[] } {
  if (!('warnings' in verdict) || verdict.warnings.length === 0) return {}
  return { warnings: warn(verdict.warnings, 'is admitted with a warning') }
}

function annotate(verdict: Verdict): Record<string, string> {
  const { outcome } = verdict
  if ('passed' in verdict && verdict.passed !== undefined)
    return annotations({ decision: outcome, passed: verdict.passed })
  const proofs = outcome === 'allow' ? verdict.proofs : []
  return annotations({
    decision: outcome,
    codes: codesOf(verdict),
    policies: verdict.policies,
    unmatched: verdict.unmatched,
    images: [...new Set(proofs.map(proof => proof.digest))],
    proofs: proofs.map(describe),
  })
}

function describe(proof: Proof): string {
  const { digest, signer, layout, source } = proof
  const what = proof.proves === 'signature' ? 'signature of' : `attestation ${proof.predicateType} about`
  const who = signer.kind === 'key' ? `key ${signer.fingerprint}` : `${signer.subjects.join(' ')} of ${signer.issuer}`
  return `${what} ${digest} by ${who} in ${layout} ${source};`
}
