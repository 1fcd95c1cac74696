/** What a tag points at: one GET of the manifest, or the registry's word that it is still what it was. */
import type { Digest } from '#core/domain/digest.ts'
import type { ImageRef } from '#core/domain/image-ref.ts'
import { nameOf } from '#core/domain/image-ref.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { EntityTag } from './content.ts'
import { ambiguous, fetchTagUnless } from './content.ts'
import type { Repository } from './repository.ts'

export type Resolved = {
  readonly kind: 'resolved'
  readonly digest: Digest
  /** By which the host that gave it may be asked whether it is still the same. */
  readonly entityTag: EntityTag | undefined
}

/**
 * Never a HEAD: a registry that answers the two differently (CVE-2022-47633) would have one thing verified and another
 * run. A 304 is believed: the digest is one that was computed from content, and whether it may run is not decided here.
 */
export async function resolveTag(
  repository: Repository,
  ref: ImageRef,
  known: Resolved | undefined,
  signal: AbortSignal,
): Promise<Resolved | Refusal> {
  const tag = ref.tag ?? 'latest'
  const found = await fetchTagUnless(repository, tag, known?.entityTag, signal)
  if (found.kind === 'refusal') return found
  if (found.kind === 'absent') return refusal('image.not-found', nameOf(ref))
  if (found.kind === 'unchanged') return known as Resolved
  const { manifest, entityTag } = found
  if (manifest.kind === 'other')
    return ambiguous(repository, tag, `expected an image or an index, got ${manifest.mediaType}`)
  return { kind: 'resolved', digest: manifest.digest, entityTag }
}
