/** Writes Sigstore bundles (protobuf-specs, sigstore_bundle.proto) as JSON, in the three versions that there are. */
import { createHash } from 'node:crypto'
import type { Envelope } from './dsse.ts'
import type { BundleJson } from './fault.ts'
import { spkiOf } from './key-pair.ts'
import type { LogEntry, Proof } from './log-entry.ts'
import type { Signed } from './sign.ts'

export const BUNDLE_VERSIONS = ['0.1', '0.2', '0.3'] as const
export type BundleVersion = (typeof BUNDLE_VERSIONS)[number]

/** What proves the signature; without it all that the bundle says is which key made it. */
export type Material = Pick<Signed, 'publicKey' | 'certificate' | 'chain' | 'entries' | 'timestamps'>

export function bundleOf(version: BundleVersion, envelope: Envelope, material: Material): BundleJson {
  const { entries, timestamps } = material
  const stamps = timestamps.map(der => ({ signedTimestamp: base64(der) }))
  return {
    mediaType: mediaTypeOf(version),
    verificationMaterial: {
      ...signerOf(version, material),
      ...(entries.length === 0 ? {} : { tlogEntries: entries.map(entry => encodeEntry(version, entry)) }),
      ...(stamps.length === 0 ? {} : { timestampVerificationData: { rfc3161Timestamps: stamps } }),
    },
    dsseEnvelope: {
      payload: Buffer.from(envelope.payload).toString('base64'),
      payloadType: envelope.payloadType,
      signatures: envelope.signatures.map(sig => ({ sig })),
    },
  }
}

function mediaTypeOf(version: BundleVersion): string {
  return version === '0.3'
    ? 'application/vnd.dev.sigstore.bundle.v0.3+json'
    : `application/vnd.dev.sigstore.bundle+json;version=${version}`
}

/** Since 0.3 the certificate comes alone: what is above it is the trust root's to say. */
function signerOf(version: BundleVersion, { publicKey, certificate, chain }: Material) {
  if (certificate === undefined) {
    return { publicKey: { hint: createHash('sha256').update(spkiOf(publicKey)).digest('base64') } }
  }
  if (version === '0.3') return { certificate: { rawBytes: base64(certificate) } }
  // the root is not in it: whoever checks has it or does not believe it
  const certificates = [certificate, ...chain.slice(0, -1)].map(der => ({ rawBytes: base64(der) }))
  return { x509CertificateChain: { certificates } }
}

/** protobuf's JSON: 64-bit numbers are text, and what is zero or empty is left out. */
function encodeEntry(version: BundleVersion, entry: LogEntry) {
  const { kind, version: kindVersion, body, logId, index, integratedTime, promise, proof } = entry
  return {
    ...(index === 0 ? {} : { logIndex: `${index}` }),
    logId: { keyId: base64(logId) },
    kindVersion: { kind, version: kindVersion },
    ...(integratedTime === undefined ? {} : { integratedTime: `${integratedTime}` }),
    ...(promise === undefined ? {} : { inclusionPromise: { signedEntryTimestamp: base64(promise) } }),
    ...(proof === undefined || version === '0.1' ? {} : { inclusionProof: encodeProof(proof) }),
    canonicalizedBody: base64(body),
  }
}

function encodeProof({ index, treeSize, rootHash, hashes, checkpoint }: Proof) {
  return {
    ...(index === 0 ? {} : { logIndex: `${index}` }),
    rootHash: base64(rootHash),
    treeSize: `${treeSize}`,
    ...(hashes.length === 0 ? {} : { hashes: hashes.map(base64) }),
    ...(checkpoint === undefined ? {} : { checkpoint: { envelope: checkpoint } }),
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
