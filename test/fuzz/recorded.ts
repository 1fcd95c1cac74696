/** What the real cosign and the real services wrote, taken apart into seeds. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseTrustedRoot } from '#certs/trusted/parse-trusted-root.ts'
import type { Artefact } from '#core/domain/artefact.ts'
import { DEFAULT_TRUST_ROOT } from '#core/domain/trust-root.ts'
import { RECORDED_LAYOUTS } from '#test/support/embedded-registry.ts'
import { readImages } from '#test/support/read-layout.ts'

export const TRUSTED_ROOT = readFileSync(join(RECORDED_LAYOUTS, '../trusted_root.json'))
export const ROOT = parseTrustedRoot(TRUSTED_ROOT, DEFAULT_TRUST_ROOT)
export const TRUST = new Map([[DEFAULT_TRUST_ROOT, ROOT]])

export const IMAGES = readImages()
export const ARTEFACTS: readonly Artefact[] = IMAGES.flatMap(({ artefacts }) => artefacts)

/** Manifests and indexes, as the registry would serve them. */
export const MANIFESTS: readonly Uint8Array[] = readdirSync(RECORDED_LAYOUTS).flatMap(image => {
  const folder = join(RECORDED_LAYOUTS, image, 'blobs/sha256')
  return readdirSync(folder)
    .map(name => readFileSync(join(folder, name)))
    .filter(blob => blob.includes('"schemaVersion"'))
})

export function distinct(all: readonly Uint8Array[]): readonly Uint8Array[] {
  return [...new Map(all.map(bytes => [Buffer.from(bytes).toString('latin1'), bytes])).values()]
}
