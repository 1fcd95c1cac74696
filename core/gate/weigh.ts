/** What to say of an image for which no proof was found. Pure. */
import type { Found } from '#core/domain/artefact.ts'
import type { PinnedRef } from '#core/domain/image-ref.ts'
import type { Refusal, Silence } from '#core/domain/refusal.ts'
import { mostTelling, refusal, silence } from '#core/domain/refusal.ts'

/**
 * A place that the registry did not let us see may hold the proof, so any silence leaves the question open. Where all
 * was seen, the refusal that tells most is given, and the number of things looked at.
 */
export function weigh(image: PinnedRef, refused: readonly Refusal[], seen: readonly Found[]): Refusal | Silence {
  const silent = seen.flatMap(found => found.silences)[0]
  const refusals = [...refused, ...seen.flatMap(found => found.refusals)]
  const telling = mostTelling(refusals)
  if (silent !== undefined) {
    const also = telling === undefined ? '' : `; of what was seen: ${telling.code}, ${telling.detail}`
    return silence(silent.code, `${silent.detail}${also}`)
  }
  if (telling === undefined) {
    return refusal(
      'image.unsigned',
      `looked in ${image.registry}/${image.repository} for a .sig tag, for referrers and for their fallback tag`,
    )
  }
  if (refusals.length === 1) return telling
  return refusal(telling.code, `${telling.detail} (the most telling of ${refusals.length} things found)`)
}
