/** Signed notes (C2SP, signed-note.md): text, a blank line, and lines of signatures. Split and bounded, not verified. */
import { decodeBase64 } from '#core/domain/base64.ts'
import { InputError } from '#core/domain/input-error.ts'
import { LimitError } from '#core/json/limit-error.ts'

type NoteSignature = {
  /** Who is said to have signed. */
  readonly name: string
  /** Which of that one's keys: 4 bytes, as 8 hex digits. */
  readonly hint: string
  readonly signature: Uint8Array
}

export type SignedNote = {
  /** What is signed, the last line break included. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** The limit of golang.org/x/mod/sumdb/note, the reference. */
export const MOST_SIGNATURES = 100

const HINT_BYTES = 4

/** Control characters but for the line break, which may stand in no note. */
const CONTROL = /[^\P{Cc}\n]/u

/** An em dash, a name without blanks and plus signs, base64. */
const SIGNATURE = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/=]+)$/u

/** Decodes a note; throws an InputError, a LimitError where it has more signatures than anybody would read. */
export function decodeSignedNote(note: string): SignedNote {
  if (!note.isWellFormed() || CONTROL.test(note)) throw new InputError('expected a note of text, got other characters')
  // The last one: a blank line may stand in the text, and none among the signatures.
  const blank = note.lastIndexOf('\n\n')
  if (blank < 0 || !note.endsWith('\n')) throw new InputError('expected a note of text, a blank line and signatures')
  const lines = note.slice(blank + 2, -1).split('\n')
  if (lines.length > MOST_SIGNATURES)
    throw new LimitError(`expected at most ${MOST_SIGNATURES} signatures of a note, got ${lines.length}`)
  return { text: note.slice(0, blank + 1), signatures: lines.map(line => decodeSignature(line, note.length)) }
}

function decodeSignature(line: string, most: number): NoteSignature {
  const [, name, text] = SIGNATURE.exec(line) ?? []
  if (name === undefined || text === undefined) throw new InputError('expected a signature of a note, got another line')
  const bytes = decodeBase64(text, 'a signature of a note', most)
  if (bytes.length <= HINT_BYTES) throw new InputError('expected a signature of a note, got its key hint only')
  return {
    name,
    hint: Buffer.from(bytes.subarray(0, HINT_BYTES)).toString('hex'),
    signature: bytes.subarray(HINT_BYTES),
  }
}
