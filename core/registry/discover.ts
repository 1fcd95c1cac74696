/** Everything that is looked up about one image, all at once: the image itself, and both places where signatures may lie. */
import type { Discovery } from '#core/domain/artefact.ts'
import type { PinnedRef } from '#core/domain/image-ref.ts'
import { nameOf } from '#core/domain/image-ref.ts'
import type { Refusal, Silence } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { findBundles } from './bundles.ts'
import { ambiguous, fetchPinned } from './content.ts'
import { settle } from './outcome.ts'
import type { Repository } from './repository.ts'
import { findSimpleSigning } from './simple-signing.ts'
import { makeTurns } from './turns.ts'

/** Starts looking. The first four requests go out together: image, `.sig` tag, referrers, and the tag in their place. */
export function discover(repository: Repository, image: PinnedRef, signal: AbortSignal): Discovery {
  const turns = makeTurns(repository.limits.fetchesPerImage)
  const manifest = checkPresence(repository, image, signal)
  const places = [
    findSimpleSigning(repository, image.digest, turns, signal),
    findBundles(repository, image.digest, turns, signal),
  ]
  // Whoever has seen enough may leave a promise alone; a bug is still reported to those who wait for it.
  for (const promise of [manifest, ...places]) promise.catch(() => {})
  return { manifest, places }
}

async function checkPresence(
  repository: Repository,
  image: PinnedRef,
  signal: AbortSignal,
): Promise<'present' | Refusal | Silence> {
  const manifest = await settle(fetchPinned(repository, { digest: image.digest }, signal))
  switch (manifest.kind) {
    case 'absent':
      return refusal('image.not-found', nameOf(image))
    case 'other':
      return ambiguous(repository, image.digest, `expected an image or an index, got ${manifest.mediaType}`)
    case 'image-manifest':
    case 'image-index':
      return 'present'
    default:
      return manifest
  }
}
