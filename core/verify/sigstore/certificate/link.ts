/** What a certificate must be to stand in a path at a moment: at the end of it, or above another (RFC 5280, section 6.1). */
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { isWithin } from '#core/domain/trust-root.ts'
import type { Certificate } from './certificate.ts'
import { OID } from './extensions.ts'
import { PURPOSE } from './usage.ts'
import { inWords, isoOf, listed, nameOf } from './words.ts'

/** What is wrong with it wherever it stands. */
export function complaintAbout(certificate: Certificate, at: number): Refusal | undefined {
  const [unknown] = certificate.unknownCritical
  if (unknown !== undefined)
    return refusal(
      'certificate.invalid',
      `expected no critical extension but known ones in ${nameOf(certificate)}, got ${unknown}`,
    )
  if (isWithin(certificate.validity, at)) return undefined
  return refusal(
    'certificate.expired',
    `expected ${nameOf(certificate)} to be valid at ${isoOf(at)}, got one valid ${inWords(certificate.validity)}`,
  )
}

/** What is wrong with it above others, `leaf` at the end of them; `left`: how many authorities may still stand below the one above it. */
export function complaintAboutIssuer(issuer: Certificate, leaf: Certificate, left: number): Refusal | undefined {
  const found = faultOf(issuer, left)
  if (found !== undefined)
    return refusal(
      'certificate.untrusted',
      `expected an authority that may issue certificates above ${nameOf(leaf)}, got ${nameOf(issuer)}, which ${found}`,
    )
  if (allowsPurposes(issuer, leaf)) return undefined
  const may = listed(issuer.extendedKeyUsage ?? [])
  return refusal(
    'certificate.not-for-signing',
    `expected ${nameOf(leaf)} to be for what its authority ${nameOf(issuer)} may issue for (${may}), got ${listed(leaf.extendedKeyUsage ?? ['one for anything'])}`,
  )
}

function faultOf(issuer: Certificate, left: number): string | undefined {
  if (!issuer.isCa) return 'is none'
  if (issuer.keyUsage?.has('keyCertSign') !== true) return 'may not sign certificates'
  if (left < 0) return 'stands further down than an authority above it allows'
  // Critical or not (section 4.2.1.10 has it critical): who reads past it would believe an authority beyond its names.
  if (issuer.extensions.has(OID.nameConstraints)) return 'is bound to names in a way that is not understood here'
  return undefined
}

/** RFC 5280 leaves the meaning in an authority open; it is taken as all do that read it: nobody below is for more. */
function allowsPurposes({ extendedKeyUsage: allowed }: Certificate, leaf: Certificate): boolean {
  if (allowed === undefined || allowed.includes(PURPOSE.any)) return true
  return leaf.extendedKeyUsage?.every(purpose => allowed.includes(purpose)) ?? false
}
