/** Builds the real programs before any test needs them. Exit code 3: this machine cannot, and stderr says what to install. */
import { buildPrograms } from '../stack/build.ts'
import { findGo } from '../stack/go-toolchain.ts'
import { PROGRAM_NAMES } from '../stack/programs.ts'

process.exitCode = await prepare().catch((error: unknown) => say(error, 1))

async function prepare(): Promise<number> {
  const missing = await findGo(process.env).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (missing !== undefined) return say(missing, 3)
  await buildPrograms(PROGRAM_NAMES)
  return 0
}

function say(error: unknown, code: number): number {
  process.stderr.write(`stack: ${error instanceof Error ? error.message : String(error)}\n`)
  return code
}
