/** Starts a program that goes on running, waits until it can be used, and ends it with its owner. */
import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import { isolatedEnv } from './isolated-env.ts'
import type { Owner } from './owner.ts'
import { type Command, doNotWaitFor, killGroup, spawnSupervised } from './supervised.ts'

/** A program that has not ended this long after SIGTERM is killed: there is nothing in a test worth a longer farewell. */
const FAREWELL_MS = 3_000

/** The end of a log that shows why a program failed, without burying the test's own message. */
const TAIL_BYTES = 4 * 1024

export type Launch = {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Its home, its working folder and the place of its log. */
  readonly folder: string
  /** Resolves once the program does what it is for. Called again and again; a throw means not yet. */
  readonly ready: (signal: AbortSignal) => Promise<unknown>
}

export type Running = {
  /** Of the supervisor, which leads the process group of the program. */
  readonly pid: number
  readonly logFile: string
  readonly stop: () => Promise<void>
}

/** Starts it. When it ends too early, or is not ready in time, the error carries the tail of its log. */
export async function startProgram(owner: Owner, launch: Launch): Promise<Running> {
  const { name, file, args, folder } = launch
  const logFile = join(folder, `${name}.log`)
  const command = { file, args, cwd: folder, env: isolatedEnv(folder, launch.env) }
  const { child, exit, stop } = await spawnLogged(command, logFile)
  owner.teardown(async () => {
    await stop()
    if (owner.passing?.() === false) owner.comment?.(`the log of ${name} ends:\n${await tailOf(logFile)}`)
  })
  const ended = new AbortController()
  exit.then(
    ([code, signal]) => ended.abort(new Error(`it ended (${signal ?? `exit code ${code}`})`)),
    (error: unknown) => ended.abort(error),
  )
  try {
    const look = async (signal: AbortSignal) => (await launch.ready(signal), true)
    await eventually('it to be ready', look, { signal: ended.signal })
  } catch (cause) {
    await stop()
    throw new Error(`${name} did not start: ${(cause as Error).message}\n${await tailOf(logFile)}`, { cause })
  }
  return { pid: child.pid as number, logFile, stop }
}

async function spawnLogged(command: Command, logFile: string) {
  await using log: FileHandle = await open(logFile, 'a')
  const child = spawnSupervised(command, ['ignore', log.fd, log.fd])
  // Listened for at once: a program may be over before we have so much as closed its log on our side.
  const exit = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>
  exit.catch(() => {})
  await once(child, 'spawn')
  doNotWaitFor(child)
  const stop = async () => {
    child.ref()
    child.kill('SIGTERM')
    const timer = setTimeout(() => killGroup(child), FAREWELL_MS)
    await exit
    clearTimeout(timer)
  }
  return { child, exit, stop }
}

async function tailOf(file: string): Promise<string> {
  await using log = await open(file)
  const { size } = await log.stat()
  const start = Math.max(0, size - TAIL_BYTES)
  const { buffer, bytesRead } = await log.read({ buffer: Buffer.alloc(size - start), position: start })
  return buffer.toString('utf8', 0, bytesRead)
}
