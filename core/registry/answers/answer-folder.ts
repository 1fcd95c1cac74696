/** A folder in which answers of registries lie, one file each: for several processes at a time, and for nobody else to read. */
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '#core/domain/input-error.ts'
import { codeOf } from '../failure.ts'
import { decodeAnswer, encodeAnswer, fileNameOf, type KeptAnswer, MOST_HEAD_BYTES } from './answer-file.ts'
import type { Asking, Question } from './question.ts'

/** In the folder that the user names: another form of files would lie beside it, and what else lies there is left alone. */
const LAYOUT = 'answers-v1'

const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

/** Whoever finds this many damaged files throws the folder away. */
const MOST_WARNINGS = 5

/** Neither a link to somewhere else nor a pipe that nobody writes into is a file of ours. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Opens a folder that an earlier run has filled; an InputError if there is none. Nothing is ever written into it. */
export async function openFilledFolder(path: string): Promise<AnswerFolder> {
  const folder = join(path, LAYOUT)
  const found = await stat(folder).catch((error: unknown) => error)
  if (found instanceof Error)
    throw new InputError(
      `no run has filled the cache folder ${JSON.stringify(path)} yet: ${JSON.stringify(folder)} cannot be read (${codeOf(found)})`,
    )
  return new AnswerFolder(folder)
}

/** Opens a folder to be filled, and makes it if need be; an InputError if nothing can be written into it. */
export async function openFolderToFill(path: string): Promise<AnswerFolder> {
  const folder = join(path, LAYOUT)
  try {
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
    // What the rights say is not the whole truth: the disk may be full, or mounted to be read only.
    const trial = temporaryIn(folder, 'trial')
    await writeFile(trial, 'trial', { flag: 'wx', mode: FILE_MODE })
    await rm(trial)
  } catch (error) {
    const reason = `nothing can be written into the cache folder ${JSON.stringify(path)} (${codeOf(error)})`
    throw new InputError(reason, { cause: error })
  }
  return new AnswerFolder(folder)
}

export class AnswerFolder {
  readonly #path: string
  readonly #warnings = new Set<string>()

  /** The folder must be there. */
  constructor(path: string) {
    this.#path = path
  }

  /** The answer to this question, if it lies there whole: whatever else does counts as nothing, with a warning. Throws only the reason of the signal. */
  async read(question: Question, { share, signal }: Asking): Promise<KeptAnswer | undefined> {
    const path = join(this.#path, fileNameOf(question))
    const take = (bytes: number) => share.take(bytes, signal)
    try {
      await using file = await open(path, READ_FLAGS)
      return decodeAnswer(await readWhole(file, question.cap.bytes + MOST_HEAD_BYTES, take), question)
    } catch (error) {
      signal.throwIfAborted()
      if (codeOf(error) !== 'ENOENT') this.#warnings.add(`${path} ${faultOf(error)}, and counts as not there`)
      return undefined
    }
  }

  /** Puts the answer there as a whole, in place of an older one. That it cannot be written is a warning: the answer is as good. */
  async write(question: Question, kept: KeptAnswer): Promise<void> {
    const bytes = encodeAnswer(question, kept)
    if (bytes === undefined) return
    const name = fileNameOf(question)
    const temporary = temporaryIn(this.#path, name)
    try {
      await writeFile(temporary, bytes, { flag: 'wx', mode: FILE_MODE })
      await rename(temporary, join(this.#path, name))
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {})
      this.#warnings.add(`not every answer was kept: ${this.#path} ${faultOf(error)}`)
    }
  }

  /** What was odd about it so far, each once. */
  warnings(): readonly string[] {
    const all = [...this.#warnings]
    const more = all.length - MOST_WARNINGS
    return more > 0 ? [...all.slice(0, MOST_WARNINGS), `and ${more} more like these`] : all
  }
}

/** What is wrong with a file or a disk, in words; throws what is wrong with us. */
function faultOf(error: unknown): string {
  if (error instanceof InputError) return error.message
  const code = codeOf(error)
  if (code === undefined) throw error
  return `cannot be used (${code})`
}

/** In the same folder, so that it can be renamed; a name that no other process takes. */
function temporaryIn(folder: string, name: string): string {
  return join(folder, `${name}.${randomUUID()}.part`)
}

/** No byte beyond what it had when it was opened, and none at all of one that is too large. */
async function readWhole(
  file: FileHandle,
  most: number,
  take: (bytes: number) => Promise<void> | undefined,
): Promise<Uint8Array> {
  const found = await file.stat()
  if (!found.isFile()) throw new InputError('is no file')
  if (found.size > most) throw new InputError(`holds more than the ${most} bytes that are read`)
  await take(found.size)
  const bytes = Buffer.alloc(found.size)
  for (let held = 0; held < bytes.byteLength; ) {
    const { bytesRead } = await file.read(bytes, held, bytes.byteLength - held, held)
    // It has become shorter; what is missing shows in its digest.
    if (bytesRead === 0) break
    held += bytesRead
  }
  return bytes
}
