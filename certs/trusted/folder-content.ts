/** What lies in a folder of trust roots: first what can be seen from outside, then the bytes. */
import { createHash } from 'node:crypto'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '#core/domain/input-error.ts'
import { TRUST_ROOT_BYTES } from './parse-trusted-root.ts'

export type RootFile = { readonly name: string; readonly file: string; readonly bytes: Uint8Array }

export type FolderContent = {
  readonly files: readonly RootFile[]
  /** Files that were left alone because of their names. */
  readonly ignored: readonly string[]
  /** SHA-256 over names and bytes. */
  readonly digest: string
}

/** A company has one for itself, one for the public, and as many more as it has suppliers with an instance of their own. */
export const MOST_TRUST_ROOTS = 32

/** What folders hold besides: a few notes. A folder of anything else is the wrong one. */
const MOST_NAMES = 1000

const ENDING = '.json'

/**
 * One text for how the folder looks from outside: names, and of what they lead to, size, times and inode. A mounted
 * ConfigMap is links to links, of which one is turned when it changes, so links are followed.
 */
export async function readStamp(folder: string): Promise<string> {
  const { found } = await list(folder)
  const stamps = await Promise.all(found.map(file => stampOf(join(folder, file))))
  return JSON.stringify([found, stamps])
}

/** Reads all of it. Throws an InputError that names what cannot be read, or of what there is too much. */
export async function readContent(folder: string): Promise<FolderContent> {
  const { found, ignored } = await list(folder)
  const files = await Promise.all(
    found.map(async name => {
      const file = join(folder, name)
      return { name: name.slice(0, -ENDING.length), file, bytes: await readBytes(file) }
    }),
  )
  const hash = createHash('sha256')
  for (const { name, bytes } of files) hash.update(`${name}\n${bytes.length}\n`).update(bytes)
  return { files, ignored: ignored.map(name => join(folder, name)), digest: hash.digest('hex') }
}

/** Names that start with a dot are passed over without a word: a mounted ConfigMap keeps its versions there. */
async function list(folder: string): Promise<{ found: readonly string[]; ignored: readonly string[] }> {
  const names = (await readNames(folder)).filter(name => !name.startsWith('.')).toSorted()
  if (names.length > MOST_NAMES)
    throw new InputError(`expected at most ${MOST_NAMES} files in ${folder}, got ${names.length}`)
  const found = names.filter(name => name.endsWith(ENDING))
  if (found.length > MOST_TRUST_ROOTS)
    throw new InputError(`expected at most ${MOST_TRUST_ROOTS} trust roots in ${folder}, got ${found.length}`)
  return { found, ignored: names.filter(name => !name.endsWith(ENDING)) }
}

async function readNames(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    throw new InputError(`cannot read the folder ${folder}: ${reason(error)}`, { cause: error })
  }
}

async function stampOf(file: string): Promise<string> {
  try {
    const { size, mtimeNs, ctimeNs, ino, dev } = await stat(file, { bigint: true })
    return [size, mtimeNs, ctimeNs, ino, dev].join(' ')
  } catch (error) {
    throw unreadable(file, error)
  }
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    // Before it is opened: to open a pipe is to wait for whoever writes into it.
    if (!(await stat(file)).isFile()) throw new InputError('it is no file')
    await using handle = await open(file)
    const bytes = Buffer.alloc(TRUST_ROOT_BYTES + 1)
    let length = 0
    for (let read = -1; read !== 0; length += read)
      read = (await handle.read(bytes, length, bytes.length - length)).bytesRead
    if (length > TRUST_ROOT_BYTES) throw new InputError(`expected at most ${TRUST_ROOT_BYTES} bytes`)
    return bytes.subarray(0, length)
  } catch (error) {
    throw unreadable(file, error)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is a file, not a folder',
  EACCES: 'permission denied',
}

function unreadable(file: string, error: unknown): InputError {
  return new InputError(`cannot read ${file}: ${reason(error)}`, { cause: error })
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return REASONS[code ?? ''] ?? message
}
