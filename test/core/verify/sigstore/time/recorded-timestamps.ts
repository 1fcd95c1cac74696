/** Every timestamp that was recorded from the real timestamp authority, with the signature that it is of. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseTrustedRoot } from '#certs/trusted/parse-trusted-root.ts'
import { decodeLegacyTimestamp } from '#core/verify/sigstore/time/legacy-timestamp.ts'

const IMAGES = join(import.meta.dirname, '..', '..', '..', '..', 'fixtures', 'images')

export const TRUST = parseTrustedRoot(readFileSync(join(IMAGES, 'trusted_root.json')), 'recorded')

export type RecordedTimestamp = {
  readonly image: string
  readonly layout: 'bundle' | 'legacy'
  readonly response: Uint8Array
  readonly signature: Uint8Array
}

type Document = {
  readonly verificationMaterial?: {
    readonly timestampVerificationData?: {
      readonly rfc3161Timestamps?: readonly { readonly signedTimestamp: string }[]
    }
  }
  readonly dsseEnvelope?: { readonly signatures: readonly { readonly sig: string }[] }
  readonly layers?: readonly { readonly annotations?: Readonly<Record<string, string>> }[]
}

export const RECORDED: readonly RecordedTimestamp[] = readdirSync(join(IMAGES, 'layouts')).flatMap(image => {
  const blobs = join(IMAGES, 'layouts', image, 'blobs', 'sha256')
  if (!existsSync(blobs)) return []
  return readdirSync(blobs).flatMap(name => timestampsIn(image, readFileSync(join(blobs, name))))
})

function timestampsIn(image: string, blob: Buffer): readonly RecordedTimestamp[] {
  if (blob[0] !== 0x7b) return []
  const { verificationMaterial, dsseEnvelope, layers = [] } = JSON.parse(blob.toString()) as Document
  const stamps = verificationMaterial?.timestampVerificationData?.rfc3161Timestamps ?? []
  const inBundle = stamps.map(({ signedTimestamp }) => {
    const signature = Buffer.from(dsseEnvelope?.signatures[0]?.sig ?? '', 'base64')
    return { image, layout: 'bundle', response: Buffer.from(signedTimestamp, 'base64'), signature } as const
  })
  const inLayers = layers.flatMap(({ annotations = {} }) => {
    const annotation = annotations['dev.sigstore.cosign/rfc3161timestamp']
    if (annotation === undefined) return []
    const signature = Buffer.from(annotations['dev.cosignproject.cosign/signature'] ?? '', 'base64')
    return [{ image, layout: 'legacy', response: decodeLegacyTimestamp(annotation), signature } as const]
  })
  return [...inBundle, ...inLayers]
}
