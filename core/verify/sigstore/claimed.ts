/** What something attached to an image says of itself, for whoever wants to see it. Nothing of it is proven, and nothing of it proves anything. */
import type { Artefact } from '#core/domain/artefact.ts'
import type { CertificateIdentity } from '#core/domain/identity.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { decodeCertificate } from './certificate/certificate.ts'
import { identityOf } from './certificate/identity.ts'
import { claimOf } from './image-claim.ts'
import { hashesOf, type Signing, signerOf } from './key.ts'
import type { LogEntry } from './material.ts'

export type ClaimedCertificate =
  | {
      readonly kind: 'read'
      /** As it is written there: anyone can make a certificate that says so. */
      readonly identity: CertificateIdentity
      /** Both ends included, in milliseconds since 1970. */
      readonly validity: { readonly from: number; readonly until: number }
      /** Whether its key has made the signature, which says nothing of whose certificate it is. */
      readonly hasSigned: boolean
    }
  | { readonly kind: 'unreadable'; readonly detail: string }

export type ClaimedEntry = Pick<LogEntry, 'logId' | 'index' | 'integratedTime'> & {
  readonly hasPromise: boolean
  readonly hasProof: boolean
}

export type Claimed = {
  readonly kind: 'claimed'
  /** The digests that it names. */
  readonly images: readonly string[]
  /** Undefined for a signature. */
  readonly predicateType: string | undefined
  readonly certificate: ClaimedCertificate | undefined
  /** What a bundle calls the key that it says to be signed with. */
  readonly hint: string | undefined
  readonly entries: readonly ClaimedEntry[]
  readonly timestamps: number
}

/** Decodes it, bounded as for whoever verifies; the refusal where it cannot be. */
export function claimedBy(artefact: Artefact): Claimed | Refusal {
  const claim = claimOf(artefact)
  if ('kind' in claim) return claim
  const { signing, images, attestation, material } = claim
  const { certificate, hint, entries, timestamps } = material
  return {
    kind: 'claimed',
    images,
    predicateType: attestation,
    certificate: certificate === undefined ? undefined : readCertificate(certificate, signing),
    hint,
    entries: entries.map(({ logId, index, integratedTime, promise, proof }) => ({
      logId,
      index,
      integratedTime,
      hasPromise: promise !== undefined,
      hasProof: proof !== undefined,
    })),
    timestamps: timestamps.length,
  }
}

function readCertificate(der: Uint8Array, signing: Signing): ClaimedCertificate {
  try {
    const certificate = decodeCertificate(der)
    const { key, validity } = certificate
    const hasSigned = hashesOf(key).some(hash => signerOf(signing, { key, hash }) !== undefined)
    return { kind: 'read', identity: identityOf(certificate), validity, hasSigned }
  } catch (error) {
    if (error instanceof InputError) return { kind: 'unreadable', detail: error.message }
    throw error
  }
}
