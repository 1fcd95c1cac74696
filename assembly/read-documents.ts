/** Reads the YAML and JSON documents of a folder and of all folders in it, in the order of their names. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LineCounter, parseAllDocuments } from 'yaml'
import { InputError } from '#core/domain/input-error.ts'

export type SourcedDocument = {
  /** The file, and the number of the document where there are several: what a message calls it. */
  readonly source: string
  readonly value: unknown
}

/** The API server stores no object above 1.5 MiB; a file may hold a few. */
const MAX_FILE_BYTES = 4 * 1024 * 1024
const MAX_FILES = 1000

/** Policies are kept by team, cluster and kind at the most; a folder that links to itself is endless. */
const MAX_DEPTH = 8

/** What a folder holds: documents, and the files that were left alone because of their names. */
export type Folder = { readonly documents: readonly SourcedDocument[]; readonly ignored: readonly string[] }

/**
 * Reads every `.yaml`, `.yml` and `.json` in `folder` and in the folders below it. Names that start with a dot are passed
 * over (a mounted ConfigMap keeps its versions there); what else is passed over is named, because a policy that is not
 * read is a policy that is not in force. Throws an InputError that names the file and the line for anything unreadable.
 */
export function readDocuments(folder: string): Folder {
  const files = list(folder, 0).toSorted()
  if (files.length > MAX_FILES)
    throw new InputError(`expected at most ${MAX_FILES} files in ${folder}, got ${files.length}`)
  const [read, ignored] = [files.filter(isDocument), files.filter(file => !isDocument(file))]
  return { documents: read.flatMap(readDocumentsOf), ignored }
}

function isDocument(file: string): boolean {
  return /\.(?:ya?ml|json)$/i.test(file)
}

/** Reads the documents of one file; empty ones are left out. */
export function readDocumentsOf(file: string): readonly SourcedDocument[] {
  const lines = new LineCounter()
  // Not pretty: the excerpt that the parser would print may be a password or a private key.
  const options = {
    uniqueKeys: true,
    version: '1.2',
    prettyErrors: false,
    lineCounter: lines,
    logLevel: 'error',
  } as const
  const documents = parseAllDocuments(readText(file), options)
  return [...documents].flatMap((document, index) => {
    // A tag that nobody knows is a warning to the parser, and another value to the next reader.
    const [fault] = [...document.errors, ...document.warnings]
    if (fault !== undefined) {
      const { line, col } = lines.linePos(fault.pos[0])
      throw new InputError(`${file}:${line}:${col}: ${FAULTS[fault.code] ?? 'this is not YAML'}`)
    }
    const value: unknown = toValue(document, file)
    const source = documents.length > 1 ? `${file}, document ${index + 1}` : file
    return value === null || value === undefined ? [] : [{ source, value }]
  })
}

/** The faults that people make, in words of our own: the parser's quote what they found. */
const FAULTS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this key occurs twice in one object',
  BAD_INDENT: 'the indentation does not fit what stands above, or something that was opened is not closed',
  TAB_AS_INDENT: 'a tab stands where only blanks may indent',
  MISSING_CHAR: 'something that was opened is not closed, or a colon or comma is missing',
  TAG_RESOLVE_FAILED: 'this tag is not known',
  UNEXPECTED_TOKEN: 'this does not belong here',
  BAD_ALIAS: 'this alias names nothing',
}

/** An alias bomb is found when aliases are resolved, not when they are read. */
function toValue(document: { toJS(options: { maxAliasCount: number }): unknown }, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw new InputError(`${file}: more aliases than any policy needs`, { cause: error })
  }
}

/** All files, folders followed; a link to a folder is followed too, so the depth is bounded. */
function list(folder: string, depth: number): readonly string[] {
  if (depth > MAX_DEPTH)
    throw new InputError(`expected at most ${MAX_DEPTH} folders inside each other, got more at ${folder}`)
  return namesIn(folder)
    .filter(name => !name.startsWith('.'))
    .flatMap(name => {
      const path = join(folder, name)
      return isFolder(path) ? list(path, depth + 1) : [path]
    })
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    throw new InputError(`cannot read the folder ${folder}: ${reason(error)}`, { cause: error })
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    throw new InputError(`cannot read ${path}: ${reason(error)}`, { cause: error })
  }
}

function readText(file: string): string {
  try {
    const { size } = statSync(file)
    if (size > MAX_FILE_BYTES)
      throw new InputError(`expected ${file} to have at most ${MAX_FILE_BYTES} bytes, got ${size}`)
    return decodeUtf8(file, readFileSync(file))
  } catch (error) {
    if (error instanceof InputError) throw error
    throw new InputError(`cannot read ${file}: ${reason(error)}`, { cause: error })
  }
}

/** What is no UTF-8 would be read with other characters in the place of some, and perhaps as another rule. */
function decodeUtf8(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new InputError(`${file}: expected UTF-8`, { cause: error })
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is a file, not a folder',
  EISDIR: 'it is a folder, not a file',
  EACCES: 'permission denied',
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return REASONS[code ?? ''] ?? message
}
