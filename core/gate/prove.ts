/** Finds out whether an image meets demands: from the cache, or from the registry through the verifier. */

import { setImmediate } from 'node:timers/promises'
import { findingKey } from '#core/cache/key.ts'
import type { MemoryCache } from '#core/cache/memory.ts'
import type { Artefact, Found } from '#core/domain/artefact.ts'
import type { Asker } from '#core/domain/asker.ts'
import type { Demand } from '#core/domain/demand.ts'
import { demandKey } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import type { Finding } from '#core/domain/fact.ts'
import type { PinnedRef } from '#core/domain/image-ref.ts'
import type { Proof } from '#core/domain/proof.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { silence } from '#core/domain/refusal.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { RegistryView } from '#core/registry/client.ts'
import { SingleFlight } from '#core/runtime/single-flight.ts'
import type { Gate } from './gate.ts'
import { weigh } from './weigh.ts'

export type ProverDeps = {
  /** The registries as this asker sees them. Throws Unavailable. */
  readonly viewFor: (asker: Asker, signal: AbortSignal) => Promise<Omit<RegistryView, 'resolve'>>
  readonly verify: (artefact: Artefact, digest: Digest, demand: Demand) => Proof | Refusal
  readonly cache: Pick<MemoryCache, 'get' | 'set'>
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
  return async (image, demands, asker, signal) => {
    const view = await deps.viewFor(asker, signal)
    const scopes = view.scopesOf(image)
    const recallAll = () => demands.map(demand => recall(deps.cache, image.digest, demand, scopes))
    const known = recallAll()
    const open = demands.filter((_, index) => known[index] === undefined)
    if (open.length === 0) return known as readonly Finding[]
    const proven = proofsIn(demands, known)
    if (suffices(image, proven)) return known.map(finding => finding ?? UNASKED)
    const flight = `${together(scopes)} ${image.digest} ${open.map(demandKey).join(' ')}`
    const search: Search = { ...deps, view, isEnough: proofs => suffices(image, new Map([...proven, ...proofs])) }
    const landed = flights.run(flight, signal => findOut(search, image, open, signal), signal)
    const answers = await landed.catch((error: unknown) => atTheEnd(error, recallAll(), demands, open))
    for (const [index, demand] of open.entries()) {
      const finding = answers.findings[index]
      if (finding === undefined || finding.kind === 'silence' || answers.isRemembered) continue
      const scope = finding.kind === 'proof' ? answers.scope : together(scopes)
      deps.cache.set(findingKey(image.digest, demand, scope), finding)
    }
    const fresh = answers.findings.map(finding => explained(finding, view, image)).values()
    return known.map(finding => finding ?? (fresh.next().value as Finding))
  }
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
  digest: Digest,
  demand: Demand,
  scopes: readonly string[],
): Proof | Refusal | undefined {
  for (const scope of scopes) {
    const finding = cache.get(findingKey(digest, demand, scope))
    if (finding?.kind === 'proof') return finding
  }
  return cache.get(findingKey(digest, demand, together(scopes)))
}

function together(scopes: readonly string[]): string {
  return scopes.join('+')
}

/** Said outside the flight: the same silence has another remedy for everyone who waited. */
function explained(finding: Finding, view: Pick<RegistryView, 'explain'>, image: PinnedRef): Finding {
  if (finding.kind !== 'silence' || finding.code !== 'registry.unauthorized') return finding
  return { ...finding, detail: view.explain(image, finding.detail) }
}

type Search = Pick<ProverDeps, 'verify' | 'cache'> & {
  readonly view: Pick<RegistryView, 'discover'>
  readonly isEnough: (proofs: ReadonlyMap<string, Proof>) => boolean
}

/** Looks everywhere at the same time and stops looking once enough is proven. */
async function findOut(
  deps: Search,
  image: PinnedRef,
  demands: readonly Demand[],
  signal: AbortSignal,
): Promise<Answers> {
  const enough = new AbortController()
  const looking = AbortSignal.any([signal, enough.signal])
  const { manifest, places, scope } = deps.view.discover(image, looking)
  const evidence: Evidence = { seen: [], proofs: new Map(), refusals: new Map(demands.map(demand => [demand, []])) }
  const enoughProven = Promise.withResolvers<void>()
  const remember = async (demand: Demand, proof: Proof) => {
    if ((await manifest) === 'present') deps.cache.set(findingKey(image.digest, demand, await scope), proof)
  }
  const looked = places.map(async place => {
    const found = await place
    evidence.seen.push(found)
    for (const artefact of found.artefacts) {
      await takeTurns(looking)
      const before = evidence.proofs.size
      for (const demand of demands) {
        const proof = check(deps.verify, artefact, { digest: image.digest, demand }, evidence)
        if (proof !== undefined) void remember(demand, proof).catch(() => {})
      }
      if (evidence.proofs.size > before && isDone(deps, demands, evidence)) return enoughProven.resolve()
    }
  })
  const isWhole = await Promise.race([Promise.all(looked).then(() => true), enoughProven.promise.then(() => false)])
  // The image itself comes first: a signature over something that is not there, or is two things at once, proves nothing.
  const present = await manifest
  enough.abort()
  if (present !== 'present') return { scope: await scope, findings: demands.map(() => present) }
  const { proofs, refusals, seen } = evidence
  const findings = demands.map(demand => {
    const rest = isWhole ? weigh(image, refusals.get(demand) ?? [], seen) : UNASKED
    return proofs.get(demand) ?? rest
  })
  return { scope: await scope, findings }
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
): Proof | undefined {
  if (proofs.has(demand)) return undefined
  const checked = verify(artefact, digest, demand)
  if (checked.kind === 'proof') {
    proofs.set(demand, checked)
    return checked
  }
  refusals.get(demand)?.push(checked)
  return undefined
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
