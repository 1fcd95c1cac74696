/** Reads what a bundle is checked against: the bytes of a file or of standard input as far as they are kept, and their digests. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { InputError } from '#core/domain/input-error.ts'
import { digestOfMessage, type Message } from '#core/verify/sigstore/message.ts'
import { unreadable } from './read-bytes.ts'

export type Artefact = {
  /** What messages call it: the path as the user would write it, `standard input`, or the digest. */
  readonly name: string
  /** All of the bytes, where they are few enough to be kept; its digests otherwise. */
  readonly message: Message
}

/** Twice as much is held for a moment. Of a longer file only the digests are known, which is all that most signatures need. */
export const MOST_KEPT_BYTES = 128 * 1024 * 1024

/** Those that signers of files take, and that statements name files by. */
const ALGORITHMS = ['sha256', 'sha384', 'sha512'] as const

/** Hex digits of a digest. */
const DIGITS = { sha256: 64, sha384: 96, sha512: 128 } as const

/**
 * Reads a path, `-` for standard input, or `sha256:HEX` (`sha384:`, `sha512:`) for what somebody else has hashed. A file of
 * such a name is reached as `./sha256:…`. Throws an InputError for what cannot be read.
 */
export async function readArtefact(named: string, stdin: Readable, mostKept = MOST_KEPT_BYTES): Promise<Artefact> {
  const digest = parseDigestArgument(named)
  if (digest !== undefined) return { name: named, message: digest }
  const name = named === '-' ? 'standard input' : named
  return { name, message: await hash(name, named === '-' ? stdin : createReadStream(named), mostKept) }
}

/** `sha256:…`, or the longer digest where that is all that is known. */
export function nameOfMessage(message: Message): string {
  const names = ALGORITHMS.flatMap(algorithm => {
    const digest = digestOfMessage(message, algorithm)
    return digest === undefined ? [] : [`${algorithm}:${Buffer.from(digest).toString('hex')}`]
  })
  return names[0] ?? ''
}

function parseDigestArgument(text: string): Message | undefined {
  const algorithm = ALGORITHMS.find(name => text.startsWith(`${name}:`))
  if (algorithm === undefined) return undefined
  const hex = text.slice(algorithm.length + 1)
  if (hex.length !== DIGITS[algorithm] || !/^[0-9a-f]+$/.test(hex))
    throw new InputError(
      `expected ${algorithm}: and ${DIGITS[algorithm]} lower-case hex digits, got ${JSON.stringify(text.slice(0, 160))}; a file of this name is ./${algorithm}:…`,
    )
  return { [algorithm]: Buffer.from(hex, 'hex') }
}

async function hash(name: string, stream: Readable, mostKept: number): Promise<Message> {
  const hashes = ALGORITHMS.map(algorithm => [algorithm, createHash(algorithm)] as const)
  let kept: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      for (const [, one] of hashes) one.update(chunk)
      length += chunk.byteLength
      if (length <= mostKept) kept.push(chunk)
      else kept = []
    }
  } catch (error) {
    throw unreadable(name, error)
  }
  if (length <= mostKept) return Buffer.concat(kept)
  return Object.fromEntries(hashes.map(([algorithm, one]) => [algorithm, one.digest()]))
}
