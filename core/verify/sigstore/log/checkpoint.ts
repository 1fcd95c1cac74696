/** Checkpoints (C2SP, tlog-checkpoint.md): the size and the root of a log's tree at some moment, in a note that the log signed. */
import { decodeBase64 } from '#core/domain/base64.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { TransparencyLog } from '#core/domain/trust-root.ts'
import { quote } from '#core/verify/quote.ts'
import { logSignerOf } from './log-signature.ts'
import type { SignedNote } from './signed-note.ts'
import { decodeSignedNote } from './signed-note.ts'
import { refusalOfUnreadable } from './unreadable.ts'

/** The log has signed that its tree of this size has this root. */
export type Checkpoint = {
  readonly kind: 'checkpoint'
  readonly origin: string
  readonly size: number
  readonly rootHash: Uint8Array
}

const HASH_BYTES = 32
const SIZE = /^[1-9][0-9]{0,15}$/

/** Rekor v1 has many trees under one name, and writes behind it which one: an int64. */
const TREE = /^ - [1-9][0-9]{0,18}$/

/**
 * Verifies that the note is a checkpoint by this very log: its origin, and one signature under its name and key hint. A
 * signature of another log that is trusted as well proves nothing about this one; witnesses are welcome and not asked.
 */
export function verifyCheckpoint(note: string, log: TransparencyLog): Checkpoint | Refusal {
  try {
    const signed = decodeSignedNote(note)
    return refusalOfSignatures(signed, log) ?? decodeCheckpoint(signed.text)
  } catch (error) {
    return refusalOfUnreadable(error)
  }
}

/** The name is compared whole, and the log's is never looked for within another or the other way round. */
function refusalOfSignatures({ text, signatures }: SignedNote, log: TransparencyLog): Refusal | undefined {
  const origin = text.slice(0, text.indexOf('\n'))
  const names = namesOf(log)
  const name = names.find(name => origin === name || (origin.startsWith(name) && TREE.test(origin.slice(name.length))))
  if (name === undefined)
    return refusal('log.invalid', `expected a checkpoint of ${names.join(' or ')}, got one of ${quote(origin)}`)
  const own = signatures.filter(one => one.name === name && one.hint === log.keyHint)
  const [only] = own
  if (only === undefined || own.length > 1)
    return refusal(
      'log.invalid',
      `expected one signature by ${name} with the key hint ${log.keyHint}, got ${own.length}`,
    )
  if (logSignerOf(Buffer.from(text), only.signature, log.key) === undefined)
    return refusal(
      'log.invalid',
      `expected a checkpoint by the log ${log.baseUrl}, got one that does not verify with its key`,
    )
  return undefined
}

/** Its host; Rekor leaves out the port, and C2SP does not. */
function namesOf({ baseUrl }: TransparencyLog): readonly string[] {
  const url = URL.parse(baseUrl)
  return url === null ? [] : [...new Set([url.hostname, url.host])]
}

/** Three lines, and perhaps others that mean something to somebody else. */
function decodeCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', root = '', ...others] = text.slice(0, -1).split('\n')
  if (!SIZE.test(size) || !Number.isSafeInteger(Number(size)))
    throw new InputError(`expected the size of a tree in the checkpoint, got ${quote(size)}`)
  const rootHash = decodeBase64(root, 'the root hash in the checkpoint', HASH_BYTES)
  if (rootHash.length !== HASH_BYTES)
    throw new InputError(`expected ${HASH_BYTES} bytes of root hash in the checkpoint, got ${rootHash.length}`)
  if (others.includes('')) throw new InputError('expected no blank line in the checkpoint')
  return { kind: 'checkpoint', origin, size: Number(size), rootHash }
}
