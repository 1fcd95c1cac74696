/** Pushes what no tool of good will would push: a registry takes what is valid to it, and keeps it. */
import { createHash } from 'node:crypto'

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json'

export type Descriptor = {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
}

export type Manifest = {
  readonly schemaVersion: 2
  readonly mediaType?: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

/** The tag under which cosign keeps the signatures of an image. */
export function signatureTag(digest: string): string {
  return `${digest.replace(':', '-')}.sig`
}

export function describe(content: string | Uint8Array, mediaType: string): Descriptor {
  const bytes = Buffer.from(content)
  return { mediaType, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.byteLength }
}

/** One repository of a registry that asks nobody who they are. */
export function openRepository(host: string, name: string) {
  const base = `http://${host}/v2/${name}`
  const ask = async (url: string | URL, init: RequestInit) => {
    const answer = await fetch(url, init)
    if (!answer.ok)
      throw new Error(`expected a success of ${init.method ?? 'GET'} ${String(url)}, found ${answer.status}`)
    return answer
  }
  const putManifest = (tag: string, content: string, mediaType: string) =>
    fetch(`${base}/manifests/${tag}`, { method: 'PUT', body: content, headers: { 'content-type': mediaType } })
  return {
    async pushBlob(content: string | Uint8Array, mediaType: string): Promise<Descriptor> {
      const blob = describe(content, mediaType)
      const begun = await ask(`${base}/blobs/uploads/`, { method: 'POST' })
      await begun.arrayBuffer()
      const place = new URL(begun.headers.get('location') ?? '', base)
      place.searchParams.set('digest', blob.digest)
      const headers = { 'content-type': 'application/octet-stream' }
      await ask(place, { method: 'PUT', body: Buffer.from(content), headers })
      return blob
    },
    /** Whether the registry takes it. */
    async offerManifest(tag: string, content: string, mediaType = MANIFEST_TYPE): Promise<boolean> {
      return (await putManifest(tag, content, mediaType)).ok
    },
    /** Gives its digest. */
    async pushManifest(tag: string, manifest: object, mediaType = MANIFEST_TYPE): Promise<string> {
      const content = JSON.stringify(manifest)
      const { ok, status } = await putManifest(tag, content, mediaType)
      if (!ok) throw new Error(`expected ${base} to take ${tag}, found ${status}`)
      return describe(content, mediaType).digest
    },
    async readManifest(tag: string): Promise<Manifest> {
      const accept = `${MANIFEST_TYPE}, ${INDEX_TYPE}`
      return (await (await ask(`${base}/manifests/${tag}`, { headers: { accept } })).json()) as Manifest
    },
  }
}
