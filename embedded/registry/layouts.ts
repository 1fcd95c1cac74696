/** Reads OCI image layouts from disk into the store, one repository per folder; a file that lies about its digest is an error. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestOf, hexOf, parseDigest } from '#core/domain/digest.ts'
import { OCI_INDEX } from './media-types.ts'
import type { Descriptor, Repository, Store } from './store.ts'

type Index = { readonly manifests: readonly Descriptor[] }

const TAG_ANNOTATION = 'org.opencontainers.image.ref.name'
/** Written by the registry the images were recorded from: this index lists the referrers of that digest. */
const REFERRERS_ANNOTATION = 'org.olareg.referrer.subject'
/** distribution-spec, "Referrers Tag Schema": such a tag is written only where the registry has no referrers API. */
const REFERRERS_TAG = /^sha256-[0-9a-f]{64}$/

/** Serves each subfolder of `folder` that holds an `oci-layout` as `prefix/NAME`. */
export function readLayouts(folder: string, prefix: string, store: Store): void {
  for (const name of readdirSync(folder)) {
    if (existsSync(join(folder, name, 'oci-layout'))) readLayout(join(folder, name), store.open(`${prefix}/${name}`))
  }
}

function readLayout(layout: string, repository: Repository): void {
  const blobs = join(layout, 'blobs', 'sha256')
  for (const file of readdirSync(blobs)) {
    const bytes = readFileSync(join(blobs, file))
    if (hexOf(digestOf(bytes)) !== file) throw new Error(`${join(blobs, file)} has the digest ${digestOf(bytes)}`)
    repository.putBlob(bytes)
  }
  const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as Index
  for (const descriptor of manifests) {
    addManifest(descriptor, repository)
    addNames(descriptor, repository)
  }
}

function addManifest({ digest, mediaType }: Descriptor, repository: Repository): void {
  const bytes = repository.blob(parseDigest(digest))
  if (bytes === undefined) throw new Error(`${digest} is listed, but not in the layout`)
  repository.putManifest(bytes, mediaType)
  for (const child of childrenOf(bytes, mediaType)) addManifest(child, repository)
}

function addNames({ digest, mediaType, annotations = {} }: Descriptor, repository: Repository): void {
  const tag = annotations[TAG_ANNOTATION]
  if (tag !== undefined) repository.tag(tag, digest)
  if (tag !== undefined && REFERRERS_TAG.test(tag)) repository.hasReferrersApi = false
  const subject = annotations[REFERRERS_ANNOTATION]
  if (subject === undefined) return
  for (const referrer of childrenOf(repository.blob(digest), mediaType)) repository.refer(subject, referrer)
}

function childrenOf(bytes: Uint8Array | undefined, mediaType: string): readonly Descriptor[] {
  if (bytes === undefined || mediaType !== OCI_INDEX) return []
  return (JSON.parse(Buffer.from(bytes).toString()) as Index).manifests
}
