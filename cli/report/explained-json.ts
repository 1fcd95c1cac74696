/** An image explained for programs: one JSON object, whose fields are only ever added to while `version` is 1. */
import type { Finding } from '#core/domain/fact.ts'
import type { ImageRef } from '#core/domain/image-ref.ts'
import type { Refusal, Silence } from '#core/domain/refusal.ts'
import type { Objection } from '#core/domain/verdict.ts'
import type { Claimed } from '#core/verify/sigstore/claimed.ts'
import { isImageMatched } from '#policies/image-glob.ts'
import type { Leaf } from '#policies/leaves.ts'
import { leavesOf } from '#policies/leaves.ts'
import type { Policy } from '#policies/policy.ts'
import { toJsonBecause } from './because.ts'
import { bytesOf } from './claimed.ts'
import { wordsOf } from './demand.ts'
import { type Explained, exitCodeOfExplained, type Numbered, numberedOf, worthOf } from './explained.ts'
import { toJsonProof } from './json.ts'
import { isoOf, toJsonSigner } from './signer.ts'
import { visibleJson } from './visible.ts'

/** The whole report, on lines of its own. */
export function renderExplainedJson(explained: Explained, asOf: string | null = null): string {
  const { image, resolved, explanation, policies, judged, verdict } = explained
  const numbered = numberedOf(explained)
  const report = {
    version: 1,
    exitCode: exitCodeOfExplained(explained),
    image,
    ...toImage(resolved, explanation),
    places: (explanation?.places ?? []).map(({ place, refusals, silences }, index) => ({
      place,
      artefacts: (numbered[index] ?? []).map(one => toArtefact(one, verdict === undefined)),
      unread: [...refusals, ...silences].map(toJsonBecause),
    })),
    policies: policies.map(policy => toPolicy(policy, judged, numbered.flat())),
    verdict: verdict === undefined ? null : toVerdict(verdict),
    asOf,
  }
  return `${visibleJson(report)}\n`
}

/** `because`: why it is not known which image is meant, or why it is not there. */
function toImage(resolved: Explained['resolved'], explanation: Explained['explanation']) {
  if (typeof resolved !== 'string') return { digest: null, isPresent: null, because: toJsonBecause(resolved) }
  const presence = explanation?.presence ?? 'present'
  if (presence === 'present') return { digest: resolved, isPresent: true, because: null }
  return { digest: resolved, isPresent: presence.kind === 'refusal' ? false : null, because: toJsonBecause(presence) }
}

function toPolicy({ name, mode, source, images, requires }: Policy, judged: ImageRef, exhibits: readonly Numbered[]) {
  const glob = images.find(one => isImageMatched(one, judged))?.text ?? null
  return { name, mode, source, glob, authorities: leavesOf(requires).map(leaf => toAuthority(leaf, exhibits)) }
}

/** `claims` is what it says of itself; `unjudged` is what trust roots say where no policy says who must have signed. */
function toArtefact({ number, exhibit: { artefact, claimed, answers } }: Numbered, isUnjudged: boolean) {
  return {
    number,
    layout: artefact.layout,
    digest: artefact.source,
    bytes: bytesOf(artefact).byteLength,
    unreadable: claimed.kind === 'refusal' ? toJsonBecause(claimed) : null,
    claims: claimed.kind === 'refusal' ? null : toClaims(claimed),
    unjudged: (isUnjudged ? answers : []).map(({ demand, found }) => ({
      trustRoot: demand.by.kind === 'keyless' ? demand.by.trustRoot : null,
      holds: found?.kind === 'proof',
      because: found === undefined || found.kind === 'proof' ? null : toJsonBecause(found),
    })),
  }
}

function toClaims({ images, predicateType, certificate, hint, entries, timestamps }: Claimed) {
  return {
    images,
    predicateType: predicateType ?? null,
    certificate:
      certificate?.kind === 'read'
        ? {
            ...toJsonSigner(certificate.identity),
            from: isoOf(certificate.validity.from),
            until: isoOf(certificate.validity.until),
            hasSigned: certificate.hasSigned,
          }
        : null,
    unreadableCertificate: certificate?.kind === 'unreadable' ? certificate.detail : null,
    hint: hint ?? null,
    entries,
    timestamps,
  }
}

function toAuthority(leaf: Leaf, exhibits: readonly Numbered[]) {
  if (leaf.kind === 'invalid') return { name: null, kind: leaf.kind, wants: null, detail: leaf.detail, findings: [] }
  if (leaf.kind === 'static')
    return { name: leaf.authority, kind: leaf.kind, wants: null, detail: leaf.action, findings: [] }
  return {
    name: leaf.authority,
    kind: leaf.demand.kind,
    wants: wordsOf(leaf.demand),
    detail: null,
    findings: exhibits.map(({ number, exhibit }) => ({
      artefact: number,
      ...toFinding(worthOf(exhibit, leaf.demand)),
    })),
  }
}

/** `counts` is null where it is not looked at, or it could not be told. */
function toFinding(found: Finding | undefined) {
  if (found === undefined) return { counts: null, proof: null, because: null }
  if (found.kind === 'proof') return { counts: true, proof: toJsonProof(found), because: null }
  return { counts: found.kind === 'refusal' ? false : null, proof: null, because: toJsonBecause(found) }
}

function toVerdict({ outcome, objections, warnings, policies, proofs }: NonNullable<Explained['verdict']>) {
  return {
    outcome,
    policies,
    objections: objections.map(toObjection),
    warnings: warnings.map(toObjection),
    proofs: proofs.map(toJsonProof),
  }
}

function toObjection({ because, policies }: Pick<Objection, 'policies'> & { readonly because: Refusal | Silence }) {
  return { ...toJsonBecause(because), policies }
}
