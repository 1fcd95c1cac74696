/** The certificates in the recorded images, and the trust root that goes with them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodePublicKey } from '#core/domain/public-key.ts'
import type { CertificateAuthority, TransparencyLog, TrustRoot } from '#core/domain/trust-root.ts'
import { decodeCertificatesPem } from '#core/verify/sigstore/certificate/certificate.ts'
import { MOST_CERTIFICATES } from '#core/verify/sigstore/material.ts'
import { readImages } from '#test/support/read-layout.ts'

export type RecordedCertificate = {
  readonly image: string
  readonly certificate: Uint8Array
  readonly chain: readonly Uint8Array[]
}

/** Every signer's certificate that was recorded, in either layout. */
export function readCertificates(): readonly RecordedCertificate[] {
  return readImages().flatMap(({ name: image, artefacts }) =>
    artefacts.flatMap((artefact): readonly RecordedCertificate[] => {
      if (artefact.layout !== 'bundle') {
        const { certificate, chain } = artefact.annotations
        if (certificate === undefined || chain === undefined) return []
        const [leaf] = decodeCertificatesPem(certificate, 1)
        return leaf === undefined
          ? []
          : [{ image, certificate: leaf, chain: decodeCertificatesPem(chain, MOST_CERTIFICATES) }]
      }
      const bundle = JSON.parse(Buffer.from(artefact.bytes).toString()) as RecordedBundle
      const { certificate } = bundle.verificationMaterial
      return certificate === undefined
        ? []
        : [{ image, certificate: Buffer.from(certificate.rawBytes, 'base64'), chain: [] }]
    }),
  )
}

type RecordedBundle = { readonly verificationMaterial: { readonly certificate?: { readonly rawBytes: string } } }

type RecordedRoot = {
  readonly certificateAuthorities: readonly RecordedAuthority[]
  readonly timestampAuthorities: readonly RecordedAuthority[]
  readonly ctlogs: readonly RecordedLog[]
}

type RecordedAuthority = {
  readonly uri: string
  readonly certChain: { readonly certificates: readonly { readonly rawBytes: string }[] }
  readonly validFor: { readonly start: string }
}

type RecordedLog = {
  readonly baseUrl: string
  readonly publicKey: { readonly rawBytes: string; readonly validFor: { readonly start: string } }
  readonly logId: { readonly keyId: string }
}

/** The recorded trust root, without the logs of signatures. */
export function readTrust(): TrustRoot {
  const file = join(import.meta.dirname, '../../../../fixtures/images/trusted_root.json')
  const root = JSON.parse(readFileSync(file, 'utf8')) as RecordedRoot
  return {
    name: 'recorded',
    version: '',
    authorities: root.certificateAuthorities.map(toAuthority),
    timestampAuthorities: root.timestampAuthorities.map(toAuthority),
    logs: [],
    certificateLogs: root.ctlogs.map(toLog),
  }
}

function toAuthority({ uri, certChain, validFor }: RecordedAuthority): CertificateAuthority {
  const chain = certChain.certificates.map(({ rawBytes }) => rawBytes)
  return { name: uri, chain, validFor: { from: Date.parse(validFor.start), until: undefined } }
}

function toLog({ baseUrl, publicKey, logId }: RecordedLog): TransparencyLog {
  const id = Buffer.from(logId.keyId, 'base64').toString('hex')
  const validFor = { from: Date.parse(publicKey.validFor.start), until: undefined }
  const key = decodePublicKey(Buffer.from(publicKey.rawBytes, 'base64'))
  return { baseUrl, id, keyHint: id.slice(0, 8), key, validFor }
}
