/** Many things of one repository: each digest once, so many at the same time, and no more than they may weigh together. */
import type { Digest } from '#core/domain/digest.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { Turns } from '#core/runtime/turns.ts'
import { ambiguous } from './content.ts'
import type { Descriptor } from './manifest.ts'
import type { Outcome } from './outcome.ts'
import { settle } from './outcome.ts'
import type { Repository } from './repository.ts'

/** What the fetches may cost: so many at once, so many bytes each, and so many all together. */
export type Budget = { readonly turns: Turns; readonly eachBytes: number; readonly bytes: number }

/**
 * Fetches what the descriptors name, in the order of their digests. What they say of their size is all that is read, so a
 * thing that is too large is refused before it costs anything, and so is a place full of large things.
 */
export async function fetchEach<T>(
  repository: Repository,
  descriptors: readonly Descriptor[],
  { turns, eachBytes, bytes }: Budget,
  fetchOne: (descriptor: Descriptor) => Promise<T | Refusal>,
): Promise<readonly Outcome<T>[]> {
  const { about } = repository
  const wanted = distinctOf(repository, descriptors).map(one =>
    one.kind === 'descriptor' && one.size > eachBytes
      ? refusal('limit.exceeded', `${about}: ${one.digest}: expected at most ${eachBytes} bytes, got ${one.size}`)
      : one,
  )
  const total = wanted.reduce((sum, one) => sum + (one.kind === 'descriptor' ? one.size : 0), 0)
  if (total > bytes) {
    const detail = `${about}: expected at most ${bytes} bytes attached to the image in one layout, got ${total}`
    return [refusal('limit.exceeded', detail)]
  }
  return Promise.all(wanted.map(async one => (one.kind === 'refusal' ? one : turns(() => settle(fetchOne(one))))))
}

function distinctOf(repository: Repository, descriptors: readonly Descriptor[]): readonly (Descriptor | Refusal)[] {
  const byDigest = new Map<Digest, Descriptor | Refusal>()
  for (const descriptor of descriptors) {
    const { digest, size } = descriptor
    const known = byDigest.get(digest)
    if (known?.kind === 'descriptor' && known.size !== size)
      byDigest.set(digest, ambiguous(repository, digest, 'its descriptors disagree on its size'))
    if (known === undefined) byDigest.set(digest, descriptor)
  }
  return [...byDigest.keys()].toSorted().map(digest => byDigest.get(digest) as Descriptor | Refusal)
}
