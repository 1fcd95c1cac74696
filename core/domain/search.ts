/** Where things attached to an image are looked for. */
import type { Demand } from './demand.ts'

/** Two tags of cosign's, and whatever refers to the image. */
export type Place = 'signature-tag' | 'attestation-tag' | 'referrers'

export type Search = {
  readonly places: readonly Place[]
  /** Whether attestations are of use, which are larger than signatures by far. */
  readonly isForAttestations: boolean
}

/** The places in which something may lie that meets one of the demands, and no others: each costs a request. */
export function searchFor(demands: readonly Demand[]): Search {
  const places: Place[] = []
  const legacy = demands.filter(({ layout }) => layout !== 'bundle')
  if (legacy.some(({ kind }) => kind === 'signature')) places.push('signature-tag')
  if (legacy.some(({ kind }) => kind === 'attestation')) places.push('attestation-tag')
  if (demands.some(({ layout }) => layout !== 'legacy')) places.push('referrers')
  return { places, isForAttestations: demands.some(({ kind }) => kind === 'attestation') }
}
