/** The tree of RFC 6962, section 2.1: leaves are only ever added, and any size it once had can be proven. */
import { sha256 } from './key-pair.ts'

const LEAF = Buffer.from([0])
const NODE = Buffer.from([1])

export class MerkleTree {
  readonly #leaves: Uint8Array[] = []
  /** Hashes of whole subtrees, by where they begin and how many leaves they have: these never change. */
  readonly #whole = new Map<string, Uint8Array>()

  get size(): number {
    return this.#leaves.length
  }

  /** Gives the index of the new leaf. */
  append(entry: Uint8Array): number {
    return this.#leaves.push(sha256(LEAF, entry)) - 1
  }

  /** The hash over the first `size` leaves. */
  root(size: number): Uint8Array {
    return size === 0 ? sha256() : this.#hash(0, size)
  }

  /** The audit path of a leaf in the tree of the first `size` leaves, from its sibling upwards. */
  proof(index: number, size: number, start = 0): readonly Uint8Array[] {
    if (size <= 1) return []
    const left = leftOf(size)
    return index < left
      ? [...this.proof(index, left, start), this.#hash(start + left, size - left)]
      : [...this.proof(index - left, size - left, start + left), this.#hash(start, left)]
  }

  #hash(start: number, size: number): Uint8Array {
    const leaf = this.#leaves[start]
    if (size === 1 && leaf !== undefined) return leaf
    const key = `${start} ${size}`
    const known = this.#whole.get(key)
    if (known !== undefined) return known
    const left = leftOf(size)
    const hash = sha256(NODE, this.#hash(start, left), this.#hash(start + left, size - left))
    if (left * 2 === size) this.#whole.set(key, hash)
    return hash
  }
}

/** A tree is split at the largest power of two below the number of its leaves. */
function leftOf(size: number): number {
  return 2 ** Math.floor(Math.log2(size - 1))
}
