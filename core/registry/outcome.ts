/** What became of one look at a registry: what was asked for, a verified no, or no answer. */
import type { Refusal, Silence } from '#core/domain/refusal.ts'
import { silence } from '#core/domain/refusal.ts'
import { Unavailable } from '#core/domain/unavailable.ts'

export type Outcome<T> = T | Refusal | Silence

/** Waits for a fetch; what the world did not answer becomes a silence among the outcomes instead of an end to all of them. */
export async function settle<T>(fetch: Promise<T>): Promise<T | Silence> {
  try {
    return await fetch
  } catch (error) {
    if (error instanceof Unavailable) return silence(error.code, error.message)
    throw error
  }
}

/** Outcomes told apart; refusals and silences are sorted and said once, so that no order of listing shows in them. */
export type Sorted<T> = {
  readonly values: readonly T[]
  readonly refusals: readonly Refusal[]
  readonly silences: readonly Silence[]
}

/** Tells outcomes apart. */
export function sortOut<T extends { readonly kind: string }>(outcomes: readonly Outcome<T>[]): Sorted<T> {
  const values: T[] = []
  const refusals = new Map<string, Refusal>()
  const silences = new Map<string, Silence>()
  for (const outcome of outcomes) {
    if (isRefusal(outcome)) refusals.set(`${outcome.code} ${outcome.detail}`, outcome)
    else if (isSilence(outcome)) silences.set(`${outcome.code} ${outcome.detail}`, outcome)
    else values.push(outcome)
  }
  return { values, refusals: inOrder(refusals), silences: inOrder(silences) }
}

function isRefusal(outcome: { readonly kind: string }): outcome is Refusal {
  return outcome.kind === 'refusal'
}

function isSilence(outcome: { readonly kind: string }): outcome is Silence {
  return outcome.kind === 'silence'
}

function inOrder<T>(named: ReadonlyMap<string, T>): readonly T[] {
  return [...named.keys()].toSorted().map(key => named.get(key) as T)
}
