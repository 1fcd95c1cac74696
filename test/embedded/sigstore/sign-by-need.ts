/** Signs an image of its own in a layout that has what a fault needs, and gives what a verifier would read. */
import type { Ask, Json } from '#test/embedded/registry/ask.ts'
import { fetchTrueOf } from '#test/embedded/registry/ask.ts'
import { readBundle, readLayers } from '#test/embedded/registry/read-signature.ts'
import type { EmbeddedRegistry, SignOrder } from '#test/support/embedded-registry.ts'
import { bundleOfLayer } from './verify-artefact.ts'

export const KEYLESS = {
  sigstore: 'acme',
  subject: 'https://ci.acme.test/build@main',
  issuer: 'https://issuer.acme.test',
}

export type Scheme = Omit<SignOrder, 'repository' | 'digest'>

/** In the order in which they are tried. */
const SCHEMES: readonly { readonly has: readonly string[]; readonly scheme: Scheme }[] = [
  {
    has: ['certificate', 'log', 'proof', 'rekor2', 'timestamp', 'statement', 'bundle'],
    scheme: { layout: 'bundle', log: 'rekor2', timestamp: true },
  },
  {
    has: ['certificate', 'chain', 'log', 'promise', 'proof', 'statement', 'bundle'],
    scheme: { layout: 'bundle', bundleVersion: '0.2', log: 'rekor1' },
  },
]

/** The scheme, good but for what is added to it, that has all of these. */
export function schemeFor(needs: readonly string[]): Scheme {
  const found = SCHEMES.find(({ has }) => needs.every(need => has.includes(need)))
  if (found === undefined) throw new Error(`no scheme has ${needs.join(', ')}`)
  return { ...found.scheme, keyless: KEYLESS }
}

export type SignedImage = {
  readonly digest: string
  /** The bundle, or the layer as one. */
  readonly text: string
  /** What a bare signature is over. */
  readonly message: Buffer | undefined
  readonly annotations: Json
}

/** Signs as ordered; the image is another one each time. */
export async function signNew(registry: EmbeddedRegistry, get: Ask, scheme: Scheme): Promise<SignedImage> {
  const repository = `sigstore/${++count}`
  const fetchTrue = fetchTrueOf(get)
  const { digest } = await registry.image({ repository })
  const { digest: manifest } = await registry.sign({ repository, digest, ...scheme })
  if (scheme.layout?.startsWith('bundle')) {
    const read = await readBundle(fetchTrue, repository, manifest)
    return { digest, text: read.text, message: undefined, annotations: read.manifest['annotations'] }
  }
  const suffix = scheme.layout === 'attachment' ? 'att' : 'sig'
  const [layer] = await readLayers(fetchTrue, repository, digest, suffix)
  if (layer === undefined) throw new Error('there is no layer')
  const { annotations, bytes } = layer
  return { digest, text: bundleOfLayer(annotations, bytes), message: bytes, annotations }
}

let count = 0
