/** Builds the real programs that tests meet, once, into a cache folder: `node test/stack/build.ts [NAME…]`. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { withLock } from './build-lock.ts'
import { findGo, type GoToolchain } from './go-toolchain.ts'
import { buildArguments, buildKey, cacheFolder, moduleFolder, presetProgram } from './program-cache.ts'
import { PROGRAM_NAMES, PROGRAMS, type Program, type ProgramName } from './programs.ts'
import { runCommand } from './run-command.ts'
import { inWords, type Progress, secondsLeft } from './time-left.ts'

/** How often a build that goes on says so. */
const REPORT_MS = 10_000

/** Three times the longest build, on a machine three times as slow. */
const BUILD_MS = 30 * 60_000

export type BuildSetting = {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly report?: (line: string) => void
}

type Wanted = { readonly name: ProgramName; readonly program: Program; readonly file: string }

/** Builds what is missing and says where each program lies. Nothing is built twice, not even by two runs at once. */
export async function buildPrograms<Name extends ProgramName>(
  names: readonly Name[],
  { env = process.env, report = toStderr }: BuildSetting = {},
): Promise<Record<Name, string>> {
  const preset = names.map(name => [name, presetProgram(name, PROGRAMS[name], env)] as const)
  const toBuild = preset.flatMap(([name, file]) => (file === undefined ? [name] : []))
  const built = toBuild.length === 0 ? [] : await build(toBuild, env, report)
  return Object.fromEntries([...preset, ...built.map(({ name, file }) => [name, file])]) as Record<Name, string>
}

async function build(
  names: readonly ProgramName[],
  env: NonNullable<BuildSetting['env']>,
  report: (line: string) => void,
): Promise<readonly Wanted[]> {
  const cache = cacheFolder(env)
  const go = await findGo(env)
  const wanted = await Promise.all(names.map(name => locate(name, cache, go)))
  if (wanted.every(({ file }) => existsSync(file))) return wanted
  await mkdir(cache, { recursive: true })
  const onWait = () => report('waiting for another run that is building')
  await withLock(join(cache, 'lock'), onWait, async () => {
    const missing = wanted.filter(({ file }) => !existsSync(file))
    const done: Progress['done'][number][] = []
    for (const [index, one] of missing.entries()) {
      const rest = missing.slice(index + 1).map(({ program }) => program.seconds)
      const say = (running: Progress['running']) =>
        report(
          `${index + 1}/${missing.length} ${one.name}: about ${inWords(secondsLeft({ done, running, rest }))} left`,
        )
      const took = await timed(one, say, () => buildOne(one, cache, go))
      report(`${index + 1}/${missing.length} ${one.name}: built in ${inWords(took)}`)
      done.push({ expected: one.program.seconds, took })
    }
  })
  return wanted
}

async function locate(name: ProgramName, cache: string, go: GoToolchain): Promise<Wanted> {
  const program: Program = PROGRAMS[name]
  return { name, program, file: join(cache, `${name}-${await buildKey(program, go.target)}`, name) }
}

/** Says at once and then now and again how far the work is; gives the seconds that it took. */
async function timed(
  { program }: Wanted,
  say: (running: Progress['running']) => void,
  work: () => Promise<void>,
): Promise<number> {
  const start = performance.now()
  const elapsed = () => (performance.now() - start) / 1000
  const tell = () => say({ expected: program.seconds, elapsed: elapsed() })
  tell()
  const timer = setInterval(tell, REPORT_MS)
  try {
    await work()
    return elapsed()
  } finally {
    clearInterval(timer)
  }
}

/** A build that breaks off leaves nothing under the final name: the folder appears whole, by one rename. */
async function buildOne({ name, program, file }: Wanted, cache: string, go: GoToolchain): Promise<void> {
  const folder = await mkdtemp(join(cache, `.building-${name}-`))
  try {
    // Whatever else this machine does is more urgent.
    const args = ['-n', '19', 'go', 'build', '-o', join(folder, name), ...buildArguments(program)]
    await runCommand({ file: 'nice', args, cwd: moduleFolder(program), env: go.env }, '', BUILD_MS)
    await rename(folder, dirname(file))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function toStderr(line: string): void {
  process.stderr.write(`stack: ${line}\n`)
}

function parseNames(words: readonly string[]): readonly ProgramName[] {
  const unknown = words.filter(word => !Object.hasOwn(PROGRAMS, word))
  if (unknown.length > 0)
    throw new Error(`expected programs among ${PROGRAM_NAMES.join(', ')}, found ${JSON.stringify(unknown.join(', '))}`)
  return words.length === 0 ? PROGRAM_NAMES : (words as ProgramName[])
}

if (import.meta.main) {
  try {
    const built = await buildPrograms(parseNames(process.argv.slice(2)))
    for (const [name, file] of Object.entries(built)) process.stdout.write(`${name} ${file}\n`)
  } catch (error) {
    process.stderr.write(`stack: ${(error as Error).message}\n`)
    process.exitCode = 1
  }
}
