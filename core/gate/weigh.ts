/** What to say of an image for which no proof was found. Pure. */
import type { Found } from '#core/domain/artefact.ts'
import type { Demand } from '#core/domain/demand.ts'
import type { PinnedRef } from '#core/domain/image-ref.ts'
import type { Refusal, Silence } from '#core/domain/refusal.ts'
import { mostTelling, refusal, silence } from '#core/domain/refusal.ts'
import { type Place, searchFor } from '#core/domain/search.ts'

/**
 * A place that the registry did not let us see may hold the proof, so any silence about one where it could lie leaves the
 * question open. Where all was seen, the refusal that tells most is given, and the number of things looked at.
 */
export function weigh(
  image: PinnedRef,
  demand: Demand,
  refused: readonly Refusal[],
  seen: ReadonlyMap<Place, Found>,
): Refusal | Silence {
  const { places } = searchFor([demand])
  const here = places.flatMap(place => seen.get(place) ?? [])
  const silent = here.flatMap(found => found.silences)[0]
  const refusals = [...refused, ...here.flatMap(found => found.refusals)]
  const telling = mostTelling(refusals)
  if (silent !== undefined) {
    const also = telling === undefined ? '' : `; of what was seen: ${telling.code}, ${telling.detail}`
    return silence(silent.code, `${silent.detail}${also}`)
  }
  if (telling === undefined) {
    const code = demand.kind === 'signature' ? 'image.unsigned' : 'attestation.missing'
    const looked = places.flatMap(place => IN_WORDS[place])
    return refusal(code, `looked in ${image.registry}/${image.repository} for ${inWords(looked)}`)
  }
  if (refusals.length === 1) return telling
  return refusal(telling.code, `${telling.detail} (the most telling of ${refusals.length} things found)`)
}

const IN_WORDS: Readonly<Record<Place, readonly string[]>> = {
  'signature-tag': ['a .sig tag'],
  'attestation-tag': ['an .att tag'],
  referrers: ['referrers', 'their fallback tag'],
}

function inWords(looked: readonly string[]): string {
  const each = looked.map((place, index) => (index === 0 ? place : `for ${place}`))
  const last = each.pop() ?? ''
  return each.length === 0 ? last : `${each.join(', ')} and ${last}`
}
