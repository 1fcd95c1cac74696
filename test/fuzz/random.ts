/** Numbers that look random and are the same each time: every input has a generator of its own, so that any one of them can be made alone. */
import { createHash } from 'node:crypto'

export class Random {
  #state: number

  /** The same words, the same numbers. */
  constructor(...words: readonly (string | number)[]) {
    this.#state = createHash('sha256').update(words.join('/')).digest().readUInt32LE(0)
  }

  /** A whole number from 0, below `most`. Mulberry32. */
  below(most: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * most)
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  /** One of them; there must be one. */
  pick<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new Error('there is nothing to pick from')
    return items[this.below(items.length)] as Item
  }
}
