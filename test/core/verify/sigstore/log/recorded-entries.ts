/** The log entries among the recorded images, in the form in which they lie there, each with what it is about. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parsePemBlock } from '#core/domain/pem.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import type { Logged } from '#core/verify/sigstore/log/body.ts'
import { decodeLegacyEntry, decodeLogEntry } from '#core/verify/sigstore/log/decode-entry.ts'
import type { LogEntry } from '#core/verify/sigstore/material.ts'
import { encodePreAuth } from '#core/verify/statement/dsse.ts'

const IMAGES = join(import.meta.dirname, '../../../../fixtures/images')

export type RecordedEntry = {
  readonly image: string
  /** An annotation, or the value in a bundle. */
  readonly raw: string | object
  readonly entry: LogEntry
  readonly logged: Logged
}

type Layer = { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }
type Json = {
  readonly layers?: readonly Layer[]
  readonly verificationMaterial?: Material
  readonly dsseEnvelope?: Envelope
}
type Material = {
  readonly tlogEntries?: readonly object[]
  readonly certificate?: { readonly rawBytes: string }
  readonly publicKey?: object
}
type Envelope = {
  readonly payload: string
  readonly payloadType: string
  readonly signatures: readonly [{ readonly sig: string }]
}

export const trustedRoot = () => readFileSync(join(IMAGES, 'trusted_root.json'))

export function readRecordedEntries(): readonly RecordedEntry[] {
  return readdirSync(join(IMAGES, 'layouts')).flatMap(image => {
    const folder = join(IMAGES, 'layouts', image, 'blobs/sha256')
    return readdirSync(folder).flatMap(name => entriesIn(image, folder, name))
  })
}

function entriesIn(image: string, folder: string, name: string): readonly RecordedEntry[] {
  const json = readJson(readFileSync(join(folder, name)))
  const { verificationMaterial: material, dsseEnvelope: envelope } = json
  const ofBundle = (material?.tlogEntries ?? []).map(raw => {
    if (material === undefined || envelope === undefined) throw new Error(`no envelope in ${image}`)
    const logged = { ...signedEnvelope(envelope), verifier: verifierOf(derOf(material)) }
    return { image, raw, entry: decodeLogEntry(raw), logged }
  })
  const ofLayers = (json.layers ?? []).flatMap(({ digest, annotations = {} }) => {
    const raw = annotations['dev.sigstore.cosign/bundle']
    if (raw === undefined) return []
    const blob = readFileSync(join(folder, digest.replace('sha256:', '')))
    const pem = annotations['dev.sigstore.cosign/certificate']
    const signature = annotations['dev.cosignproject.cosign/signature'] ?? ''
    const signed =
      signature === ''
        ? signedEnvelope(readJson(blob) as Envelope)
        : { message: blob, payload: undefined, signature: Buffer.from(signature, 'base64') }
    const verifier = verifierOf(pem === undefined ? undefined : Buffer.from(parsePemBlock(pem).der))
    return [{ image, raw, entry: decodeLegacyEntry(raw), logged: { ...signed, verifier } }]
  })
  return [...ofBundle, ...ofLayers]
}

function signedEnvelope({ payload, payloadType, signatures }: Envelope): Omit<Logged, 'verifier'> {
  const bytes = Buffer.from(payload, 'base64')
  return {
    message: encodePreAuth(payloadType, bytes),
    payload: bytes,
    signature: Buffer.from(signatures[0].sig, 'base64'),
  }
}

function derOf({ certificate }: Material): Buffer | undefined {
  return certificate === undefined ? undefined : Buffer.from(certificate.rawBytes, 'base64')
}

/** The key that signs wherever no certificate does. */
function verifierOf(certificate: Buffer | undefined): Logged['verifier'] {
  if (certificate !== undefined) return { kind: 'certificate', der: certificate }
  const { spki } = parsePublicKey(readFileSync(join(IMAGES, 'keys/p256.pub'), 'utf8'))
  return { kind: 'key', der: Buffer.from(spki, 'base64') }
}

function readJson(bytes: Buffer): Json | (Envelope & Json) {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return {}
  }
}
