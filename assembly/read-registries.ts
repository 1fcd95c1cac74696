/** Reads the file that says how registries are reached, and what it names. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { InputError } from '#core/domain/input-error.ts'
import type { FolderEntry } from '#core/registry/named-file.ts'
import type { Registries } from '#core/registry/registries.ts'
import { parseRegistries } from '#core/registry/registries.ts'
import { readDocumentsOf } from './read-documents.ts'

/** The authorities of a whole system are some 200 KiB. */
const MOST_BYTES = 1024 * 1024

/** A folder of this many is no folder of registries or certificates. */
const MOST_ENTRIES = 10_000

/** Without a file, all are reached over https and anonymously. Throws an InputError that names the file. */
export function readRegistries(file: string | undefined): Registries {
  if (file === undefined) return parseRegistries({ registries: [] }, readText)
  const [document, ...more] = readDocumentsOf(file)
  if (document === undefined || more.length > 0)
    throw new InputError(`expected one document in ${file}, got ${document === undefined ? 0 : more.length + 1}`)
  try {
    return parseRegistries(document.value, readText, listFolder)
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${file}: ${error.message}`, { cause: error })
    throw error
  }
}

/** A pipe or a device has no end, and a size that says nothing. */
function readText(path: string): string {
  const status = statSync(path)
  if (!status.isFile()) throw new InputError('expected a file')
  if (status.size > MOST_BYTES) throw new InputError(`expected at most ${MOST_BYTES} bytes, got ${status.size}`)
  return readFileSync(path, 'utf8')
}

function listFolder(path: string): readonly FolderEntry[] {
  const names = readdirSync(path)
  if (names.length > MOST_ENTRIES) throw new InputError(`expected at most ${MOST_ENTRIES} entries, got ${names.length}`)
  return names.map(name => ({
    name,
    isFolder: statSync(join(path, name), { throwIfNoEntry: false })?.isDirectory() === true,
  }))
}
