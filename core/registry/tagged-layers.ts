/** What cosign's older layouts keep: the layers of the manifest that lies under a tag made of the image's digest. */
import type { Artefact, Found, LegacyAnnotations } from '#core/domain/artefact.ts'
import { hexOf } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { Blob } from './content.ts'
import { ambiguous, fetchBlob, fetchTag } from './content.ts'
import { fetchEach } from './fetch-each.ts'
import type { Looking } from './looking.ts'
import type { Descriptor } from './manifest.ts'
import { parseDescriptor } from './manifest.ts'
import { settle, sortOut } from './outcome.ts'
import type { Repository } from './repository.ts'

/** One of these layouts: its tag, which layers are of it, and what each becomes. */
export type TaggedLayout<Layer extends { readonly kind: 'layer'; readonly content: Descriptor }> = {
  readonly suffix: string
  /** What the content of a layer is called. */
  readonly content: string
  readonly eachBytes: number
  /** Undefined for a layer that is nothing of this layout; throws an InputError for one that cannot be read. */
  readonly read: (layer: TaggedLayer) => Layer | undefined
  readonly make: (layer: Layer, bytes: Uint8Array) => Artefact
  /** Two layers that say the same are one: whoever fills a manifest with copies costs one verification. */
  readonly keyOf: (layer: Layer) => string
}

/** A layer as it stands in the manifest; whatever else it holds is not looked at. */
export type TaggedLayer = {
  readonly value: unknown
  readonly mediaType: string
  readonly annotations: ReadonlyMap<string, string>
}

/** Finds them: one round trip for the manifest, one for the contents of all its layers. */
export async function findTagged<Layer extends { readonly kind: 'layer'; readonly content: Descriptor }>(
  repository: Repository,
  layout: TaggedLayout<Layer>,
  { digest, turns }: Looking,
  signal: AbortSignal,
): Promise<Found> {
  const tag = `sha256-${hexOf(digest)}.${layout.suffix}`
  const manifest = await settle(fetchTag(repository, tag, signal))
  if (manifest.kind === 'absent') return { artefacts: [], refusals: [], silences: [] }
  if (manifest.kind === 'refusal' || manifest.kind === 'silence') return { ...sortOut([manifest]), artefacts: [] }
  if (manifest.kind !== 'image-manifest')
    return withoutArtefacts(ambiguous(repository, tag, `expected an image manifest, got an ${manifest.kind}`))
  const read = manifest.items.flatMap(item => readLayer(repository, layout, tag, item))
  const { signatures: most, attachedBytes } = repository.limits
  if (read.length > most) {
    const detail = `${repository.about}: expected at most ${most} signatures in ${tag}, got ${read.length}`
    return withoutArtefacts(refusal('limit.exceeded', detail))
  }
  const { values: layers, refusals } = sortOut(read)
  const fetched = await fetchEach(
    repository,
    layers.map(({ content }) => content),
    { turns, eachBytes: layout.eachBytes, bytes: attachedBytes },
    content => fetchContent(repository, layout.content, content, signal),
  )
  const contents = sortOut(fetched)
  const { refusals: all, silences } = sortOut([...refusals, ...contents.refusals, ...contents.silences])
  return { artefacts: join(layout, layers, contents.values), refusals: all, silences }
}

const ANNOTATIONS = {
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
  bundle: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const

/** The annotations in which cosign keeps what proves who signed, and when. */
export function legacyAnnotationsOf({ annotations }: TaggedLayer): LegacyAnnotations {
  return {
    certificate: annotations.get(ANNOTATIONS.certificate),
    chain: annotations.get(ANNOTATIONS.chain),
    bundle: annotations.get(ANNOTATIONS.bundle),
    timestamp: annotations.get(ANNOTATIONS.timestamp),
  }
}

function readLayer<Layer extends { readonly kind: 'layer'; readonly content: Descriptor }>(
  repository: Repository,
  layout: TaggedLayout<Layer>,
  tag: string,
  value: unknown,
): readonly (Layer | Refusal)[] {
  const { mediaType, annotations } = (value ?? {}) as { readonly mediaType?: unknown; readonly annotations?: unknown }
  const texts = Object.entries(typeof annotations === 'object' ? (annotations ?? {}) : {}).filter(isText)
  try {
    const layer = layout.read({
      value,
      mediaType: typeof mediaType === 'string' ? mediaType.toLowerCase() : '',
      annotations: new Map(texts),
    })
    return layer === undefined ? [] : [layer]
  } catch (error) {
    if (error instanceof InputError) return [ambiguous(repository, `a layer of ${tag}`, error.message)]
    throw error
  }
}

function isText(entry: readonly [string, unknown]): entry is [string, string] {
  return typeof entry[1] === 'string'
}

/** The layer as a descriptor; throws an InputError. */
export function contentOf({ value }: TaggedLayer): Descriptor {
  return parseDescriptor(value)
}

async function fetchContent(
  repository: Repository,
  what: string,
  content: Descriptor,
  signal: AbortSignal,
): Promise<Blob | Refusal> {
  const blob = await fetchBlob(repository, content, signal)
  if (blob.kind !== 'absent') return blob
  return refusal('signature.invalid', `${repository.about}: the ${what} ${content.digest} is not in the registry`)
}

function join<Layer extends { readonly kind: 'layer'; readonly content: Descriptor }>(
  layout: TaggedLayout<Layer>,
  layers: readonly Layer[],
  contents: readonly Blob[],
): readonly Artefact[] {
  const byDigest = new Map(contents.map(blob => [blob.digest, blob.bytes]))
  const artefacts = new Map<string, Artefact>()
  for (const layer of layers) {
    const bytes = byDigest.get(layer.content.digest)
    if (bytes !== undefined) artefacts.set(layout.keyOf(layer), layout.make(layer, bytes))
  }
  return [...artefacts.keys()].toSorted().map(key => artefacts.get(key) as Artefact)
}

function withoutArtefacts(because: Refusal): Found {
  return { artefacts: [], refusals: [because], silences: [] }
}
