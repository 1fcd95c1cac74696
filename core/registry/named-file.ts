/** Files that a configuration names: what cannot be read is an error of the configuration. */
import { InputError } from '#core/domain/input-error.ts'

export type ReadFile = (path: string) => string

/** Reads the file that a field names; an InputError names field and path. */
export function readNamedFile(field: string, path: string, readFile: ReadFile): string {
  try {
    return readFile(path)
  } catch (error) {
    throw new InputError(`${field}: ${JSON.stringify(path)} cannot be read`, { cause: error })
  }
}
