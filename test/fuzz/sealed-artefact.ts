/** Which artefacts may be proven: those in which all that was signed is as it was recorded, whatever became of the rest. */
import type { Artefact } from '#core/domain/artefact.ts'
import { decodeCertificatesPem } from '#core/verify/sigstore/certificate/certificate.ts'

type Json = { readonly [key: string]: Json } & { readonly length: number } & string

/** Artefacts as bytes, so that one can be changed in any part; undefined for bytes that are none. */
export function decodeArtefact(bytes: Uint8Array, layout: Artefact['layout']): Artefact | undefined {
  if (layout === 'bundle') return { layout, bytes, source: NO_SOURCE }
  try {
    const { content, signature, certificate, chain, bundle, timestamp } = JSON.parse(Buffer.from(bytes).toString())
    const annotations = { certificate, chain, bundle, timestamp }
    if (![content, ...Object.values(annotations), signature].every(isTextOrNothing)) return undefined
    const held = Buffer.from(content ?? '')
    return layout === 'attachment'
      ? { layout, bytes: held, annotations, source: NO_SOURCE }
      : { layout, payload: held, signature: signature ?? '', annotations, source: NO_SOURCE }
  } catch {
    return undefined
  }
}

/** A registry's JSON has been read before: what is no text is not there. */
function isTextOrNothing(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

export function encodeArtefact(artefact: Artefact): Uint8Array {
  if (artefact.layout === 'bundle') return artefact.bytes
  const content = Buffer.from(artefact.layout === 'attachment' ? artefact.bytes : artefact.payload).toString()
  const signature = artefact.layout === 'attachment' ? undefined : artefact.signature
  return Buffer.from(JSON.stringify({ content, signature, ...artefact.annotations }))
}

const NO_SOURCE = `sha256:${'0'.repeat(64)}` as Artefact['source']

export type Seal = {
  /** Layout, certificate, payload and signature: two artefacts that are the same in these prove the same. */
  readonly signed: string
  /** What the entries say that logs hold. One that is good is enough, whatever stands beside it. */
  readonly logged: readonly string[]
}

export function sealOf(artefact: Artefact): Seal {
  const { certificate, envelope, bodies } =
    artefact.layout === 'bundle' ? partsOfBundle(artefact.bytes) : partsOfLegacy(artefact)
  return {
    signed: JSON.stringify([artefact.layout, certificate, envelope]),
    logged: bodies.flatMap(body => body ?? []),
  }
}

/** Whether all that proves the one is in the other. */
export function isSealedAs(artefact: Seal, recorded: Seal): boolean {
  return artefact.signed === recorded.signed && recorded.logged.every(body => artefact.logged.includes(body))
}

function partsOfBundle(bytes: Uint8Array) {
  const bundle = JSON.parse(Buffer.from(bytes).toString()) as Json
  const { verificationMaterial: material, dsseEnvelope } = bundle
  const entries = (material?.['tlogEntries'] ?? []) as unknown as readonly Json[]
  const [first] = (material?.['x509CertificateChain']?.['certificates'] ?? []) as unknown as readonly Json[]
  return {
    certificate: material?.['certificate']?.['rawBytes'] ?? first?.['rawBytes'],
    envelope: sealOfEnvelope(dsseEnvelope),
    bodies: entries.map(entry => entry['canonicalizedBody']),
  }
}

function sealOfEnvelope(envelope: Json | undefined) {
  const [signature] = (envelope?.['signatures'] ?? []) as unknown as readonly Json[]
  return [envelope?.['payload'], envelope?.['payloadType'], signature?.['sig']]
}

function partsOfLegacy(artefact: Exclude<Artefact, { readonly layout: 'bundle' }>) {
  const { certificate, bundle } = artefact.annotations
  const [leaf] = certificate ? decodeCertificatesPem(certificate, 1) : []
  const body = bundle ? (JSON.parse(bundle) as Json)['Payload']?.['body'] : undefined
  return {
    certificate: leaf && Buffer.from(leaf).toString('base64'),
    envelope:
      artefact.layout === 'attachment'
        ? sealOfEnvelope(JSON.parse(Buffer.from(artefact.bytes).toString()) as Json)
        : [Buffer.from(artefact.payload).toString(), artefact.signature],
    bodies: [body],
  }
}
