/** A client that believes nothing: what the tests of the embedded registry ask it with. */
import { createHash } from 'node:crypto'
import type { EmbeddedRegistry } from '#test/support/embedded-registry.ts'

export const INDEX = 'application/vnd.oci.image.index.v1+json'
export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json'

export type Json = { readonly [key: string]: any } // oxlint-disable-line typescript/no-explicit-any

export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
  readonly text: string
  readonly json: () => Json
}

export type Ask = (path: string, init?: RequestInit) => Promise<Answer>
export type FetchTrue = (repository: string, kind: 'manifests' | 'blobs', reference: string) => Promise<Buffer>

/** The digest as the spec defines it, computed here. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** Asks for any path; redirects are not followed. */
export function askOf({ host }: EmbeddedRegistry): Ask {
  return async (path, init = {}) => {
    const response = await fetch(`http://${host}${path}`, { redirect: 'manual', ...init })
    const bytes = Buffer.from(await response.arrayBuffer())
    const text = bytes.toString()
    return { status: response.status, headers: response.headers, bytes, text, json: () => JSON.parse(text) as Json }
  }
}

/** Fetches a manifest or blob; rejects where address, header and content do not agree. */
export function fetchTrueOf(get: Ask): FetchTrue {
  return async (repository, kind, reference) => {
    const { status, bytes, headers } = await get(`/v2/${repository}/${kind}/${reference}`)
    if (status !== 200) throw new Error(`${status} for ${repository} ${reference}`)
    const digest = digestOf(bytes)
    if (headers.get('docker-content-digest') !== digest) throw new Error(`the header lies about ${reference}`)
    if (reference.startsWith('sha256:') && reference !== digest) throw new Error(`the body is not ${reference}`)
    return bytes
  }
}

/** The page that the Link header names; empty when it names none. */
export function nextPage({ headers }: Answer): string {
  return /^<(.+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1] ?? ''
}
