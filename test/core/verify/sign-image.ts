/** Signs images in both layouts with fresh keys, and can be told to sign what nobody should. */
import type { KeyObject } from 'node:crypto'
import { generateKeyPairSync, sign } from 'node:crypto'
import { ed25519ph } from '@noble/curves/ed25519.js'
import type { Artefact, BundleArtefact, LegacyAnnotations, SimpleSigningArtefact } from '#core/domain/artefact.ts'
import type { Demand, HashAlgorithm, SignatureDemand } from '#core/domain/demand.ts'
import { type Digest, digestOf, hexOf } from '#core/domain/digest.ts'
import type { Proof } from '#core/domain/proof.ts'
import type { PublicKey } from '#core/domain/public-key.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { verifyArtefact } from '#core/verify/sigstore/verify-artefact.ts'

export type Signer = { readonly key: PublicKey; readonly sign: (message: Uint8Array) => Uint8Array }

export const DIGEST: Digest = digestOf(Buffer.from('an image'))
export const OTHER_DIGEST: Digest = digestOf(Buffer.from('another image'))

export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
export const STATEMENT_TYPE = 'application/vnd.in-toto+json'

export function makeSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { key: toPublicKey(publicKey), sign: message => sign('sha256', message, privateKey) }
}

export function makeEd25519phSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const secret = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
  return { key: toPublicKey(publicKey), sign: message => ed25519ph.sign(message, secret) }
}

export function toPublicKey(key: KeyObject): PublicKey {
  return parsePublicKey(key.export({ format: 'pem', type: 'spki' }))
}

/** A signature by the key, and no witness to it. */
export function demandOf({ key }: Pick<Signer, 'key'>, hash: HashAlgorithm = 'sha256'): SignatureDemand {
  return { kind: 'signature', by: { kind: 'key', key, hash }, log: undefined, timestamp: undefined, layout: 'any' }
}

/** Where nothing but a key is asked for, nobody is trusted and the time is of no interest. */
export function verify(artefact: Artefact, digest: Digest, demand: Demand): Proof | Refusal {
  return verifyArtefact(artefact, digest, demand, { trust: new Map(), now: new Date('2026-11-28T00:00:00Z') })
}

export const NO_ANNOTATIONS: LegacyAnnotations = {
  certificate: undefined,
  chain: undefined,
  bundle: undefined,
  timestamp: undefined,
}

/** What cosign writes into a payload. */
export function payloadFor(digest: string) {
  return {
    critical: {
      identity: { 'docker-reference': 'registry.example.test/app' },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: null as unknown,
  }
}

/** Signs the bytes of `payload`, whatever it is; text is taken as it stands. */
export function signPayload(signer: Signer, payload: unknown): SimpleSigningArtefact {
  const bytes = toBytes(payload)
  const signature = Buffer.from(signer.sign(bytes)).toString('base64')
  return { layout: 'simple-signing', payload: bytes, signature, annotations: NO_ANNOTATIONS, source: digestOf(bytes) }
}

/** What cosign writes into the statement of a signature. */
export function statementFor(digest: Digest): Readonly<Record<string, unknown>> {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: hexOf(digest) }, annotations: {} }],
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    predicate: {},
  }
}

export function signEnvelope(signer: Signer, statement: unknown, payloadType = STATEMENT_TYPE) {
  const payload = toBytes(statement)
  const type = Buffer.from(payloadType)
  const head = Buffer.from(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `)
  const sig = Buffer.from(signer.sign(Buffer.concat([head, payload]))).toString('base64')
  return { payload: payload.toString('base64'), payloadType, signatures: [{ sig }] as readonly unknown[] }
}

/** A bundle around a signed statement; `members` replace its own. */
export function signBundle(signer: Signer, statement: unknown, members: object = {}): BundleArtefact {
  return toBundle({
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint: hintOf(signer.key) } },
    dsseEnvelope: signEnvelope(signer, statement),
    ...members,
  })
}

export function toBundle(value: unknown): BundleArtefact {
  const bytes = toBytes(value)
  return { layout: 'bundle', bytes, source: digestOf(bytes) }
}

/** What cosign writes as a hint: SHA-256 of the SubjectPublicKeyInfo, base64. */
export function hintOf(key: PublicKey): string {
  return Buffer.from(key.fingerprint, 'hex').toString('base64')
}

function toBytes(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}
