/** Starts a program of this repository as a process of its own, and ends it. */
import type { ChildProcessByStdio } from 'node:child_process'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

const ROOT = join(import.meta.dirname, '..', '..')

/**
 * Where Node keeps what it has compiled, types erased: a program that is started again starts in half the time. The same
 * as in scripts/set-up.js; it goes with the packages.
 */
export const COMPILE_CACHE = { NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'node') } as const

/** A webhook is ready in under a second; a machine that is busy may take ten times that. */
const START_MS = 20_000

/** How long a program may take to finish what it has in hand. */
const STOP_MS = 5_000

export type Program = { readonly stop: () => Promise<void>; readonly pid: number }

type ProgramOptions = {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Ends a program that is still starting; one that has started is ended by `stop`. */
  readonly signal?: AbortSignal
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

/**
 * Runs `file` and resolves with the first JSON line on its stdout that `pick` accepts. Rejects, with what the program
 * said on stderr, when it ends or stays silent instead. Its stdin stays open as long as we live.
 */
export async function startProgram<T>(
  file: string,
  { args = [], env = {}, signal }: ProgramOptions,
  pick: (line: Readonly<Record<string, unknown>>) => T | undefined,
): Promise<Program & { readonly ready: T }> {
  const child = spawn(process.execPath, [join(ROOT, file), ...args], {
    // Nothing of our own environment is passed on: the settings of a first try are all written down here.
    env: { ...COMPILE_CACHE, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    // Ctrl-C in the terminal is ours to answer: the programs are ended in order, not all at once.
    detached: true,
  })
  const said: string[] = []
  child.stderr.on('data', (piece: Buffer) => said.push(piece.toString().slice(0, 4096)))
  const ready = await firstLine(child, pick, signal).catch((error: unknown) => {
    child.kill('SIGKILL')
    signal?.throwIfAborted()
    throw new Error(`${file} did not start: ${said.join('').trim() || String(error)}`, { cause: error })
  })
  return { ready, pid: child.pid ?? 0, stop: () => stop(child) }
}

function firstLine<T>(
  child: Child,
  pick: (line: Readonly<Record<string, unknown>>) => T | undefined,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(timer)
      reject(error)
    }
    const timer = setTimeout(() => fail(new Error(`nothing heard for ${START_MS / 1000} s`)), START_MS)
    child.once('error', fail)
    child.once('exit', code => fail(new Error(`it ended with code ${code}`)))
    signal?.addEventListener('abort', () => fail(new Error('interrupted')), { once: true })
    const lines = createInterface({ input: child.stdout })
    lines.on('line', text => {
      const picked = text.startsWith('{') ? pick(JSON.parse(text)) : undefined
      if (picked === undefined) return
      clearTimeout(timer)
      lines.close()
      // What it says later is thrown away, but taken: a program whose output nobody takes stops at a full pipe.
      child.stdout.resume()
      resolve(picked)
    })
  })
}

/** Asks it to end, and makes it end if it does not. */
async function stop(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  child.kill('SIGTERM')
  await ended
  clearTimeout(timer)
}
