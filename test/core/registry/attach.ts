/** A registry of a test file's own, and what is put beside the images in it by hand: also what cosign would never write. */
import type { Artefact, Found } from '#core/domain/artefact.ts'
import { digestOf, hexOf, parseDigest } from '#core/domain/digest.ts'
import type { Search } from '#core/domain/search.ts'
import type { RegistryView } from '#core/registry/client.ts'
import { RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
import { makeClient, patience, pinned, SIGNATURES } from './make-client.ts'
import { INDEX_TYPE, MANIFEST_TYPE } from './serve.ts'

type Test = { readonly teardown: (end: () => Promise<void>) => unknown }

export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const SIGNATURE = 'dev.cosignproject.cosign/signature'
export const nothing: Found = { artefacts: [], refusals: [], silences: [] }

/** What a demand for signatures and attestations in any layout looks into. */
export const EVERYTHING: Search = { places: ['signature-tag', 'attestation-tag', 'referrers'], isForAttestations: true }

export type Made = { readonly digest: string; readonly size: number; readonly mediaType: string }

export function layer(blob: string | Uint8Array, more: object = {}) {
  return {
    mediaType: 'application/octet-stream',
    digest: digestOf(Buffer.from(blob)),
    size: Buffer.from(blob).byteLength,
    ...more,
  }
}

export function signatureLayer(payload: string, signature: unknown = 'c2ln', more: object = {}) {
  return layer(payload, { annotations: { [SIGNATURE]: signature }, ...more })
}

export function texts(artefacts: readonly Artefact[]): readonly string[] {
  return artefacts.map(one => Buffer.from(one.layout === 'simple-signing' ? one.payload : one.bytes).toString())
}

/** Starts a registry that serves the recorded images under `vec`, and makes a client of it. */
export async function openStage(t: Test) {
  const registry = await startRegistry(t, { layouts: RECORDED_LAYOUTS })
  const { host } = registry
  // More requests go to one host here than a client that spares it would send in a hurry.
  const entry = { host, plainHttp: true, requests: { perSecond: 1000, burst: 10_000 } }
  const client = makeClient(t, [entry])

  async function look(repository: string, digest: string, by: RegistryView = client, signal = patience) {
    const { manifest, places } = by.discover(pinned(host, repository, digest), SIGNATURES, signal)
    const [legacy = nothing, bundles = nothing] = await Promise.all(places)
    return { manifest: await manifest, legacy, bundles }
  }

  let images = 0
  /** A new repository with one unsigned image. */
  async function makeImage(): Promise<{ readonly repository: string; readonly digest: string; readonly hex: string }> {
    const repository = `acme/app-${images++}`
    const { digest } = await registry.image({ repository })
    return { repository, digest, hex: hexOf(parseDigest(digest)) }
  }

  /** Puts a `.sig` manifest with these layers beside the image. */
  async function putLegacy(repository: string, hex: string, layers: readonly unknown[]): Promise<void> {
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config: {}, layers })
    await registry.put({ repository, tag: `sha256-${hex}.sig`, mediaType: MANIFEST_TYPE, manifest })
  }

  /** Puts a manifest with these layers that refers to nothing, and gives its descriptor. */
  async function putReferrer(repository: string, layers: readonly unknown[], more: object = {}): Promise<Made> {
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config: {}, layers, ...more })
    const digest = await registry.put({ repository, mediaType: MANIFEST_TYPE, manifest })
    return { digest, size: Buffer.from(manifest).byteLength, mediaType: MANIFEST_TYPE }
  }

  async function putBundle(repository: string, text: string): Promise<Made> {
    await registry.put({ repository, blob: Buffer.from(text) })
    return putReferrer(repository, [layer(text, { mediaType: BUNDLE_TYPE })])
  }

  /** Lists these descriptors under the tag that stands in for the referrers API. */
  async function list(repository: string, hex: string, manifests: readonly unknown[]): Promise<void> {
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests })
    await registry.put({ repository, tag: `sha256-${hex}`, mediaType: INDEX_TYPE, manifest })
  }

  return { registry, host, entry, client, look, makeImage, putLegacy, putReferrer, putBundle, list }
}
