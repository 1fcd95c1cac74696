/** The command-line programs, each with a home of its own. */

import { buildPrograms } from './build.ts'
import { isolatedEnv } from './isolated-env.ts'
import type { Owner } from './owner.ts'
import type { ProgramName } from './programs.ts'
import { type Output, runCommand } from './run-command.ts'
import { makeWorkFolder } from './work-folder.ts'

type RunOptions = {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

export type Runner = {
  /** Runs the program in its folder. Throws a CommandFailed, which carries what it said, unless its exit code is 0. */
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<Output>
  /** Its home and working folder: files named without a path lie here. */
  readonly folder: string
}

/** No question is asked where nobody can answer, and keys made for a test need no secret. */
const COSIGN = { COSIGN_PASSWORD: '', COSIGN_YES: 'true' }

/** Makes a runner of crane with a home of its own, free of the user's registry credentials. */
export function makeCrane(owner: Owner): Promise<Runner> {
  return makeRunner(owner, 'crane')
}

/** Makes a runner of cosign 2, which writes `.sig` and `.att` tags. */
export function makeCosign2(owner: Owner): Promise<Runner> {
  return makeRunner(owner, 'cosign2', COSIGN)
}

/** Makes a runner of cosign 3, which writes Sigstore bundles as referrers. */
export function makeCosign3(owner: Owner): Promise<Runner> {
  return makeRunner(owner, 'cosign3', COSIGN)
}

/** Makes a runner of any program that ends by itself. */
export async function makeRunner(
  owner: Owner,
  name: ProgramName,
  more: Readonly<Record<string, string>> = {},
): Promise<Runner> {
  const { [name]: file } = await buildPrograms([name])
  const folder = await makeWorkFolder(owner, name)
  const run = (args: readonly string[], { input = '', env = {} }: RunOptions = {}) =>
    runCommand({ file, args, cwd: folder, env: isolatedEnv(folder, { ...more, ...env }) }, input)
  return { run, folder }
}
