/** Builds a small real image, or an index of several; the same order gives the same digest. */
import { gzipSync } from 'node:zlib'
import type { Digest } from '#core/domain/digest.ts'
import { digestOf } from '#core/domain/digest.ts'
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from './media-types.ts'
import type { Descriptor, Repository } from './store.ts'
import { encodeIndex, encodeJson } from './store.ts'
import { encodeTar } from './tar.ts'

export type ImageOrder = {
  readonly tag: string
  /** The text of the image's only file. */
  readonly contents: string
  /** Children of an index; undefined builds a plain image. */
  readonly platforms?: number | undefined
}

export type BuiltImage = { readonly digest: Digest; readonly children: readonly Digest[] }

const ARCHITECTURES = ['amd64', 'arm64', 'arm', 'ppc64le', 's390x', 'riscv64']

/** Builds what is ordered and moves the tag to it. */
export function buildImage(repository: Repository, { tag, contents, platforms }: ImageOrder): BuiltImage {
  if (platforms === undefined) {
    const image = buildManifest(repository, contents, 'amd64')
    repository.tag(tag, image.digest)
    return { digest: image.digest, children: [] }
  }
  const children = Array.from({ length: platforms }, (_, nth) => {
    const architecture = ARCHITECTURES[nth] ?? `arch${nth}`
    const child = buildManifest(repository, `${contents} for ${architecture}`, architecture)
    return { ...child, platform: { architecture, os: 'linux' } }
  })
  const { digest } = repository.putManifest(encodeIndex(children), OCI_INDEX, tag)
  return { digest, children: children.map(child => child.digest) }
}

function buildManifest(repository: Repository, contents: string, architecture: string): Descriptor {
  const tar = encodeTar('contents.txt', Buffer.from(contents))
  const config = repository.add(OCI_CONFIG, encodeJson(configOf(architecture, digestOf(tar))))
  const layer = repository.add(OCI_LAYER, gzipSync(tar))
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] }
  return repository.putManifest(encodeJson(manifest), OCI_MANIFEST)
}

function configOf(architecture: string, diffId: Digest) {
  return {
    architecture,
    created: '1970-01-01T00:00:00Z',
    history: [{ created: '1970-01-01T00:00:00Z' }],
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [diffId] },
    config: {},
  }
}
