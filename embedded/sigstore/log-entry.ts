/** What a log gives to whoever added an entry. */

export type Proof = {
  readonly index: number
  readonly treeSize: number
  readonly rootHash: Uint8Array
  readonly hashes: readonly Uint8Array[]
  readonly checkpoint: string | undefined
}

export type LogEntry = {
  readonly kind: string
  readonly version: string
  readonly body: Uint8Array
  readonly logId: Uint8Array
  readonly index: number
  /** Seconds; undefined in Rekor v2, which tells no time. */
  readonly integratedTime: number | undefined
  /** The signed entry timestamp of Rekor v1. */
  readonly promise: Uint8Array | undefined
  readonly proof: Proof | undefined
}
