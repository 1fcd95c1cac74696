/** What became of a bundle: what was verified, each fact on its line, or why it was not. */
import type { Refusal } from '#core/domain/refusal.ts'
import type { TrustRoot } from '#core/domain/trust-root.ts'
import type { BundleQuestion, VerifiedBundle } from '#core/verify/sigstore/verify-bundle.ts'
import { type JsonBecause, renderBecause, toJsonBecause } from './because.ts'
import type { Paint } from './paint.ts'
import { isoOf, type JsonSigner, signerFacts, toJsonSigner } from './signer.ts'
import { visible, visibleJson } from './visible.ts'

export type Verification = {
  /** What messages call it. */
  readonly artefact: string
  /** Of the artefact: `sha256:…`, or the longer one that was given. */
  readonly digest: string
  readonly bundleFile: string
  readonly question: BundleQuestion
  readonly trust: TrustRoot | undefined
  readonly found: VerifiedBundle | Refusal
}

/** For people. */
export function renderVerification(verification: Verification, paint: Paint): string {
  const { artefact, found } = verification
  const lines =
    found.kind === 'bundle'
      ? [`${paint('green', 'verified')} ${visible(artefact)}`, ...renderFacts(found, verification)]
      : [`${paint('red', 'refused')} ${visible(artefact)}`, ...renderBecause(found, paint)]
  return `${lines.join('\n')}\n`
}

function renderFacts(found: VerifiedBundle, { trust, question, bundleFile, digest }: Verification): readonly string[] {
  const { signer, predicateType } = found
  const facts: readonly (readonly [string, string])[] = [
    ['digest', digest],
    ['bundle', bundleFile],
    [
      'signed',
      predicateType === undefined ? 'the file itself' : `a statement about the file, of type ${predicateType}`,
    ],
    ...signerFacts(signer.identity),
    ...(signer.authority === undefined ? [] : [['certified by', signer.authority] as const]),
    ...signer.logs.map(id => ['log', `${urlOf(id, trust)} (${id})`] as const),
    ...signer.sightings.map(({ at, by, name }) => ['seen', `${isoOf(at)} by the ${by} ${name}`] as const),
    ...(signer.until === undefined
      ? []
      : [['until', `${isoOf(signer.until)}: nobody has seen when it was signed`] as const]),
    ...(trust === undefined ? [] : [['trusted root', `${trust.name} (SHA-256 ${trust.version})`] as const]),
    ...unasked(question).map(what => ['not asked for', what] as const),
  ]
  return facts.map(([name, value]) => `  ${name}: ${visible(value)}`)
}

/** What a reader might take for granted. */
function unasked({ by, log, timestamp }: BundleQuestion): readonly string[] {
  const isAlone = by.kind === 'key' && log === undefined && timestamp === undefined
  if (isAlone) return ['any witness: the key alone says that it has signed, and nobody says when or that it was logged']
  return [
    ...(log === undefined ? ['an entry in a transparency log'] : []),
    ...(by.kind === 'keyless' && by.sct === 'ignored' ? ['an SCT: no certificate log need know the certificate'] : []),
  ]
}

function urlOf(id: string, trust: TrustRoot | undefined): string {
  return trust?.logs.find(log => log.id === id)?.baseUrl ?? ''
}

/** Fields are only ever added to while `version` is 1. */
type JsonVerification = {
  readonly version: 1
  readonly outcome: 'verified' | 'refused'
  readonly artefact: string
  readonly digest: string
  readonly bundle: string
  /** Null where it was not verified: nothing is known of who signed it then. */
  readonly proven: {
    readonly signed: 'artefact' | 'statement'
    /** Of the statement; null for the artefact itself. */
    readonly predicateType: string | null
    readonly signer: JsonSigner
    /** The authority of certificates; null for a key. */
    readonly authority: string | null
    readonly logs: readonly { readonly id: string; readonly baseUrl: string }[]
    readonly sightings: readonly { readonly at: string; readonly by: string; readonly name: string }[]
    /** ISO 8601: until when it holds, where nobody has seen when it was signed; null for good. */
    readonly until: string | null
  } | null
  readonly trustedRoot: { readonly file: string; readonly sha256: string } | null
  readonly notAskedFor: readonly string[]
  readonly refusal: JsonBecause | null
}

/** For programs. */
export function renderVerificationJson(verification: Verification): string {
  const { artefact, digest, bundleFile, question, trust, found } = verification
  const report: JsonVerification = {
    version: 1,
    outcome: found.kind === 'bundle' ? 'verified' : 'refused',
    artefact,
    digest,
    bundle: bundleFile,
    proven: found.kind === 'bundle' ? toProven(found, trust) : null,
    trustedRoot: trust === undefined ? null : { file: trust.name, sha256: trust.version },
    notAskedFor: unasked(question),
    refusal: found.kind === 'bundle' ? null : toJsonBecause(found),
  }
  return `${visibleJson(report)}\n`
}

function toProven({ signer, predicateType }: VerifiedBundle, trust: TrustRoot | undefined): JsonVerification['proven'] {
  return {
    signed: predicateType === undefined ? 'artefact' : 'statement',
    predicateType: predicateType ?? null,
    signer: toJsonSigner(signer.identity),
    authority: signer.authority ?? null,
    logs: signer.logs.map(id => ({ id, baseUrl: urlOf(id, trust) })),
    sightings: signer.sightings.map(({ at, by, name }) => ({ at: isoOf(at), by, name })),
    until: signer.until === undefined ? null : isoOf(signer.until),
  }
}
