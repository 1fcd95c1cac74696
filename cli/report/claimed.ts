/** What a thing that is attached to an image claims, in lines: every word of it is what somebody wrote into the registry. */
import type { Artefact } from '#core/domain/artefact.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import type { Claimed, ClaimedCertificate, ClaimedEntry } from '#core/verify/sigstore/claimed.ts'
import { certificateFacts, isoOf } from './signer.ts'
import { visible } from './visible.ts'

/** `[1] bundle, sha256:…, 5230 bytes`, and what it claims below. */
export function renderClaimed(number: number, artefact: Artefact, claimed: Claimed | Refusal): readonly string[] {
  const title = `  [${number}] ${artefact.layout}, ${artefact.source}, ${bytesOf(artefact).byteLength} bytes`
  const claims = claimed.kind === 'refusal' ? [`cannot be read: ${claimed.code}: ${claimed.detail}`] : linesOf(claimed)
  return [title, ...claims.map(line => `      ${visible(line)}`)]
}

/** The payload, the envelope or the bundle. */
export function bytesOf(artefact: Artefact): Uint8Array {
  return artefact.layout === 'simple-signing' ? artefact.payload : artefact.bytes
}

/** Statements may name a thousand. */
const MOST_IMAGES = 3

function linesOf({ images, predicateType, certificate, hint, entries, timestamps }: Claimed): readonly string[] {
  const what = predicateType === undefined ? 'a signature' : `an attestation of type ${predicateType}`
  const more = images.length > MOST_IMAGES ? ` and ${images.length - MOST_IMAGES} more` : ''
  return [
    `claims to be ${what} of ${images.slice(0, MOST_IMAGES).join(', ') || 'no image'}${more}`,
    ...(certificate === undefined ? [] : certificateLines(certificate)),
    ...(hint === undefined ? [] : [hintLine(hint)]),
    ...(certificate === undefined && hint === undefined ? ['names neither a certificate nor a key'] : []),
    ...entries.map(entryLine),
    `timestamps: ${timestamps}`,
  ]
}

function certificateLines(certificate: ClaimedCertificate): readonly string[] {
  if (certificate.kind === 'unreadable') return [`comes with a certificate that cannot be read: ${certificate.detail}`]
  const { identity, validity, hasSigned } = certificate
  return [
    'comes with a certificate, which anybody could have made, that says:',
    ...certificateFacts(identity).map(([name, value]) => `  ${name}: ${value}`),
    `  valid: ${isoOf(validity.from)} until ${isoOf(validity.until)}`,
    hasSigned
      ? 'the signature holds for the certificate that comes with it'
      : 'the signature does not hold for the certificate that comes with it',
  ]
}

/** cosign writes the SHA-256 of the key there, in base64: what keys are called by everywhere here, in other digits. */
function hintLine(hint: string): string {
  const bytes = Buffer.from(hint, 'base64')
  const isFingerprint = bytes.byteLength === 32 && bytes.toString('base64') === hint
  return `names the key ${isFingerprint ? bytes.toString('hex') : JSON.stringify(hint)} as its signer`
}

function entryLine({ logId, index, integratedTime, hasPromise, hasProof }: ClaimedEntry): string {
  const parts = [...(hasPromise ? ['a promise'] : []), ...(hasProof ? ['a proof of inclusion'] : [])]
  const when = integratedTime === undefined ? '' : `, which says ${isoOf(integratedTime * 1000)}`
  return `log entry ${index} of log ${logId}, with ${parts.join(' and ') || 'neither promise nor proof'}${when}`
}
