/** Reads what the command line names, as bytes and bounded. Every complaint begins with the name that the user would know it by. */
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { InputError } from '#core/domain/input-error.ts'

/** Reads all of a stream; more than `most` bytes, or what cannot be read, is an InputError that begins with `name`. */
export async function readBytes(name: string, stream: Readable, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      length += chunk.byteLength
      if (length > most) throw new InputError(`${name}: expected at most ${most} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    throw unreadable(name, error)
  }
  return Buffer.concat(chunks)
}

/** Reads the file that a flag names: `--key release.pub: there is no such file or folder`. */
export function readFlagFile(flag: string, path: string, most: number): Promise<Uint8Array> {
  return readBytes(`${flag} ${path}`, createReadStream(path), most)
}

/** What `parse` gives; what it says is wrong with the file that a flag names begins with both. */
export function parseFlagFile<T>(flag: string, path: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${flag} ${path}: ${error.message}`, { cause: error })
    throw error
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EISDIR: 'expected a file, got a folder',
}

/** What the system says of a path, in words that begin with its name. */
export function unreadable(name: string, error: unknown): InputError {
  if (error instanceof InputError) return error
  const { code } = error as NodeJS.ErrnoException
  return new InputError(`${name}: ${REASONS[code ?? ''] ?? `cannot be read (${code ?? String(error)})`}`, {
    cause: error,
  })
}
