/** Results for programs: one JSON object, whose fields are only ever added to while `version` is 1. */
import type { Proof } from '#core/domain/proof.ts'
import type { Objection } from '#core/domain/verdict.ts'
import { type JsonBecause, toJsonBecause } from './because.ts'
import type { Report } from './report.ts'
import type { CheckResult, Outcome, Summary } from './result.ts'
import { visibleJson } from './visible.ts'

type JsonReport = {
  readonly version: 1
  /** In the order of the input. */
  readonly results: readonly JsonResult[]
  readonly summary: Summary
  readonly exitCode: number
  /** What lies in the folders and was not looked at. */
  readonly passedOver: readonly { readonly file: string; readonly reason: string }[]
  /** ISO 8601: with --offline, when the oldest answer was received that may be another by now; null where registries were asked. */
  readonly asOf: string | null
}

type JsonResult = {
  readonly outcome: Outcome
  readonly apiVersion: string
  readonly kind: string
  /** Empty for an object that lies in none. */
  readonly namespace: string
  /** Empty while it has yet to be generated. */
  readonly name: string
  readonly source: {
    /** `flag`: nobody wrote it anywhere, and `file` is the image that was asked about. */
    readonly kind: CheckResult['object']['origin']
    readonly file: string
    readonly document: number
    readonly line: number
    readonly column: number
  }
  /** Why it was skipped or is invalid; null otherwise. */
  readonly reason: string | null
  readonly policies: readonly string[]
  readonly objections: readonly JsonObjection[]
  readonly warnings: readonly JsonObjection[]
  /** Images that no policy covers. */
  readonly unmatched: readonly Field[]
  readonly pins: readonly (Field & { readonly from: string; readonly to: string })[]
  readonly unpinned: readonly (Field & { readonly image: string; readonly code: string; readonly detail: string })[]
  readonly proofs: readonly JsonProof[]
}

export type JsonProof = {
  readonly proves: string
  readonly digest: string
  /** The fingerprint of a key, or the first subject of a certificate. */
  readonly signer: string
  /** Who vouched for the subjects of the certificate; null for a key. */
  readonly issuer: string | null
  /** All of them; empty for a key. */
  readonly subjects: readonly string[]
  /** Of an attestation; null for a signature. */
  readonly predicateType: string | null
  /** ISO 8601; null where nobody believed has witnessed it. */
  readonly signedAt: string | null
}

type Field = { readonly field: string; readonly line: number; readonly column: number }

type JsonObjection = Field & JsonBecause & { readonly image: string; readonly policies: readonly string[] }

/** The whole report, on lines of its own, for standard output. */
export function renderJson({ results, summary, exitCode, passedOver, asOf }: Report): string {
  const report: JsonReport = { version: 1, results: results.map(toJson), summary, exitCode, passedOver, asOf }
  return `${visibleJson(report)}\n`
}

function toJson(result: CheckResult): JsonResult {
  const { object, outcome, reason, policies, pinning } = result
  const { kind, namespace, name } = object.subject
  const field = (where: string): Field => ({ field: where, ...object.positionOf(where) })
  const toObjection = ({ because, where, image, policies }: Objection): JsonObjection => ({
    ...field(where),
    image,
    ...toJsonBecause(because),
    policies,
  })
  return {
    outcome,
    apiVersion: object.apiVersion,
    kind,
    namespace,
    name,
    source: { kind: object.origin, file: object.file, document: object.document, ...object.positionOf('') },
    reason: reason ?? null,
    policies,
    objections: result.objections.map(toObjection),
    warnings: result.warnings.map(toObjection),
    unmatched: result.unmatched.map(field),
    pins: pinning.pins.map(({ where, from, to }) => ({ ...field(where), from, to })),
    unpinned: pinning.unpinned.map(({ where, image, because }) => ({
      ...field(where),
      image,
      code: because.code,
      detail: because.detail,
    })),
    proofs: result.proofs.map(toJsonProof),
  }
}

/** A proof, for programs. */
export function toJsonProof(proof: Proof): JsonProof {
  const { proves, digest, signer, signedAt } = proof
  const isKey = signer.kind === 'key'
  return {
    proves,
    digest,
    signer: isKey ? signer.fingerprint : (signer.subjects[0] ?? ''),
    issuer: isKey ? null : signer.issuer,
    subjects: isKey ? [] : signer.subjects,
    predicateType: proof.proves === 'attestation' ? proof.predicateType : null,
    signedAt: signedAt ?? null,
  }
}
