/** Reads signatures as cosign lays them down, and checks them with node:crypto. */
import type { KeyObject } from 'node:crypto'
import { constants, verify } from 'node:crypto'
import { ed25519ph } from '@noble/curves/ed25519.js'
import type { Ask, FetchTrue, Json } from './ask.ts'

export type Scheme = { readonly hash?: string; readonly padding?: string; readonly prehash?: boolean }

/** Checks a raw signature without the code under test. */
export function isSignedBy(key: KeyObject, message: Uint8Array, signature: Uint8Array, scheme: Scheme): boolean {
  if (scheme.prehash) {
    return ed25519ph.verify(signature, message, Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url'))
  }
  if (key.asymmetricKeyType === 'ed25519') return verify(null, message, key, signature)
  const padding = scheme.padding === 'pss' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING
  const isRsa = key.asymmetricKeyType === 'rsa'
  return verify(scheme.hash ?? 'sha256', message, isRsa ? { key, padding } : key, signature)
}

/** The layers of the `.sig` tag, each with its payload. */
export async function readSimple(fetchTrue: FetchTrue, repository: string, image: string) {
  const manifest = parse(await fetchTrue(repository, 'manifests', `${image.replace(':', '-')}.sig`))
  const config = parse(await fetchTrue(repository, 'blobs', manifest['config'].digest))
  const signatures = []
  for (const { bytes, annotations } of await readLayers(fetchTrue, repository, image, 'sig')) {
    const base64: string | undefined = annotations['dev.cosignproject.cosign/signature']
    signatures.push({ payload: bytes, base64, signature: Buffer.from(base64 ?? '', 'base64') })
  }
  return { manifest, config, signatures }
}

/** The layers of the `.sig` or `.att` tag, as they are. */
export async function readLayers(fetchTrue: FetchTrue, repository: string, image: string, suffix: 'sig' | 'att') {
  const manifest = parse(await fetchTrue(repository, 'manifests', `${image.replace(':', '-')}.${suffix}`))
  const layers = []
  for (const { digest, mediaType, annotations = {} } of manifest['layers']) {
    const bytes = await fetchTrue(repository, 'blobs', digest)
    layers.push({ mediaType: mediaType as string, annotations: annotations as Json, bytes })
  }
  return layers
}

/** The bundle that a referrer carries, and what its signature is over. */
export async function readBundle(fetchTrue: FetchTrue, repository: string, referrer: string) {
  const manifest = parse(await fetchTrue(repository, 'manifests', referrer))
  const text = (await fetchTrue(repository, 'blobs', manifest['layers'][0].digest)).toString()
  return { manifest, text }
}

/** What the envelope holds, and the bytes its signatures are over. */
export function openEnvelope(text: string) {
  const bundle = JSON.parse(text) as Json
  const { payload, payloadType, signatures } = bundle['dsseEnvelope']
  const bytes = Buffer.from(payload, 'base64')
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${bytes.length} `
  const signed = signatures.map(({ sig }: { readonly sig: string }) => Buffer.from(sig, 'base64'))
  return { bundle, statement: bytes.toString(), pae: Buffer.concat([Buffer.from(head), bytes]), signatures: signed }
}

/** The digest of the first referrer that the registry lists. */
export async function firstReferrer(get: Ask, repository: string, digest: string): Promise<string> {
  return (await get(`/v2/${repository}/referrers/${digest}`)).json()['manifests'][0].digest
}

function parse(bytes: Uint8Array): Json {
  return JSON.parse(Buffer.from(bytes).toString()) as Json
}
