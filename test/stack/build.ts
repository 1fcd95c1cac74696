/** Builds the real programs that tests meet, once, into a cache folder: `node test/stack/build.ts [NAME…]`. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { withLock } from './build-lock.ts'
import { buildOne, type Wanted } from './build-one.ts'
import { CannotBeHad } from './cannot-be-had.ts'
import { findGo, type GoToolchain } from './go-toolchain.ts'
import { buildKey, cacheFolder, presetProgram } from './program-cache.ts'
import { PROGRAM_NAMES, PROGRAMS, type Program, type ProgramName } from './programs.ts'
import { inWords, type Progress, secondsLeft } from './time-left.ts'

/** How often a build that goes on says so. */
const REPORT_MS = 10_000

export type BuildSetting = {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly report?: (line: string) => void
}

/** Where each program lies, and why each of the others does not lie anywhere. */
type Had = { readonly files: Map<ProgramName, string>; readonly missing: Map<ProgramName, CannotBeHad> }

/** Builds what is missing and says where each program lies. Nothing is built twice, not even by two runs at once. */
export async function buildPrograms<Name extends ProgramName>(
  names: readonly Name[],
  setting: BuildSetting = {},
): Promise<Record<Name, string>> {
  const { files, missing } = await buildWhatCanBeHad(names, setting)
  for (const [name, why] of missing) throw new CannotBeHad(`${name} cannot be had here: ${why.message}`, { cause: why })
  return Object.fromEntries(files) as Record<Name, string>
}

/** The same, where one that cannot be had keeps nobody from the others. Throws for a build that is broken, as before. */
export async function buildWhatCanBeHad(
  names: readonly ProgramName[],
  { env = process.env, report = toStderr }: BuildSetting = {},
): Promise<Had> {
  const had: Had = { files: new Map(), missing: new Map() }
  const toBuild: ProgramName[] = []
  for (const name of names) {
    const preset = presetProgram(name, PROGRAMS[name], env)
    if (preset === undefined) toBuild.push(name)
    else had.files.set(name, preset)
  }
  if (toBuild.length === 0) return had
  const go = await unlessMissing(toBuild, had, () => findGo(env))
  if (go !== undefined) await build(toBuild, { cache: cacheFolder(env), go, report }, had)
  return had
}

type Workshop = { readonly cache: string; readonly go: GoToolchain; readonly report: (line: string) => void }

async function build(names: readonly ProgramName[], { cache, go, report }: Workshop, had: Had): Promise<void> {
  const wanted = await Promise.all(names.map(name => locate(name, cache, go)))
  for (const { name, file } of wanted) had.files.set(name, file)
  if (wanted.every(({ file }) => existsSync(file))) return
  await mkdir(cache, { recursive: true })
  const onWait = () => report('waiting for another run that is building')
  await withLock(join(cache, 'lock'), onWait, async () => {
    const missing = wanted.filter(({ file }) => !existsSync(file))
    const done: Progress['done'][number][] = []
    for (const [index, one] of missing.entries()) {
      const tell = (text: string) => report(`${index + 1}/${missing.length} ${one.name}: ${text}`)
      const rest = missing.slice(index + 1).map(({ program }) => program.seconds)
      const say = (running: Progress['running']) => tell(`about ${inWords(secondsLeft({ done, running, rest }))} left`)
      const took = await unlessMissing([one.name], had, () => timed(one, say, () => buildOne(one, cache, go)))
      tell(took === undefined ? 'cannot be had here' : `built in ${inWords(took)}`)
      if (took !== undefined) done.push({ expected: one.program.seconds, took })
    }
  })
}

/** Gives what `work` gives, or notes that these programs cannot be had. */
async function unlessMissing<T>(
  names: readonly ProgramName[],
  { files, missing }: Had,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof CannotBeHad)) throw error
    for (const name of names) {
      files.delete(name)
      missing.set(name, error)
    }
    return undefined
  }
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
