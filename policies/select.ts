/** Says which policies speak of an image, and what they want known about it. */
import type { Demand } from '#core/domain/demand.ts'
import { demandKey } from '#core/domain/demand.ts'
import type { ImageRef } from '#core/domain/image-ref.ts'
import { isImageMatched } from './image-glob.ts'
import type { Policy, Requirement } from './policy.ts'

/** The policies that speak of this image, by name. */
export function policiesFor(policies: readonly Policy[], image: ImageRef): readonly Policy[] {
  return sortedByName(policies.filter(policy => policy.images.some(glob => isImageMatched(glob, image))))
}

/** What has to be looked up about this image, each thing once, in an order that depends on nothing but the demands. */
export function demandsOf(policies: readonly Policy[], image: ImageRef): readonly Demand[] {
  const wanted = policiesFor(policies, image).flatMap(policy => demandsIn(policy.requires))
  const distinct = new Map(wanted.map(demand => [demandKey(demand), demand]))
  return [...distinct.keys()].toSorted().map(key => distinct.get(key) as Demand)
}

/** By code unit, so that the order is the same under every locale. */
export function sortedByName<Named extends { readonly name: string }>(all: readonly Named[]): readonly Named[] {
  return all.toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)))
}

function demandsIn(requirement: Requirement): readonly Demand[] {
  switch (requirement.kind) {
    case 'all-of':
    case 'any-of':
      return requirement.of.flatMap(demandsIn)
    case 'signed-by':
      return [requirement.demand]
    case 'static':
      return []
    default:
      throw new TypeError(`no demands for ${JSON.stringify(requirement satisfies never)}`)
  }
}
