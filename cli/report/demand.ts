/** What a policy demands, in words. */
import type { Demand } from '#core/domain/demand.ts'
import type { IdentityPattern, TextPattern } from '#core/domain/identity.ts'

/** `a signature by key ad11… over sha256, entered in 1 log of the trust root default`. */
export function wordsOf(demand: Demand): string {
  const { log, timestamp, layout } = demand
  const what = demand.kind === 'signature' ? 'a signature' : `an attestation of type ${demand.predicateType}`
  const logs = log?.atLeast === 1 ? 'a log' : `${log?.atLeast} logs`
  return [
    `${what} by ${signerOf(demand.by)}`,
    ...(log === undefined ? [] : [`entered in ${logs} of the trust root ${log.trustRoot}`]),
    ...(timestamp === undefined ? [] : [`stamped by an authority of the trust root ${timestamp.trustRoot}`]),
    ...(layout === 'any' ? [] : [layout === 'legacy' ? 'under the tags of cosign' : 'in a Sigstore bundle']),
  ].join(', ')
}

/** A policy may name some dozen; a reader needs to know that there are more. */
const MOST_IDENTITIES = 5

function signerOf(by: Demand['by']): string {
  if (by.kind === 'key') return `key ${by.key.fingerprint} over ${by.hash}`
  const names = by.identities.slice(0, MOST_IDENTITIES).map(nameOf)
  const more = by.identities.length - names.length
  const sct = by.sct === 'ignored' ? ', with an SCT or without' : ''
  const who = [...names, ...(more > 0 ? [`${more} more`] : [])].join(', or ')
  return `${who} (certified by the trust root ${by.trustRoot}${sct})`
}

function nameOf({ subject, issuer }: IdentityPattern): string {
  return `${patternOf(subject)} vouched for by ${patternOf(issuer)}`
}

function patternOf({ kind, text }: TextPattern): string {
  if (kind === 'exactly') return JSON.stringify(text)
  return kind === 'glob' && text === '**' ? 'anybody' : `${kind} ${JSON.stringify(text)}`
}
