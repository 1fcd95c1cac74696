/** Files and folders that a configuration names: what cannot be read is an error of the configuration. */
import { InputError } from '#core/domain/input-error.ts'

/** Reads a text; an InputError says what is wrong with the file, any other error that it cannot be read. */
export type ReadFile = (path: string) => string

export type FolderEntry = { readonly name: string; readonly isFolder: boolean }

/** What lies in a folder, links followed; errors as with a file. */
export type ListFolder = (path: string) => readonly FolderEntry[]

/** Reads the file that a field names; an InputError names field and path. */
export function readNamedFile(field: string, path: string, readFile: ReadFile): string {
  return orInputError(field, path, () => readFile(path))
}

/** Lists the folder that a field names; an InputError names field and path. */
export function listNamedFolder(field: string, path: string, listFolder: ListFolder): readonly FolderEntry[] {
  return orInputError(field, path, () => listFolder(path))
}

function orInputError<T>(field: string, path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const why = error instanceof InputError ? `: ${error.message}` : ''
    throw new InputError(`${field}: ${JSON.stringify(path)} cannot be read${why}`, { cause: error })
  }
}
