/** Policies, images and findings for tests of the judge: the least that each needs. */
import type { AttestationDemand, HashAlgorithm, SignatureDemand } from '#core/domain/demand.ts'
import { demandKey } from '#core/domain/demand.ts'
import { digestOf } from '#core/domain/digest.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import type { ImageUse } from '#core/domain/image-use.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Proof } from '#core/domain/proof.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { Workload } from '#core/domain/workload.ts'
import { parseImageGlob } from '#policies/image-glob.ts'
import type { Policy, Proven, Requirement } from '#policies/policy.ts'

type SignatureProof = Extract<Proof, { readonly proves: 'signature' }>

export const DIGEST = digestOf(Buffer.from('an image'))
export const OTHER_DIGEST = digestOf(Buffer.from('another image'))

/** The pinned name of an image that the policies made here speak of. */
export const IMAGE = `r.test/app@${DIGEST}`

/** Keys are told apart by one letter. */
export function makeDemand(key: string, hash: HashAlgorithm = 'sha256'): SignatureDemand {
  const by = { kind: 'key', key: { fingerprint: key.repeat(64), spki: '' }, hash } as const
  return { kind: 'signature', by, log: undefined, timestamp: undefined, layout: 'any' }
}

export function makeAttestationDemand(key: string, predicateType: string): AttestationDemand {
  return { ...makeDemand(key), kind: 'attestation', predicateType }
}

export function signedBy(key: string, authority = `owner of ${key}`): Proven {
  return { kind: 'proven', authority, demand: makeDemand(key) }
}

export function attestedBy(key: string, predicateType: string, authority = `owner of ${key}`): Proven {
  return { kind: 'proven', authority, demand: makeAttestationDemand(key, predicateType) }
}

export function fixed(action: 'pass' | 'fail', message = '', authority = `always ${action}`): Requirement {
  return { kind: 'static', authority, action, message }
}

export function anyOf(...of: readonly Requirement[]): Requirement {
  return { kind: 'any-of', of }
}

export function allOf(...of: readonly Requirement[]): Requirement {
  return { kind: 'all-of', of }
}

export function atLeast(signers: number, ...of: readonly Proven[]): Requirement {
  return { kind: 'at-least', signers, of }
}

/** A policy for everything on r.test. */
export function makePolicy(name: string, requires: Requirement, overrides: Partial<Policy> = {}): Policy {
  return {
    name,
    source: `${name}.yaml`,
    mode: 'enforce',
    images: [parseImageGlob('r.test/**')],
    requires,
    ...overrides,
  }
}

/** What answers `makeDemand(key)`. */
export function makeProof(key: string, digest = DIGEST, source = DIGEST): SignatureProof {
  return {
    kind: 'proof',
    proves: 'signature',
    digest,
    signer: { kind: 'key', fingerprint: key.repeat(64) },
    answers: demandKey(makeDemand(key)),
    layout: 'simple-signing',
    source,
    logs: [],
    signedAt: undefined,
    until: undefined,
  }
}

/** What answers `makeAttestationDemand(key, predicateType)`. */
export function makeAttestationProof(key: string, predicateType: string, digest = DIGEST): Proof {
  const answers = demandKey(makeAttestationDemand(key, predicateType))
  return { ...makeProof(key, digest), proves: 'attestation', predicateType, answers, layout: 'attachment' }
}

function makeUse(text: string, index = 0): ImageUse {
  return { where: `spec.containers[${index}].image`, role: 'container', text, ref: refOf(text) }
}

/** A Pod with one container for each image. */
export function makeWorkload(...images: readonly string[]): Workload {
  const subject = {
    operation: 'CREATE',
    group: '',
    kind: 'Pod',
    subresource: '',
    namespace: 'shop',
    name: 'web',
    object: {},
    oldObject: undefined,
    user: 'someone',
    isDryRun: false,
  } as const
  const asker = { namespace: 'shop', serviceAccount: 'default', pullSecrets: [] }
  return { subject, asker, images: images.map(makeUse) }
}

function refOf(text: string): ImageUse['ref'] {
  try {
    return parseImageRef(text)
  } catch (error) {
    if (error instanceof InputError) return refusal('image.reference-invalid', error.message)
    throw error
  }
}
