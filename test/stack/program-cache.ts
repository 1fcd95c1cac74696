/** Where a built program lies: a folder of the user's, named by everything that decides its bytes. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Program } from './programs.ts'

type Environment = Readonly<Record<string, string | undefined>>

const MODULES = join(import.meta.dirname, 'modules')

/** As much of the hash as keeps two builds of one program apart, in a path that can still be read. */
const KEY_DIGITS = 16

/** The folder whose go.mod pins the program. */
export function moduleFolder(program: Program): string {
  return join(MODULES, program.module)
}

/** SHEDU_STACK_CACHE, or the place that the system has for caches. */
export function cacheFolder(env: Environment): string {
  return env['SHEDU_STACK_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'shedu', 'stack')
}

/** What `go build` is told, less the place of the result. */
export function buildArguments({ package: main, tags, stamped = [], version = '' }: Program): readonly string[] {
  const [major = '', minor = ''] = version.slice(1).split('.')
  const variables = { gitVersion: version, gitMajor: major, gitMinor: minor }
  const stamps = stamped.flatMap(path =>
    Object.entries(variables).map(([name, value]) => `-X ${path}.${name}=${value}`),
  )
  const ldflags = ['-s -w', ...stamps].join(' ')
  return ['-trimpath', ...(tags === undefined ? [] : ['-tags', tags]), '-ldflags', ldflags, main]
}

/** The hash of the module's files, of the arguments and of the toolchain. */
export async function buildKey(program: Program, target: string): Promise<string> {
  const folder = moduleFolder(program)
  const hash = createHash('sha256')
  hash.update(JSON.stringify([target, buildArguments(program)]))
  for (const file of (await readdir(folder)).toSorted()) {
    const bytes = await readFile(join(folder, file))
    hash.update(JSON.stringify([file, bytes.length])).update(bytes)
  }
  return hash.digest('hex').slice(0, KEY_DIGITS)
}

/** A program that the folder named by KUBEBUILDER_ASSETS holds: whoever sets it wants the control plane from there. */
export function presetProgram(name: string, program: Program, env: Environment): string | undefined {
  const assets = env['KUBEBUILDER_ASSETS']
  if (assets === undefined || program.module !== 'kubernetes') return undefined
  const file = join(assets, name)
  return existsSync(file) ? file : undefined
}
