/** What the registry holds, in memory: every byte under its true digest, whatever the faults say on the wire. */
import type { Digest } from '#core/domain/digest.ts'
import { digestOf } from '#core/domain/digest.ts'
import { OCI_INDEX } from './media-types.ts'

/** OCI image-spec, descriptor.md: how one piece of content names another. */
export type Descriptor = {
  readonly mediaType: string
  readonly size: number
  readonly digest: Digest
  readonly platform?: { readonly architecture: string; readonly os: string }
  readonly annotations?: Readonly<Record<string, string>>
  readonly artifactType?: string
}

export type StoredManifest = { readonly mediaType: string; readonly bytes: Uint8Array; readonly digest: Digest }

/** The parts of a manifest that a registry reads; anybody may have written it, so none need be there. */
type ManifestParts = {
  readonly subject?: { readonly digest?: unknown }
  readonly artifactType?: string
  readonly config?: { readonly mediaType?: string }
  readonly annotations?: Readonly<Record<string, string>>
}

/** All repositories by name. */
export class Store {
  readonly #repositories = new Map<string, Repository>()

  find(name: string): Repository | undefined {
    return this.#repositories.get(name)
  }

  /** The repository of this name, made when it is first spoken of. */
  open(name: string): Repository {
    const found = this.#repositories.get(name) ?? new Repository()
    this.#repositories.set(name, found)
    return found
  }
}

/** One repository: blobs, manifests, tags, and who refers to whom. */
export class Repository {
  /** Off: this repository behaves like a registry older than distribution-spec 1.1, where a tag lists the referrers. */
  hasReferrersApi = true
  /** Entries per page of referrers and tags; undefined: all on one page. */
  pageSize: number | undefined

  readonly #blobs = new Map<string, Uint8Array>()
  readonly #manifests = new Map<string, StoredManifest>()
  readonly #tags = new Map<string, Digest>()
  readonly #referrers = new Map<string, Map<Digest, Descriptor>>()

  putBlob(bytes: Uint8Array): Digest {
    const digest = digestOf(bytes)
    this.#blobs.set(digest, bytes)
    return digest
  }

  /** Stores a blob and gives the descriptor that a manifest names it by. */
  add(mediaType: string, bytes: Uint8Array): Descriptor {
    return { mediaType, size: bytes.byteLength, digest: this.putBlob(bytes) }
  }

  blob(digest: string): Uint8Array | undefined {
    return this.#blobs.get(digest)
  }

  /** Stores a manifest as it is, moves the tag to it, and lists it under its subject if it names one. */
  putManifest(bytes: Uint8Array, mediaType: string, tag?: string): Descriptor {
    const descriptor = { mediaType, size: bytes.byteLength, digest: digestOf(bytes) }
    this.#manifests.set(descriptor.digest, { mediaType, bytes, digest: descriptor.digest })
    if (tag !== undefined) this.#tags.set(tag, descriptor.digest)
    const { subject, annotations, artifactType, config } = partsOf(bytes)
    if (typeof subject?.digest === 'string') {
      const type = artifactType ?? config?.mediaType
      this.refer(subject.digest, {
        ...descriptor,
        ...(annotations === undefined ? {} : { annotations }),
        ...(type === undefined ? {} : { artifactType: type }),
      })
    }
    return descriptor
  }

  manifest(tagOrDigest: string): StoredManifest | undefined {
    return this.#manifests.get(this.#tags.get(tagOrDigest) ?? tagOrDigest)
  }

  tag(name: string, digest: Digest): void {
    this.#tags.set(name, digest)
  }

  tags(): readonly string[] {
    return [...this.#tags.keys()].toSorted()
  }

  /** Says that a manifest refers to a subject, which need not be there (distribution-spec, "Pushing Manifests with Subject"). */
  refer(subject: string, descriptor: Descriptor): void {
    const known = this.#referrers.get(subject) ?? new Map<Digest, Descriptor>()
    known.set(descriptor.digest, descriptor)
    this.#referrers.set(subject, known)
  }

  referrers(subject: string): readonly Descriptor[] {
    return [...(this.#referrers.get(subject)?.values() ?? [])]
  }
}

/** An index as bytes, keys in the order that the Go tools write them. */
export function encodeIndex(manifests: readonly Descriptor[]): Uint8Array {
  return encodeJson({ schemaVersion: 2, mediaType: OCI_INDEX, manifests })
}

export function encodeJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

/** Hostile manifests are stored too: what is no JSON object refers to nothing. */
function partsOf(bytes: Uint8Array): ManifestParts {
  try {
    return (JSON.parse(Buffer.from(bytes).toString()) as ManifestParts | null) ?? {}
  } catch {
    return {}
  }
}
