/** Verdict to answer. What is still undecided here is closed. Pure. */
import type { Identity } from '#core/domain/identity.ts'
import type { Proof } from '#core/domain/proof.ts'
import type { Objection, Verdict } from '#core/domain/verdict.ts'
import { codesOf } from '#core/domain/verdict.ts'
import type { ReviewResponse, ReviewStatus } from './admission-review.ts'
import { explain, plain, warn } from './explain.ts'

/** An audit event is cut at 100 KiB by default; ten of these in two webhooks leave most of it to others. */
const ANNOTATION_CHARACTERS = 1024

/** Of one item in a list: the longest that is made here has some 900. */
const ITEM_CHARACTERS = 1000

/** ` and 1000 more` */
const MORE_CHARACTERS = 16

/** Of one name in a certificate, of which the first is told, and of a log, of which four are. */
const NAME_CHARACTERS = 200
const LOGS = 4
const LOG_CHARACTERS = 16

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

/**
 * Audit annotations of bounded length, the empty ones left out; a list ends between two of its items and says how many are
 * missing. Keys without a slash: the API server prefixes our name.
 */
export function annotations(values: Readonly<Record<string, string | readonly string[]>>): Record<string, string> {
  const texts = Object.entries(values).map(([key, value]) => [key, typeof value === 'string' ? value : joined(value)])
  return Object.fromEntries(
    texts.filter(([, text]) => text !== '').map(([key, text]) => [key, plain(text as string, ANNOTATION_CHARACTERS)]),
  )
}

function joined(items: readonly string[]): string {
  let text = ''
  for (const [at, item] of items.entries()) {
    const longer = at === 0 ? plain(item, ITEM_CHARACTERS) : `${text} ${plain(item, ITEM_CHARACTERS)}`
    if (longer.length + MORE_CHARACTERS > ANNOTATION_CHARACTERS) return `${text} and ${items.length - at} more`
    text = longer
  }
  return text
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
    proofs: [...new Set(proofs.map(describe))],
    refused: outcome === 'allow' ? [] : [...new Set(verdict.objections.map(refused))],
  })
}

function refused({ because, where, image }: Objection): string {
  return `${because.code} of ${quoted(image)} in ${where};`
}

/** What was proven about which digest, by whom, and what vouches for when. */
function describe(proof: Proof): string {
  const { digest, signer, layout, source, logs, signedAt } = proof
  const what = proof.proves === 'signature' ? 'signature of' : `attestation ${quoted(proof.predicateType)} about`
  const ids = logs.slice(0, LOGS).map(id => id.slice(0, LOG_CHARACTERS))
  const logged = ids.length === 0 ? '' : ` logged in ${ids.join(' ')}`
  const dated = signedAt === undefined ? '' : ` at ${signedAt}`
  return `${what} ${digest} by ${nameOf(signer)} in ${layout} ${source}${logged}${dated};`
}

function nameOf(signer: Identity): string {
  if (signer.kind === 'key') return `key ${signer.fingerprint}`
  const [first = '', ...more] = signer.subjects
  const others = more.length === 0 ? '' : ` and ${more.length} more`
  return `${quoted(first)}${others} of ${quoted(signer.issuer)}`
}

/** untrusted: whoever asked for the certificate chose it. In quotes, and with none inside, no name can pass for another proof. */
function quoted(text: string): string {
  return `"${plain(text.replaceAll(/["\\]/g, '?'), NAME_CHARACTERS)}"`
}
