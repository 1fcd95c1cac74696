/** Trust roots out of a folder: `NAME.json` is the one that policies call NAME, and `default.json` the one that is meant where they name none. */
import { InputError } from '#core/domain/input-error.ts'
import { isObjectName } from '#core/domain/object-name.ts'
import type { TrustRoot, TrustRoots } from '#core/domain/trust-root.ts'
import { type FolderContent, type RootFile, readContent } from './folder-content.ts'
import { parseTrustedRoot } from './parse-trusted-root.ts'

export type LoadedTrustRoots = {
  readonly roots: TrustRoots
  /** Files that were not read because their names do not end in `.json`; those that start with a dot are not told. */
  readonly ignored: readonly string[]
}

/** Throws an InputError for a trust root that whoever verifies with it could not use: better now than at the first image. */
export type CheckTrustRoot = (root: TrustRoot) => void

/** Reads the folder as a whole. Throws an InputError that names the file at fault, or says that there is none. */
export async function readTrustRoots(folder: string, check: CheckTrustRoot = () => {}): Promise<LoadedTrustRoots> {
  return parseTrustRoots(await readContent(folder), folder, check)
}

/** Parses what was read: all of it is good, or none of it is taken. */
export function parseTrustRoots(
  { files, ignored }: FolderContent,
  folder: string,
  check: CheckTrustRoot,
): LoadedTrustRoots {
  if (files.length === 0) throw new InputError(`there is no trust root in ${folder}: expected NAME.json`)
  return { roots: new Map(files.map(file => [file.name, parseFile(file, check)])), ignored }
}

function parseFile({ name, file, bytes }: RootFile, check: CheckTrustRoot): TrustRoot {
  if (!isObjectName(name))
    throw new InputError(
      `${file}: expected a name that policies can use (lower case letters, digits, dashes and dots) before .json`,
    )
  try {
    const root = parseTrustedRoot(bytes, name)
    check(root)
    return root
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${file}: ${error.message}`, { cause: error })
    throw error
  }
}
