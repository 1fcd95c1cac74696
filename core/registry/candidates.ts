/** As whom a registry is asked for an image, one after the other until it lets one in. */
import type { ImageRef } from '#core/domain/image-ref.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { ANONYMOUS, credentialName } from './credential.ts'
import type { Keychain } from './keychain.ts'
import { loginsFor } from './keychain.ts'
import type { Offer } from './offer.ts'
import type { Registry } from './registries.ts'

export type Candidate = {
  /** Names no secret and holds no space. */
  readonly scope: string
  /** Who it is, in words for the owner of the workload. */
  readonly source: string
  /** Whether what he holds is known only once he is asked, and may be nothing. */
  readonly isLazy: boolean
  /** The registry, with each credential to be tried. Throws Unavailable. */
  readonly open: (signal: AbortSignal) => Promise<readonly Registry[]>
}

/** A candidate that has opened. */
export type Caller = { readonly scope: string; readonly registry: Registry }

/** Each that is refused costs some requests, and whoever writes a Pod decides how many there are. */
export const MOST_LOGINS = 8

/** What is said to the owner of a workload has to be read by him. */
const MOST_NOTES = 5

/**
 * Whom to try, in order. Without a keychain: whoever is configured, for all workloads alike. With one: the workload's own
 * logins, then whoever is configured if that is for all, as a kubelet takes those of its node last, then nobody.
 */
export function candidatesOf(
  registry: Registry,
  ref: ImageRef,
  keychain: Keychain | undefined,
  offers: readonly Offer[] = [],
): readonly Candidate[] {
  const scopeOf = (name: string) => `${registry.name}/${ref.repository}#${name}`
  const candidate = (credential: Registry['credential'], source: string): Candidate => ({
    scope: scopeOf(credentialName(credential)),
    source,
    isLazy: false,
    open: async () => [{ ...registry, credential }],
  })
  // No credential for the registry is for who stands in for it; that has its own, or none.
  if (registry.standIn !== undefined) {
    const isNobody = registry.standIn.reach.credential.kind === 'anonymous'
    return [candidate(ANONYMOUS, isNobody ? 'nobody' : 'the configured credential')]
  }
  // What the list of registries says of this one goes alone; what is configured at large comes in where it is silent.
  const isSaid = registry.credential.kind !== 'anonymous'
  const lazy = offers.slice(0, MOST_LOGINS).map(({ name, source, open }) => ({
    scope: scopeOf(name),
    source,
    isLazy: true,
    open: async (signal: AbortSignal) => withEach(registry, await open(signal)),
  }))
  const configured = isSaid ? [candidate(registry.credential, 'the configured credential')] : lazy
  const nobody = candidate(ANONYMOUS, 'nobody')
  if (keychain === undefined) return isSaid ? configured : onceEach([...configured, nobody])
  const own = loginsFor(keychain, ref).map(({ credential, source }) => candidate(credential, source))
  return onceEach([...own.slice(0, MOST_LOGINS), ...(registry.isForAllNamespaces ? configured : []), nobody])
}

/** The same credential in two places is one caller, and would get the same answer. */
function onceEach(candidates: readonly Candidate[]): readonly Candidate[] {
  return [...Map.groupBy(candidates, ({ scope }) => scope).values()].flatMap(same => same.slice(0, 1))
}

function withEach(registry: Registry, credentials: readonly Registry['credential'][]): readonly Registry[] {
  return credentials.slice(0, MOST_LOGINS).map(credential => ({ ...registry, credential }))
}

/**
 * The first answer that is not "you may not"; if all are, the first of these, and what became of those whose credential
 * had to be fetched. Throws Unavailable.
 */
export async function askInTurn<T>(
  candidates: readonly Candidate[],
  ask: (caller: Caller) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  let first: Unavailable | undefined
  const notes: string[] = []
  for (const candidate of candidates) {
    const tried = await askAs(candidate, ask, signal)
    if (tried.kind === 'answered') return tried.answer
    first ??= tried.refused
    notes.push(...tried.notes)
  }
  const { code, message } = first ?? new Unavailable('registry.unauthorized', 'there is nobody to ask as')
  throw new Unavailable(code, [message, ...notes.slice(0, MOST_NOTES)].join('; '))
}

type Tried<T> =
  | { readonly kind: 'answered'; readonly answer: T }
  | { readonly kind: 'refused'; readonly refused: Unavailable | undefined; readonly notes: readonly string[] }

async function askAs<T>(
  { scope, source, isLazy, open }: Candidate,
  ask: (caller: Caller) => Promise<T>,
  signal: AbortSignal,
): Promise<Tried<T>> {
  let refused: Unavailable | undefined
  let registries: readonly Registry[]
  try {
    registries = await open(signal)
  } catch (error) {
    if (isUnauthorized(error)) return { kind: 'refused', refused, notes: [error.message] }
    throw error
  }
  for (const registry of registries) {
    try {
      return { kind: 'answered', answer: await ask({ scope, registry }) }
    } catch (error) {
      if (!isUnauthorized(error)) throw error
      refused ??= error
    }
  }
  const note = registries.length === 0 ? `${source} has no credential for it` : `that of ${source} was not accepted`
  return { kind: 'refused', refused, notes: isLazy ? [note] : [] }
}

/** Whether this says that the registry does not let us in, as whoever it was that asked. */
export function isUnauthorized(error: unknown): error is Unavailable {
  return error instanceof Unavailable && error.code === 'registry.unauthorized'
}

/** Adds to the reason of a registry that lets nobody in who was tried, and who could not be. */
export function explain(detail: string, candidates: readonly Candidate[], keychain: Keychain | undefined): string {
  if (keychain === undefined) return detail
  const known = candidates.filter(({ isLazy }) => !isLazy)
  const tried = known.map(({ source }) => source).join(', ')
  const more = keychain.notes.length > MOST_NOTES ? [`and ${keychain.notes.length - MOST_NOTES} more`] : []
  return [`${detail} (asked as ${tried})`, ...keychain.notes.slice(0, MOST_NOTES), ...more].join('; ')
}
