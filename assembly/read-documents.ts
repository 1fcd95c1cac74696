/** Reads the YAML and JSON documents of a folder, in the order of their names. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { InputError } from '#core/domain/input-error.ts'

export type SourcedDocument = {
  /** The file, and the number of the document where there are several: what a message calls it. */
  readonly source: string
  readonly value: unknown
}

/** The API server stores no object above 1.5 MiB; a file may hold a few. */
const MAX_FILE_BYTES = 4 * 1024 * 1024
const MAX_FILES = 1000

/**
 * Reads every `.yaml`, `.yml` and `.json` directly in `folder`. Names that start with a dot are passed over (a mounted
 * ConfigMap keeps its versions there). Throws an InputError that names the file and the line for anything unreadable.
 */
export function readDocuments(folder: string): readonly SourcedDocument[] {
  const names = list(folder).filter(name => /\.(ya?ml|json)$/.test(name) && !name.startsWith('.'))
  if (names.length > MAX_FILES)
    throw new InputError(`expected at most ${MAX_FILES} files in ${folder}, got ${names.length}`)
  return names.toSorted().flatMap(name => readDocumentsOf(join(folder, name)))
}

/** Reads the documents of one file; empty ones are left out. */
export function readDocumentsOf(file: string): readonly SourcedDocument[] {
  const documents = parseAllDocuments(readText(file), { uniqueKeys: true, version: '1.2' })
  return [...documents].flatMap((document, index) => {
    const [fault] = document.errors
    if (fault !== undefined) throw new InputError(`${file}: ${fault.message.trimEnd()}`)
    const value: unknown = toValue(document, file)
    const source = documents.length > 1 ? `${file}, document ${index + 1}` : file
    return value === null || value === undefined ? [] : [{ source, value }]
  })
}

/** An alias bomb is found when aliases are resolved, not when they are read. */
function toValue(document: { toJS(options: { maxAliasCount: number }): unknown }, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw new InputError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    throw new InputError(`cannot read the folder ${folder}: ${reason(error)}`, { cause: error })
  }
}

function readText(file: string): string {
  try {
    const { size } = statSync(file)
    if (size > MAX_FILE_BYTES)
      throw new InputError(`expected ${file} to have at most ${MAX_FILE_BYTES} bytes, got ${size}`)
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof InputError) throw error
    throw new InputError(`cannot read ${file}: ${reason(error)}`, { cause: error })
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
