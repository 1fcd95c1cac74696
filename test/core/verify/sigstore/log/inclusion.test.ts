import * as fc from 'fast-check'
import t from 'tap'
import type { Checkpoint } from '#core/verify/sigstore/log/checkpoint.ts'
import { verifyInclusion } from '#core/verify/sigstore/log/inclusion.ts'
import type { InclusionProof } from '#core/verify/sigstore/material.ts'
import { hashOf, pathOf, rootOf } from './make-log.ts'

type Proof = Omit<InclusionProof, 'checkpoint'>

function verify(body: Uint8Array, proof: Proof, head: Partial<Checkpoint> = {}) {
  const { treeSize: size, rootHash } = proof
  const checkpoint = { kind: 'checkpoint', origin: 'log.example', size, rootHash, ...head } as const
  return verifyInclusion(body, { ...proof, checkpoint: '' }, checkpoint)
}

const leaf = (at: number) => Buffer.from(`leaf ${at}`)
const leavesUpTo = (size: number) => Array.from({ length: size }, (_, at) => leaf(at))

function proofIn(size: number, index: number): Proof {
  const leaves = leavesUpTo(size)
  return { index, treeSize: size, rootHash: rootOf(leaves), hashes: pathOf(leaves, index) }
}

t.test('each leaf of each tree of 1 to 64 leaves is proven, at its own index and no other', async t => {
  for (let size = 1; size <= 64; size++) {
    const leaves = leavesUpTo(size)
    const rootHash = rootOf(leaves)
    const wrong = [...leaves.keys()].flatMap(index => {
      const proof = { treeSize: size, rootHash, hashes: pathOf(leaves, index) }
      const others = size <= 16 ? leaves.keys() : [0, index - 1, index + 1, index ^ 1, index >> 1, size - 1]
      const tried = [...new Set([index, ...others, size, size + 1])]
      const isProven = (at: number) => verify(leaf(index), { ...proof, index: at }).kind === 'included'
      return tried.filter(at => isProven(at) !== (at === index)).map(at => `${index} at ${at}`)
    })
    t.strictSame(wrong, [], `${size} leaves`)
  }
})

t.test('a proof with a hash more, a hash less, another hash or two exchanged is none', async t => {
  for (const [size, index] of [1, 2, 3, 7, 8, 33].flatMap(size =>
    [0, size - 1, size >> 1].map(at => [size, at] as const),
  )) {
    const proof = proofIn(size, index)
    const { hashes } = proof
    const changed: (readonly Uint8Array[])[] = [
      [...hashes, hashOf(0, leaf(0))],
      [hashOf(0, leaf(0)), ...hashes],
      ...hashes.map((_, at) => hashes.toSpliced(at, 1)),
      ...hashes.map((hash, at) => hashes.with(at, hashOf(0, hash))),
      ...hashes.slice(1).map((hash, at) => hashes.with(at, hash).with(at + 1, hashes[at] ?? hash)),
    ]
    t.match(verify(leaf(index), proof), { kind: 'included', index, treeSize: size })
    for (const one of changed) t.match(verify(leaf(index), { ...proof, hashes: one }), { code: 'log.invalid' })
    const more = [...hashes, hashOf(0, leaf(0))]
    t.match(verify(leaf(index), { ...proof, hashes: more }), { detail: /as many hashes/ })
  }
})

t.test('a proof for another body, to another root, or in a tree of another size is none', async t => {
  const proof = proofIn(7, 3)
  const other = hashOf(0, leaf(1))
  t.match(verify(leaf(4), proof), { code: 'log.invalid', detail: /leads elsewhere/ })
  t.match(verify(leaf(3), { ...proof, rootHash: other }), { code: 'log.invalid', detail: /leads elsewhere/ })
  t.match(verify(leaf(3), proof, { rootHash: other }), { code: 'log.invalid', detail: /another root/ })
  t.match(verify(leaf(3), proof, { size: 8 }), {
    code: 'log.invalid',
    detail: 'signed tree of 8, got one in a tree of 7',
  })
  t.match(verify(leaf(3), { ...proof, treeSize: 8 }, { size: 7 }), { code: 'log.invalid' })
  t.match(verify(leaf(6), { ...proof, index: 7 }), { code: 'log.invalid', detail: 'expected an index below 7, got 7' })
})

t.test('nothing is in an empty tree', async t => {
  const rootHash = hashOf(0, leaf(0))
  t.match(verify(leaf(0), { index: 0, treeSize: 0, rootHash, hashes: [] }), { code: 'log.invalid' })
})

t.test('a node is not taken for a leaf (RFC 6962, section 2.1)', async t => {
  const [left, right] = [hashOf(0, leaf(0)), hashOf(0, leaf(1))]
  const rootHash = rootOf(leavesUpTo(2))
  t.match(verify(Buffer.concat([left, right]), { index: 0, treeSize: 1, rootHash, hashes: [] }), {
    code: 'log.invalid',
  })
})

/** RFC 6962 read from the bits of the index: how many levels have two nodes above the leaf, and on which sides the others lie. */
function rootByBits(body: Uint8Array, index: bigint, size: bigint, hashOfLevel: (level: number) => Buffer) {
  const inner = index === size - 1n ? 0 : (index ^ (size - 1n)).toString(2).length
  const border = (index >> BigInt(inner)).toString(2).replaceAll('0', '').length
  const hashes = Array.from({ length: inner + border }, (_, level) => hashOfLevel(level))
  const rootHash = hashes.reduce(
    (node, hash, level) => {
      const isLeft = level < inner && ((index >> BigInt(level)) & 1n) === 0n
      return isLeft ? hashOf(1, node, hash) : hashOf(1, hash, node)
    },
    hashOf(0, body),
  )
  return { hashes, rootHash }
}

t.test('trees larger than anyone can make are walked exactly, up to 2^53 - 1 leaves', async t => {
  const sizes = fc.bigInt({ min: 1n, max: BigInt(Number.MAX_SAFE_INTEGER) })
  fc.assert(
    fc.property(sizes, fc.bigInt({ min: 0n, max: 2n ** 53n }), fc.boolean(), (size, any, isLast) => {
      const index = isLast ? size - 1n : any % size
      const built = rootByBits(leaf(0), index, size, level => hashOf(1, leaf(level)))
      const proof = { index: Number(index), treeSize: Number(size), ...built }
      const sibling = index % 2n === 0n ? index + 1n : index - 1n
      const isProven = verify(leaf(0), proof).kind === 'included'
      return isProven && (sibling >= size || verify(leaf(0), { ...proof, index: Number(sibling) }).kind === 'refusal')
    }),
    { numRuns: 200 },
  )
  t.pass()
})
