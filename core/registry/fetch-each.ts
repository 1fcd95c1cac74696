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
 * thing that is too large is refused before it costs anything. Of more than there is room for, the smallest are fetched:
 * signatures are, and whoever attaches bills of materials must not hide them.
 */
export async function fetchEach<T>(
  repository: Repository,
  descriptors: readonly Descriptor[],
  { turns, eachBytes, bytes }: Budget,
  fetchOne: (descriptor: Descriptor) => Promise<T | Refusal>,
): Promise<readonly Outcome<T>[]> {
  const { about } = repository
  const wanted = distinctOf(repository, descriptors)
  const fitting = new Set(
    smallestOf(
      wanted.filter(one => one.kind === 'descriptor'),
      { eachBytes, bytes },
    ),
  )
  const fetchFitting = async (one: Descriptor | Refusal): Promise<Outcome<T>> => {
    if (one.kind === 'refusal') return one
    if (fitting.has(one)) return turns(() => settle(fetchOne(one)))
    const most =
      one.size > eachBytes ? `at most ${eachBytes} bytes` : `at most ${bytes} bytes attached to the image in one layout`
    return refusal(
      'limit.exceeded',
      `${about}: ${one.digest}: expected ${most}, got ${one.size}${one.size > eachBytes ? '' : ' more'}`,
    )
  }
  return Promise.all(wanted.map(fetchFitting))
}

function smallestOf(
  descriptors: readonly Descriptor[],
  { eachBytes, bytes }: Pick<Budget, 'eachBytes' | 'bytes'>,
): readonly Descriptor[] {
  let total = 0
  return descriptors
    .filter(({ size }) => size <= eachBytes)
    .toSorted((a, b) => a.size - b.size || (a.digest < b.digest ? -1 : 1))
    .filter(({ size }) => (total += size) <= bytes)
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
