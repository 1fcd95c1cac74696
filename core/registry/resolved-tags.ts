/** What tags pointed at a moment ago: for pinning alone, where any digest is as good as the tag was when it was asked. */
import type { Digest } from '#core/domain/digest.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { BoundedMap } from './bounded-map.ts'
import type { Resolved } from './resolve-tag.ts'

/** A tag of a repository, as whom it is asked: nothing that one caller learnt is told to another. */
export type TagKey = { readonly scope: string; readonly tag: string }

/** More tags than a cluster pins in a few seconds, though any user can name as many. */
const MOST_TAGS = 1000

/**
 * Nothing is verified by what is remembered here: a digest that a tag pointed at is pinned, and the pinned digest is what
 * validation proves, whatever the tag points at by then. Neither refusals nor silence are remembered.
 */
export class ResolvedTags {
  readonly #lifeMs: number
  readonly #nowMs: () => number
  readonly #held = new BoundedMap<{ readonly resolved: Resolved; readonly atMs: number }>(MOST_TAGS)

  /** `nowMs` need not be the time of day, but must never go back. */
  constructor(lifeMs: number, nowMs: () => number) {
    this.#lifeMs = lifeMs
    this.#nowMs = nowMs
  }

  /** What the tag pointed at within the life of an answer, or what `ask` brings; it is told what was known before. */
  async get(
    { scope, tag }: TagKey,
    ask: (known: Resolved | undefined) => Promise<Resolved | Refusal>,
  ): Promise<Digest | Refusal> {
    const key = `${scope} ${tag}`
    const held = this.#held.get(key)
    // Before the question: the answer is at least as old.
    const atMs = this.#nowMs()
    if (held !== undefined && atMs - held.atMs < this.#lifeMs) return held.resolved.digest
    const resolved = await ask(held?.resolved)
    if (resolved.kind === 'resolved') {
      this.#held.set(key, { resolved, atMs })
      return resolved.digest
    }
    this.#held.delete(key)
    return resolved
  }
}
