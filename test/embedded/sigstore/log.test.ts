import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RECORDED_LAYOUTS } from '#test/support/embedded-registry.ts'
import { encodeCheckpoint } from '../../../embedded/sigstore/checkpoint.ts'
import { MerkleTree } from '../../../embedded/sigstore/merkle-tree.ts'
import { Rekor } from '../../../embedded/sigstore/rekor.ts'

const hash = (...parts: readonly (Uint8Array | readonly number[])[]) =>
  createHash('sha256')
    .update(Buffer.concat(parts.map(part => Buffer.from(part))))
    .digest()

/** RFC 9162, section 2.1.3.2: the root that a path leads to; undefined when the path does not fit. */
function rootFrom(leaf: Uint8Array, index: number, size: number, path: readonly Uint8Array[]): Buffer | undefined {
  let [fn, sn, root] = [index, size - 1, hash([0], leaf)]
  for (const sibling of path) {
    if (sn === 0) return undefined
    if (fn % 2 === 1 || fn === sn) {
      root = hash([1], sibling, root)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1]
    } else root = hash([1], root, sibling)
    ;[fn, sn] = [fn >> 1, sn >> 1]
  }
  return sn === 0 ? root : undefined
}

const AT = new Date('2026-11-21T10:00:00Z')

t.test('every leaf of a tree of every size is proven by the algorithm of the standard', async t => {
  const tree = new MerkleTree()
  const leaves = Array.from({ length: 33 }, (_, nth) => Buffer.from(`leaf ${nth}`))
  for (const leaf of leaves) tree.append(leaf)
  for (let size = 1; size <= leaves.length; size++) {
    const proven = leaves.slice(0, size).map((leaf, nth) => rootFrom(leaf, nth, size, tree.proof(nth, size)))
    const root = Buffer.from(tree.root(size))
    t.ok(
      proven.every(found => found?.equals(root)),
      `${size} leaves`,
    )
  }
  t.strictSame(Buffer.from(tree.root(0)), hash(), 'an empty tree has the hash of nothing')
})

t.test('an entry is proven in a tree with others, by a checkpoint that the log signed', async t => {
  const bytes = Buffer.from('{"kind":"x"}')
  for (const version of [1, 2] as const) {
    const log = new Rekor(version, 'rekor.acme.test')
    const { proof, logId } = log.add({ kind: 'x', version: '0', bytes }, AT)
    if (proof === undefined) throw new Error('there is no proof')
    const { index, treeSize, rootHash, hashes, checkpoint } = proof
    t.ok(index > 0 && treeSize > index + 1 && hashes.length > 1)
    t.strictSame(rootFrom(bytes, index, treeSize, hashes), Buffer.from(rootHash))
    const { note, name, hint, signature } = readNote(checkpoint)
    const [origin, size, root] = note.split('\n')
    t.match(origin, version === 1 ? /^rekor\.acme\.test - \d+$/ : /^rekor\.acme\.test$/)
    t.strictSame([name, size, root], ['rekor.acme.test', `${treeSize}`, Buffer.from(rootHash).toString('base64')])
    t.strictSame(hint, Buffer.from(logId.subarray(0, 4)))
    t.ok(verify(version === 1 ? 'sha256' : null, Buffer.from(note), log.publicKey, signature))
  }
})

/** The signed text, and the one signature below it. */
function readNote(text = '') {
  const {
    note = '',
    name = '',
    base64 = '',
  } = /^(?<note>.*\n)\n— (?<name>\S+) (?<base64>\S+)\n$/s.exec(text)?.groups ?? {}
  const bytes = Buffer.from(base64, 'base64')
  return { note, name, hint: bytes.subarray(0, 4), signature: bytes.subarray(4) }
}

t.test('Rekor v1 promises time and index, and counts its earlier trees; Rekor v2 promises nothing', async t => {
  const body = { kind: 'x', version: '0', bytes: Buffer.from('{}') }
  const one = new Rekor(1, 'rekor.acme.test')
  const { promise = Buffer.alloc(0), logId, index, integratedTime, proof } = one.add(body, AT)
  t.equal(integratedTime, AT.getTime() / 1000)
  t.not(index, proof?.index)
  const logID = Buffer.from(logId).toString('hex')
  const canonical = `{"body":"e30=","integratedTime":${integratedTime},"logID":"${logID}","logIndex":${index}}`
  t.ok(verify('sha256', Buffer.from(canonical), one.publicKey, promise))
  t.strictSame(Buffer.from(logId), hash(one.publicKey.export({ type: 'spki', format: 'der' })))
  const two = new Rekor(2, 'rekor.acme.test').add(body, AT)
  t.strictSame([two.promise, two.integratedTime, two.index], [undefined, undefined, two.proof?.index])
})

t.test('the id of an Ed25519 log is made as the recorded one is', async t => {
  const { tlogs } = JSON.parse(readFileSync(join(RECORDED_LAYOUTS, '../trusted_root.json'), 'utf8'))
  const [recorded] = tlogs
  const spki = Buffer.from(recorded.publicKey.rawBytes, 'base64')
  const idOf = (name: string, raw: Uint8Array) => hash(Buffer.from(`${name}\n`), [1], raw)
  t.strictSame(idOf('127.0.0.1', spki.subarray(-32)), Buffer.from(recorded.logId.keyId, 'base64'))
  const { publicKey, logId } = new Rekor(2, 'rekor.acme.test')
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  t.strictSame(idOf('rekor.acme.test', raw), Buffer.from(logId))
  t.equal(createPublicKey({ key: spki, format: 'der', type: 'spki' }).asymmetricKeyType, 'ed25519')
})

t.test('a checkpoint is a note of three lines, a blank one, and the signature', async t => {
  const signer = { name: 'log', hint: Buffer.from([1, 2, 3, 4]), sign: (note: Uint8Array) => note.subarray(0, 3) }
  const head = { origin: 'log', size: 7, rootHash: Buffer.alloc(3) }
  t.equal(encodeCheckpoint(head, signer), 'log\n7\nAAAA\n\n— log AQIDBGxvZw==\n')
})
