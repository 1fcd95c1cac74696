/** Proofs that a log's tree holds an entry (RFC 6962, section 2.1.1; verified as RFC 9162, section 2.1.3.2, says). */
import { createHash } from 'node:crypto'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { InclusionProof } from '../material.ts'
import type { Checkpoint } from './checkpoint.ts'

/** The tree of the checkpoint holds the entry at this index. */
export type Included = { readonly kind: 'included'; readonly index: number; readonly treeSize: number }

/** RFC 6962, section 2.1: a leaf can never be taken for a node. */
const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/** Verifies that the tree of a checkpoint, which has been verified, holds these bytes where the proof says. */
export function verifyInclusion(body: Uint8Array, proof: InclusionProof, head: Checkpoint): Included | Refusal {
  const { index, treeSize, rootHash } = proof
  if (treeSize !== head.size)
    return invalid(`a proof in the signed tree of ${head.size}`, `one in a tree of ${treeSize}`)
  if (Buffer.compare(rootHash, head.rootHash) !== 0) return invalid('a proof to the signed root', 'one to another root')
  if (index < 0 || index >= treeSize) return invalid(`an index below ${treeSize}`, index.toString())
  const root = rootOf(body, proof)
  if (root === undefined) return invalid('as many hashes as the tree is high above the entry', `${proof.hashes.length}`)
  if (Buffer.compare(root, head.rootHash) !== 0)
    return invalid('a proof to the signed root', 'one that leads elsewhere')
  return { kind: 'included', index, treeSize }
}

/** What the hashes lead up to from the leaf; undefined if there are more or fewer than lie on the way. Halves, because bits end at 2^32. */
function rootOf(body: Uint8Array, { index, treeSize, hashes }: InclusionProof): Uint8Array | undefined {
  let node = hashOf(LEAF, body)
  let at = index
  let last = treeSize - 1
  for (const hash of hashes) {
    if (last === 0) return undefined
    if (at % 2 === 1 || at === last) {
      node = hashOf(NODE, hash, node)
      // The last node of a level with an odd number of them is itself on the next one.
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)]
    } else node = hashOf(NODE, node, hash)
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 ? node : undefined
}

function half(count: number): number {
  return Math.floor(count / 2)
}

function hashOf(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

function invalid(expected: string, got: string): Refusal {
  return refusal('log.invalid', `expected ${expected}, got ${got}`)
}
