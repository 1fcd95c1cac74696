/** What a signature is over: its bytes, or what is left of them where somebody has only their digests. */
import { createHash } from 'node:crypto'
import { HASH_ALGORITHMS, type HashAlgorithm } from '#core/domain/demand.ts'

/** Digests of one message, by algorithm; computed by whoever had the bytes, or taken on the word of whoever asks. */
export type MessageDigests = { readonly [Algorithm in HashAlgorithm]?: Uint8Array }

export type Message = Uint8Array | MessageDigests

/** The digest of the message under the algorithm; undefined where it is neither known nor to be computed. */
export function digestOfMessage(message: Message, algorithm: string): Uint8Array | undefined {
  if (message instanceof Uint8Array) return createHash(algorithm).update(message).digest()
  const known = HASH_ALGORITHMS.find(name => name === algorithm)
  return known === undefined ? undefined : message[known]
}
