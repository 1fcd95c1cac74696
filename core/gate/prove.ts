/** Finds out whether an image meets demands: from the cache, or from the registry through the verifier. */

import { setImmediate } from 'node:timers/promises'
import { findingKey } from '#core/cache/key.ts'
import type { MemoryCache } from '#core/cache/memory.ts'
import type { Artefact, Found } from '#core/domain/artefact.ts'
import type { Asker } from '#core/domain/asker.ts'
import type { Demand } from '#core/domain/demand.ts'
import { demandKey, trustRootsOf } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import type { Finding } from '#core/domain/fact.ts'
import type { PinnedRef } from '#core/domain/image-ref.ts'
import type { Proof } from '#core/domain/proof.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { silence } from '#core/domain/refusal.ts'
import { type Place, searchFor } from '#core/domain/search.ts'
import type { TrustRoots } from '#core/domain/trust-root.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { RegistryView } from '#core/registry/client.ts'
import { type Sight, UNSEEN } from '#core/runtime/sight.ts'
import { SingleFlight } from '#core/runtime/single-flight.ts'
import { firstOf } from '#core/runtime/time-left.ts'
import type { Gate } from './gate.ts'
import { makeSeats, type Seats } from './seats.ts'
import { weigh } from './weigh.ts'

export type ProverDeps = {
  /** The registries as this asker sees them. Throws Unavailable. */
  readonly viewFor: (asker: Asker, signal: AbortSignal) => Promise<Omit<RegistryView, 'resolve'>>
  readonly verify: Verify
  readonly cache: Pick<MemoryCache, 'get' | 'set'>
  /** Those in force now, never changed: whoever began with them goes on with them. */
  readonly trust: () => TrustRoots
  readonly now: () => Date
  /** Those of the process; seats of its own where they are left out. */
  readonly seats?: Seats
  /** Told where findings came from, and how long looking took. */
  readonly sight?: Pick<Sight, 'lookedUp' | 'step'>
}

/** Whether these proofs, by the key of the demand that each meets, leave nothing to look for. Pure. */
type Suffices = (image: PinnedRef, proofs: ReadonlyMap<string, Proof>) => boolean

/** What stands for a demand that nobody needs an answer to any more; never remembered, and never heard of by a reader. */
const UNASKED: Finding = silence('internal.error', 'not looked for any further')

/**
 * Makes the gate's `prove`, for one set of policies at a time. Findings are remembered, verdicts never are: judging is pure, takes microseconds and is done
 * every time. Silence is not remembered. However many ask about one digest at the same time with the same credentials,
 * the registry is asked once. What was proven when the time runs out is remembered and told: it may be enough.
 */
export function makeProver(deps: ProverDeps): (suffices: Suffices) => Gate['prove'] {
  return suffices => proveBy(deps, suffices, new SingleFlight<Answers>())
}

function proveBy(deps: ProverDeps, suffices: Suffices, flights: SingleFlight<Answers>): Gate['prove'] {
  const { sight = UNSEEN, seats = makeSeats() } = deps
  return async (image, demands, asker, signal) => {
    const trust = deps.trust()
    const view = await deps.viewFor(asker, signal)
    const scopes = view.scopesOf(image)
    const recallAll = () =>
      demands.map(
        demand => untrusted(demand, trust) ?? recall(deps.cache, { digest: image.digest, demand, trust }, scopes),
      )
    const known = recallAll()
    const open = demands.filter((_, index) => known[index] === undefined)
    // Silence is never remembered: here it is said of a trust root that is missing.
    const hits = known.filter(finding => finding !== undefined && finding.kind !== 'silence').length
    sight.lookedUp('hit', hits)
    if (open.length === 0) return known as readonly Finding[]
    const proven = proofsIn(demands, known)
    if (suffices(image, proven)) return known.map(finding => finding ?? UNASKED)
    const keyOf = (demand: Demand, scope: string) => findingKey(image.digest, demand, trust, scope)
    const flight = open.map(demand => keyOf(demand, together(scopes))).join(' ')
    const isEnough: Search['isEnough'] = proofs => suffices(image, new Map([...proven, ...proofs]))
    const remember: Search['remember'] = (demand, finding, scope) =>
      deps.cache.set(keyOf(demand, scope), finding, lifeOf(finding, deps.now()))
    const search: Search = { verify: deps.verify, view, trust, isEnough, remember, step: sight.step }
    let isOurs = false
    const look = (signal: AbortSignal) => {
      isOurs = true
      return seats(asker.namespace, () => findOut(search, image, open, signal), signal)
    }
    const landed = flights.run(flight, look, signal)
    // A flight takes off before `run` returns, or has done so for somebody else.
    sight.lookedUp(isOurs ? 'miss' : 'shared', open.length)
    const answers = await landed.catch((error: unknown) => atTheEnd(error, recallAll(), demands, open))
    for (const [index, demand] of open.entries()) {
      const finding = answers.findings[index]
      if (finding === undefined || finding.kind === 'silence' || answers.isRemembered) continue
      remember(demand, finding, finding.kind === 'proof' ? answers.scope : together(scopes))
    }
    const fresh = answers.findings.map(finding => explained(finding, view, image)).values()
    return known.map(finding => finding ?? (fresh.next().value as Finding))
  }
}

/** A demand on what is not there cannot be met, and nobody needs to be asked. */
export function untrusted(demand: Demand, trust: TrustRoots): Finding | undefined {
  const absent = trustRootsOf(demand).filter(name => !trust.has(name))
  if (absent.length === 0) return undefined
  const loaded = trust.size === 0 ? 'none is loaded' : `loaded are ${[...trust.keys()].toSorted().join(', ')}`
  return silence('trust.missing', `expected the trust root ${absent.join(', ')}, ${loaded}`)
}

/** Milliseconds for which it holds: without end but for a proof that rests on what the time was. */
function lifeOf(finding: Proof | Refusal, now: Date): number | undefined {
  if (finding.kind !== 'proof' || finding.until === undefined) return undefined
  return Date.parse(finding.until) - now.getTime()
}

/** What was proven in time, when time is up; the reason for everything else. */
function atTheEnd(
  error: unknown,
  known: readonly (Finding | undefined)[],
  demands: readonly Demand[],
  open: readonly Demand[],
): Answers {
  const isAnythingNew = open.some(demand => known[demands.indexOf(demand)] !== undefined)
  if (!(error instanceof Unavailable) || !isAnythingNew) throw error
  const late = silence(error.code, error.message)
  return { scope: '', findings: open.map(demand => known[demands.indexOf(demand)] ?? late), isRemembered: true }
}

function proofsIn(demands: readonly Demand[], findings: readonly (Finding | undefined)[]): Map<string, Proof> {
  const proofs = new Map<string, Proof>()
  for (const [index, demand] of demands.entries()) {
    const finding = findings[index]
    if (finding?.kind === 'proof') proofs.set(demandKey(demand), finding)
  }
  return proofs
}

type Answers = { readonly scope: string; readonly findings: readonly Finding[]; readonly isRemembered?: true }

/**
 * What may be told to whoever can ask in these scopes. A proof that any of them saw, for each is theirs. A refusal only
 * if it came of trying the same ones in the same order: to nobody, a private image does not exist.
 */
function recall(
  cache: ProverDeps['cache'],
  { digest, demand, trust }: { readonly digest: Digest; readonly demand: Demand; readonly trust: TrustRoots },
  scopes: readonly string[],
): Proof | Refusal | undefined {
  for (const scope of scopes) {
    const finding = cache.get(findingKey(digest, demand, trust, scope))
    if (finding?.kind === 'proof') return finding
  }
  return cache.get(findingKey(digest, demand, trust, together(scopes)))
}

function together(scopes: readonly string[]): string {
  return scopes.join('+')
}

/** Said outside the flight: the same silence has another remedy for everyone who waited. */
function explained(finding: Finding, view: Pick<RegistryView, 'explain'>, image: PinnedRef): Finding {
  if (finding.kind !== 'silence' || finding.code !== 'registry.unauthorized') return finding
  return { ...finding, detail: view.explain(image, finding.detail) }
}

/** Verifies one artefact against several demands; one answer for each, in their order. Throws Unavailable when the signal comes. */
export type Verify = (
  artefact: Artefact,
  question: { readonly digest: Digest; readonly demands: readonly Demand[]; readonly trust: TrustRoots },
  signal: AbortSignal,
) => Promise<readonly (Proof | Refusal)[]>

type Search = {
  readonly verify: Verify
  readonly trust: TrustRoots
  readonly view: Pick<RegistryView, 'discover'>
  readonly isEnough: (proofs: ReadonlyMap<string, Proof>) => boolean
  readonly remember: (demand: Demand, finding: Proof | Refusal, scope: string) => void
  readonly step: Sight['step']
}

/** Looks everywhere at the same time and stops looking once enough is proven. */
async function findOut(
  search: Search,
  image: PinnedRef,
  demands: readonly Demand[],
  signal: AbortSignal,
): Promise<Answers> {
  const enough = new AbortController()
  const looking = firstOf([signal, enough.signal])
  const { places: asked, ...rest } = searchFor(demands)
  const { manifest, places, scope } = search.step(
    'discover',
    () => search.view.discover(image, { places: asked, ...rest }, looking),
    ({ manifest, places }) => Promise.allSettled([manifest, ...places]),
  )
  const evidence: Evidence = { seen: new Map(), proofs: new Map(), refusals: new Map(demands.map(one => [one, []])) }
  const enoughProven = Promise.withResolvers<void>()
  const keep = async (demand: Demand, proof: Proof) => {
    if ((await manifest) === 'present') search.remember(demand, proof, await scope)
  }
  const looked = places.map(async (place, index) => {
    const found = await place
    evidence.seen.set(asked[index] as Place, found)
    for (const artefact of found.artefacts) {
      await takeTurns(looking)
      const proven = await examine(search, artefact, { digest: image.digest, demands, evidence }, looking)
      for (const [demand, proof] of proven) void keep(demand, proof).catch(() => {})
      if (proven.length > 0 && isDone(search, demands, evidence)) return enoughProven.resolve()
    }
  })
  const isWhole = await Promise.race([Promise.all(looked).then(() => true), enoughProven.promise.then(() => false)])
  for (const late of looked) late.catch(() => {})
  // The image itself comes first: a signature over something that is not there, or is two things at once, proves nothing.
  const present = await manifest
  enough.abort(new Unavailable('deadline.exceeded', 'enough was proven'))
  if (present !== 'present') return { scope: await scope, findings: demands.map(() => present) }
  const findings = demands.map(demand => {
    const unproven = isWhole ? weigh(image, demand, evidence.refusals.get(demand) ?? [], evidence.seen) : UNASKED
    return evidence.proofs.get(demand) ?? unproven
  })
  return { scope: await scope, findings }
}

type Evidence = {
  readonly seen: Map<Place, Found>
  readonly proofs: Map<Demand, Proof>
  readonly refusals: ReadonlyMap<Demand, Refusal[]>
}

type Question = { readonly digest: Digest; readonly demands: readonly Demand[]; readonly evidence: Evidence }

/** What this artefact proves that was not proven yet. */
async function examine(
  { verify, trust }: Search,
  artefact: Artefact,
  { digest, demands, evidence: { proofs, refusals } }: Question,
  signal: AbortSignal,
): Promise<readonly (readonly [Demand, Proof])[]> {
  const asked = demands.filter(demand => !proofs.has(demand) && isOfUse(artefact, demand))
  if (asked.length === 0) return []
  const answers = await verify(artefact, { digest, demands: asked, trust }, signal)
  return asked.flatMap((demand, index) => {
    const answer = answers[index]
    if (answer?.kind === 'refusal') refusals.get(demand)?.push(answer)
    // The other place may have proven it meanwhile; the first stays.
    if (answer?.kind !== 'proof' || proofs.has(demand)) return []
    proofs.set(demand, answer)
    return [[demand, answer] as const]
  })
}

/** Whether what lies in this layout could meet the demand at all: two roles, and a layout that may be asked for. */
export function isOfUse({ layout }: Artefact, demand: Demand): boolean {
  if (layout === 'bundle') return demand.layout !== 'legacy'
  return demand.layout !== 'bundle' && (layout === 'attachment') === (demand.kind === 'attestation')
}

function isDone({ isEnough }: Search, demands: readonly Demand[], { proofs }: Evidence): boolean {
  if (proofs.size === demands.length) return true
  return isEnough(new Map([...proofs].map(([demand, proof]) => [demandKey(demand), proof])))
}

/** One artefact of the largest size takes some 70 ms to read; a registry may hold a thousand of them. */
async function takeTurns(signal: AbortSignal): Promise<void> {
  await setImmediate()
  signal.throwIfAborted()
}
