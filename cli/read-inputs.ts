/** Reads what -f names: files, folders with all that is in them, and `-` for standard input; all of it bounded. */
import { createReadStream, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { InputError } from '#core/domain/input-error.ts'
import { readBytes, unreadable } from './read-bytes.ts'

/** `named`: by the user. `met`: in a folder that the user named, among whatever else lies there; templates of Helm in a chart. */
type Origin = 'named' | 'met' | 'met in a chart' | 'standard input'

export type Input = {
  /** What messages call it: the path as the user would write it. */
  readonly file: string
  readonly origin: Origin
  readonly text: string
}

/** Some thousand workloads. The syntax tree of the worst text of this size takes 2.3 GB (measured), what a process has. */
const MAX_INPUT_BYTES = 4 * 1024 * 1024

/** All inputs of one run: the manifests of a large cluster, not its backups. */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024

const MAX_FILES = 2000

const STDIN = '-'

/** Where this file lies begins a chart of Helm. */
const CHART = 'Chart.yaml'

const STANDARD_INPUT = 'standard input'
const ON_STDIN = { file: STANDARD_INPUT, origin: STANDARD_INPUT } as const

/**
 * Reads the inputs in the order in which they were named, the files of a folder in the order of their names. Throws an
 * InputError that names the path for what is missing, unreadable or too large, and for a folder that holds no manifest.
 */
export async function readInputs(paths: readonly string[], stdin: Readable): Promise<readonly Input[]> {
  if (paths.filter(path => path === STDIN).length > 1) throw new InputError('-f - can be given once only')
  const files = paths.flatMap(path => (path === STDIN ? [ON_STDIN] : listFiles(path)))
  if (files.length > MAX_FILES) throw new InputError(`expected at most ${MAX_FILES} files, got ${files.length}`)
  const inputs: Input[] = []
  let total = 0
  for (const { file, origin } of files) {
    const bytes = await readBytes(file, origin === STANDARD_INPUT ? stdin : createReadStream(file), MAX_INPUT_BYTES)
    total += bytes.byteLength
    if (total > MAX_TOTAL_BYTES)
      throw new InputError(`${file}: expected all files to have at most ${MAX_TOTAL_BYTES} bytes`)
    inputs.push({ file, origin, text: decodeUtf8(file, bytes) })
  }
  return inputs
}

type Listed = Omit<Input, 'text'>

/** A path that the user wrote may lead to anything that can be read, a pipe of the shell included. */
function listFiles(path: string): readonly Listed[] {
  const isFolder = attempt(path, () => statSync(path).isDirectory())
  if (!isFolder) return [{ file: path, origin: 'named' }]
  const files = walk(path, false)
  if (files.length === 0) throw new InputError(`${path}: there is no .yaml, .yml or .json file in this folder`)
  return files
}

/**
 * What kubectl reads with --recursive: links to files are followed, links to folders are not, so no link can lead in a
 * circle. A name that starts with a dot hides nothing from kubectl; only .git is no folder that anybody could add files to.
 */
function walk(folder: string, isBelowChart: boolean): readonly Listed[] {
  const entries = attempt(folder, () => readdirSync(folder, { withFileTypes: true }))
  const isInChart = isBelowChart || entries.some(({ name }) => name === CHART)
  return entries
    .filter(({ name }) => name !== '.git')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry): readonly Listed[] => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return walk(path, isInChart)
      if (!/\.(?:ya?ml|json)$/.test(entry.name)) return []
      // Opening a named pipe would wait for someone to write into it.
      if (!attempt(path, () => statSync(path).isFile())) throw new InputError(`${path}: expected a file`)
      return [{ file: path, origin: isInChart ? 'met in a chart' : 'met' }]
    })
}

function decodeUtf8(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new InputError(`${file}: expected UTF-8`, { cause: error })
  }
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw unreadable(path, error)
  }
}
