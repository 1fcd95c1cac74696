/** One `go build`: its program appears whole under its final name, or nothing does. */
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CannotBeHad, whyNotDownloaded } from './cannot-be-had.ts'
import type { GoToolchain } from './go-toolchain.ts'
import { buildArguments, moduleFolder } from './program-cache.ts'
import type { Program, ProgramName } from './programs.ts'
import { CommandFailed, runCommand } from './run-command.ts'

/** Three times the longest build, on a machine three times as slow. */
const BUILD_MS = 30 * 60_000

export type Wanted = {
  readonly name: ProgramName
  readonly program: Program
  /** Where it is to lie, in a folder of its own. */
  readonly file: string
}

/** Builds it in a folder beside the final one, which is its by one rename. Throws a CannotBeHad when a module does not come. */
export async function buildOne({ name, program, file }: Wanted, cache: string, go: GoToolchain): Promise<void> {
  const folder = await mkdtemp(join(cache, `.building-${name}-`))
  try {
    // Whatever else this machine does is more urgent.
    const args = ['-n', '19', 'go', 'build', '-o', join(folder, name), ...buildArguments(program)]
    await runCommand({ file: 'nice', args, cwd: moduleFolder(program), env: go.env }, '', BUILD_MS)
    await rename(folder, dirname(file))
  } catch (error) {
    const why = error instanceof CommandFailed ? whyNotDownloaded(error.output.stderr) : undefined
    throw why === undefined ? error : new CannotBeHad(why, { cause: error })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
