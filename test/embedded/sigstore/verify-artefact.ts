/** The oracle: what @sigstore/verify says of what the embedded Sigstore has made. */

import { createHash, createPublicKey } from 'node:crypto'
import type { SerializedBundle } from '@sigstore/bundle'
import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import type { TrustMaterial, VerifierOptions } from '@sigstore/verify'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import type { Json } from '#test/embedded/registry/ask.ts'

/** Believes the trust root, and this key where the signature is by a key. */
export function trustOf(root: unknown, pem?: string): TrustMaterial {
  return toTrustMaterial(TrustedRoot.fromJSON(root), () => ({
    publicKey: createPublicKey(pem ?? ''),
    validFor: () => true,
  }))
}

type Verdict = {
  readonly subject?: string | undefined
  readonly issuer?: string | undefined
  readonly refused?: string
}
type Artefact = { readonly text: string; readonly message: Buffer | undefined }

/** Who signed, or why it is refused. `message` is what was signed, where that is not in the bundle. */
export function verifyBundle(
  trust: TrustMaterial,
  { text, message }: Artefact,
  options: VerifierOptions = {},
): Verdict {
  try {
    const bundle = bundleFromJSON(JSON.parse(text) as SerializedBundle)
    const signer = new Verifier(trust, options).verify(toSignedEntity(bundle, message))
    return { subject: signer.identity?.subjectAlternativeName, issuer: signer.identity?.extensions?.issuer }
  } catch (error) {
    return { refused: String(error) }
  }
}

/** cosign's older layouts as a bundle 0.1, which holds the same. */
export function bundleOfLayer(annotations: Json, signed: Buffer): string {
  const log = annotations['dev.sigstore.cosign/bundle']
  const stamp = annotations['dev.sigstore.cosign/rfc3161timestamp']
  const signature: string = annotations['dev.cosignproject.cosign/signature']
  const stamps = stamp === undefined ? [] : [{ signedTimestamp: JSON.parse(stamp).SignedRFC3161Timestamp }]
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      ...signerOf(annotations['dev.sigstore.cosign/certificate']),
      tlogEntries: log === undefined ? [] : [entryOf(JSON.parse(log))],
      timestampVerificationData: { rfc3161Timestamps: stamps },
    },
    ...(signature === ''
      ? { dsseEnvelope: JSON.parse(signed.toString()) }
      : { messageSignature: messageOf(signature, signed) }),
  })
}

function signerOf(pem: string | undefined) {
  if (pem === undefined) return { publicKey: { hint: 'the key' } }
  const rawBytes = pem.replaceAll(/-----[A-Z ]+-----|\n/g, '')
  return { x509CertificateChain: { certificates: [{ rawBytes }] } }
}

function entryOf({ SignedEntryTimestamp, Payload }: Json) {
  const { kind, apiVersion } = JSON.parse(Buffer.from(Payload.body, 'base64').toString())
  return {
    logIndex: `${Payload.logIndex}`,
    logId: { keyId: Buffer.from(Payload.logID, 'hex').toString('base64') },
    kindVersion: { kind, version: apiVersion },
    integratedTime: `${Payload.integratedTime}`,
    inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
    canonicalizedBody: Payload.body,
  }
}

function messageOf(signature: string, signed: Buffer) {
  return { messageDigest: { algorithm: 'SHA2_256', digest: sha256(signed) }, signature }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64')
}
