/** Says which policies speak of an image, and what they want known about it. */
import type { Demand } from '#core/domain/demand.ts'
import { demandKey } from '#core/domain/demand.ts'
import type { ImageRef } from '#core/domain/image-ref.ts'
import { isImageMatched } from './image-glob.ts'
import { leavesOf } from './leaves.ts'
import type { Policy, Requirement } from './policy.ts'

/** The policies that speak of this image, by name. */
export function policiesFor(policies: readonly Policy[], image: ImageRef): readonly Policy[] {
  return sortedByName(policies.filter(policy => policy.images.some(glob => isImageMatched(glob, image))))
}

/** What has to be looked up about this image, each thing once, in an order that depends on nothing but the demands. */
export function demandsOf(policies: readonly Policy[], image: ImageRef): readonly Demand[] {
  const [first, ...others] = policiesFor(policies, image)
  if (first === undefined) return []
  const demands = demandsOfPolicy(first)
  return others.length === 0 ? demands : distinct([demands, ...others.map(demandsOfPolicy)].flat())
}

/** By code unit, so that the order is the same under every locale. */
export function sortedByName<Named extends { readonly name: string }>(all: readonly Named[]): readonly Named[] {
  return all.length < 2 ? all : all.toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)))
}

/** A policy never changes once it is compiled, and is asked this at every admission. */
const KNOWN = new WeakMap<Policy, readonly Demand[]>()

function demandsOfPolicy(policy: Policy): readonly Demand[] {
  const known = KNOWN.get(policy)
  if (known !== undefined) return known
  const demands = distinct(demandsIn(policy.requires))
  KNOWN.set(policy, demands)
  return demands
}

function distinct(wanted: readonly Demand[]): readonly Demand[] {
  const byKey = new Map(wanted.map(demand => [demandKey(demand), demand]))
  return [...byKey.keys()].toSorted().map(key => byKey.get(key) as Demand)
}

function demandsIn(requirement: Requirement): readonly Demand[] {
  return leavesOf(requirement).flatMap(leaf => (leaf.kind === 'proven' ? [leaf.demand] : []))
}
