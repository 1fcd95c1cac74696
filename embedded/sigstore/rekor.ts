/** Logs of signatures in the manner of Rekor v1 and v2. They log what they are given, wrong entries included. */
import type { KeyObject } from 'node:crypto'
import { generateKeyPairSync, randomInt, sign } from 'node:crypto'
import type { Head, NoteSigner } from './checkpoint.ts'
import { encodeCheckpoint } from './checkpoint.ts'
import type { Body } from './entry-body.ts'
import { makeEcKeys, sha256, spkiOf } from './key-pair.ts'
import type { LogEntry } from './log-entry.ts'
import { MerkleTree } from './merkle-tree.ts'

/** Entries of other people, so that no proof is trivial. */
const OTHER_ENTRIES = 5
/** Entries in earlier trees of the same log: its index of an entry and the tree's are two numbers. */
const EARLIER_ENTRIES = 1_000_000

export class Rekor {
  readonly version: 1 | 2
  readonly baseUrl: string
  readonly publicKey: KeyObject
  readonly logId: Uint8Array
  readonly noteSigner: NoteSigner
  readonly #origin: string
  readonly #privateKey: KeyObject
  readonly #tree = new MerkleTree()

  constructor(version: 1 | 2, host: string) {
    const { publicKey, privateKey } = version === 1 ? makeEcKeys() : generateKeyPairSync('ed25519')
    this.version = version
    this.baseUrl = `https://${host}`
    this.publicKey = publicKey
    this.logId = version === 1 ? sha256(spkiOf(publicKey)) : noteKeyId(host, publicKey)
    this.noteSigner = { name: host, hint: this.logId.subarray(0, 4), sign: note => this.#sign(note) }
    this.#origin = version === 1 ? `${host} - ${randomInt(2 ** 47)}` : host
    this.#privateKey = privateKey
    for (let nth = 0; nth < OTHER_ENTRIES; nth++) this.#tree.append(Buffer.from(`entry ${nth} of somebody else`))
  }

  /** Adds an entry, waits for somebody else's, and proves the first. */
  add({ kind, version, bytes }: Body, at: Date): LogEntry {
    const treeIndex = this.#tree.append(bytes)
    this.#tree.append(Buffer.from(`after entry ${treeIndex}`))
    const head = this.head()
    const proof = {
      index: treeIndex,
      treeSize: head.size,
      rootHash: head.rootHash,
      hashes: this.#tree.proof(treeIndex, head.size),
      checkpoint: encodeCheckpoint(head, this.noteSigner),
    }
    const entry = { kind, version, body: bytes, logId: this.logId, proof }
    if (this.version === 2) return { ...entry, index: treeIndex, integratedTime: undefined, promise: undefined }
    const timed = { ...entry, index: EARLIER_ENTRIES + treeIndex, integratedTime: Math.floor(at.getTime() / 1000) }
    return { ...timed, promise: this.promise(timed) }
  }

  /** The tree as it is now. */
  head(): Head {
    return { origin: this.#origin, size: this.#tree.size, rootHash: this.#tree.root(this.#tree.size) }
  }

  /** Signs canonical JSON (RFC 8785: the keys in this order). */
  promise({ body, integratedTime, logId, index }: Omit<LogEntry, 'promise'>): Uint8Array {
    const base64 = Buffer.from(body).toString('base64')
    const logID = Buffer.from(logId).toString('hex')
    return this.#sign(Buffer.from(JSON.stringify({ body: base64, integratedTime, logID, logIndex: index })))
  }

  #sign(message: Uint8Array): Uint8Array {
    return sign(this.version === 1 ? 'sha256' : null, message, this.#privateKey)
  }
}

/** C2SP signed-note, "Signatures": the key is known by its name, its type (1: Ed25519) and its bytes. */
function noteKeyId(name: string, key: KeyObject): Uint8Array {
  const raw = Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')
  return sha256(Buffer.from(`${name}\n`), Buffer.from([1]), raw)
}
