/** Finds out whether an image meets demands: from the cache, or from the registry through the verifier. */

import { setImmediate } from 'node:timers/promises'
import { findingKey } from '#core/cache/key.ts'
import type { MemoryCache } from '#core/cache/memory.ts'
import type { Artefact, Discovery, Found } from '#core/domain/artefact.ts'
import type { Demand } from '#core/domain/demand.ts'
import { demandKey } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import type { Finding } from '#core/domain/fact.ts'
import type { ImageRef, PinnedRef } from '#core/domain/image-ref.ts'
import type { Proof } from '#core/domain/proof.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { SingleFlight } from '#core/runtime/single-flight.ts'
import type { Gate } from './gate.ts'
import { weigh } from './weigh.ts'

export type ProverDeps = {
  readonly discover: (image: PinnedRef, signal: AbortSignal) => Discovery
  readonly scopeOf: (image: ImageRef) => string
  readonly verify: (artefact: Artefact, digest: Digest, demand: Demand) => Proof | Refusal
  readonly cache: Pick<MemoryCache, 'get' | 'set'>
}

/**
 * Makes the gate's `prove`. Findings are remembered, verdicts never are: judging is pure, takes microseconds and is done
 * every time. Silence is not remembered. However many ask about one digest at the same time, the registry is asked once.
 */
export function makeProver(deps: ProverDeps): Gate['prove'] {
  const flights = new SingleFlight<readonly Finding[]>()
  return async (image, demands, signal) => {
    const scope = deps.scopeOf(image)
    const keys = demands.map(demand => findingKey(image.digest, demand, scope))
    const known = keys.map(key => deps.cache.get(key))
    const open = demands.filter((_, index) => known[index] === undefined)
    if (open.length === 0) return known as readonly Finding[]
    const flight = `${scope} ${image.digest} ${open.map(demandKey).join(' ')}`
    const found = await flights.run(flight, signal => findOut(deps, image, open, signal), signal)
    for (const [index, demand] of open.entries()) {
      const finding = found[index]
      if (finding !== undefined && finding.kind !== 'silence')
        deps.cache.set(findingKey(image.digest, demand, scope), finding)
    }
    const fresh = found.values()
    return known.map(finding => finding ?? (fresh.next().value as Finding))
  }
}

/** Looks everywhere at the same time and stops looking once every demand is proven. */
async function findOut(
  deps: ProverDeps,
  image: PinnedRef,
  demands: readonly Demand[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const enough = new AbortController()
  const looking = AbortSignal.any([signal, enough.signal])
  const { manifest, places } = deps.discover(image, looking)
  const evidence: Evidence = { seen: [], proofs: new Map(), refusals: new Map(demands.map(demand => [demand, []])) }
  const allProven = Promise.withResolvers<void>()
  const looked = places.map(async place => {
    const found = await place
    evidence.seen.push(found)
    for (const artefact of found.artefacts) {
      await takeTurns(looking)
      for (const demand of demands) check(deps.verify, artefact, { digest: image.digest, demand }, evidence)
      if (evidence.proofs.size === demands.length) return allProven.resolve()
    }
  })
  await Promise.race([Promise.all(looked), allProven.promise])
  // The image itself comes first: a signature over something that is not there, or is two things at once, proves nothing.
  const present = await manifest
  enough.abort()
  if (present !== 'present') return demands.map(() => present)
  const { proofs, refusals, seen } = evidence
  return demands.map(demand => proofs.get(demand) ?? weigh(image, refusals.get(demand) ?? [], seen))
}

type Evidence = {
  readonly seen: Found[]
  readonly proofs: Map<Demand, Proof>
  readonly refusals: ReadonlyMap<Demand, Refusal[]>
}

function check(
  verify: ProverDeps['verify'],
  artefact: Artefact,
  { digest, demand }: { readonly digest: Digest; readonly demand: Demand },
  { proofs, refusals }: Evidence,
): void {
  if (proofs.has(demand)) return
  const checked = verify(artefact, digest, demand)
  if (checked.kind === 'proof') proofs.set(demand, checked)
  else refusals.get(demand)?.push(checked)
}

/** One artefact of the largest size takes some 70 ms to read; a registry may hold a thousand of them. */
async function takeTurns(signal: AbortSignal): Promise<void> {
  await setImmediate()
  signal.throwIfAborted()
}
