/** As whom a registry is asked for an image, one after the other until it lets one in. */
import type { ImageRef } from '#core/domain/image-ref.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { ANONYMOUS, credentialName } from './credential.ts'
import type { Keychain } from './keychain.ts'
import { loginsFor } from './keychain.ts'
import type { Registry } from './registries.ts'

export type Candidate = {
  /** The registry, with the credential to be tried. */
  readonly registry: Registry
  /** Names no secret and holds no space. */
  readonly scope: string
  /** Who it is, in words for the owner of the workload. */
  readonly source: string
}

/** Each that is refused costs some requests, and whoever writes a Pod decides how many there are. */
export const MOST_LOGINS = 8

/** What is said to the owner of a workload has to be read by him. */
const MOST_NOTES = 5

/**
 * Whom to try, in order. Without a keychain: whoever is configured, for all workloads alike. With one: the workload's own
 * logins, then the configured credential if it is for all, as a kubelet takes those of its node last, then nobody.
 */
export function candidatesOf(registry: Registry, ref: ImageRef, keychain: Keychain | undefined): readonly Candidate[] {
  const candidate = (credential: Registry['credential'], source: string): Candidate => ({
    registry: { ...registry, credential },
    scope: `${registry.name}/${ref.repository}#${credentialName(credential)}`,
    source,
  })
  const configured = candidate(registry.credential, 'the configured credential')
  if (keychain === undefined) return [configured]
  const own = loginsFor(keychain, ref).map(({ credential, source }) => candidate(credential, source))
  const isShared = registry.isForAllNamespaces && registry.credential.kind !== 'anonymous'
  const wanted = [...own.slice(0, MOST_LOGINS), ...(isShared ? [configured] : []), candidate(ANONYMOUS, 'nobody')]
  // The same credential in two Secrets is one caller, and would get the same answer.
  return [...Map.groupBy(wanted, ({ scope }) => scope).values()].flatMap(same => same.slice(0, 1))
}

/** The first answer that is not "you may not"; if all are, the first of these. Throws Unavailable. */
export async function askInTurn<T>(
  candidates: readonly Candidate[],
  ask: (candidate: Candidate) => Promise<T>,
): Promise<T> {
  let first: Unavailable | undefined
  for (const candidate of candidates) {
    try {
      return await ask(candidate)
    } catch (error) {
      if (!isUnauthorized(error)) throw error
      first ??= error
    }
  }
  throw first ?? new Unavailable('registry.unauthorized', 'there is nobody to ask as')
}

/** Whether this says that the registry does not let us in, as whoever it was that asked. */
export function isUnauthorized(error: unknown): error is Unavailable {
  return error instanceof Unavailable && error.code === 'registry.unauthorized'
}

/** Adds to the reason of a registry that lets nobody in who was tried, and who could not be. */
export function explain(detail: string, candidates: readonly Candidate[], keychain: Keychain | undefined): string {
  if (keychain === undefined) return detail
  const tried = candidates.map(({ source }) => source).join(', ')
  const more = keychain.notes.length > MOST_NOTES ? [`and ${keychain.notes.length - MOST_NOTES} more`] : []
  return [`${detail} (asked as ${tried})`, ...keychain.notes.slice(0, MOST_NOTES), ...more].join('; ')
}
