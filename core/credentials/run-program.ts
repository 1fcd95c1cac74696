/** Runs a program that somebody else wrote: no shell, a bounded time, a bounded answer, and nothing left behind. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { makeTurns } from '#core/runtime/turns.ts'

type Program = {
  /** Absolute path. */
  readonly file: string
  readonly args: readonly string[]
  /** What it is given on standard input. */
  readonly input: string
  readonly environment: Readonly<Record<string, string>>
}

export type Ended = { readonly kind: 'ended'; readonly code: number | null; readonly output: Uint8Array }

/** It gave no answer; `why` follows its name in a sentence, and repeats nothing that it wrote. */
type Failed = { readonly kind: 'failed'; readonly why: string }

/** Throws the reason of the signal when that comes first. */
export type RunProgram = (program: Program, signal: AbortSignal) => Promise<Ended | Failed>

/** Half of the API server's ten seconds, as for a registry that is silent; a kubelet waits for a minute, and has it. */
const PROGRAM_MS = 5000
/** As much as a pull secret may hold: what a program answers is one entry of such a file, or some. */
export const PROGRAM_BYTES = 64 * 1024
/** Each is a process of its own, and users name the images that they are started for. */
const MOST_PROGRAMS = 4

type Child = ChildProcessByStdio<Writable, Readable, null>

/** Makes a runner under which at most so many run at the same time, for at most so many milliseconds each. */
export function makeRunProgram(most = MOST_PROGRAMS, patienceMs = PROGRAM_MS): RunProgram {
  const turns = makeTurns(most)
  return (program, signal) =>
    turns(() => {
      signal.throwIfAborted()
      return run(program, patienceMs, signal)
    })
}

function run(program: Program, patienceMs: number, signal: AbortSignal): Promise<Ended | Failed> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended | Failed>()
  const child = start(program)
  const fail = (why: string) => {
    resolve({ kind: 'failed', why })
    end(child)
  }
  const timer = setTimeout(() => fail(`did not end within ${patienceMs} ms`), patienceMs)
  const leave = () => {
    reject(signal.reason)
    end(child)
  }
  signal.addEventListener('abort', leave, { once: true })
  const pieces: Buffer[] = []
  let bytes = 0
  child.stdout.on('data', (piece: Buffer) => {
    bytes += piece.byteLength
    if (bytes > PROGRAM_BYTES) fail(`wrote more than ${PROGRAM_BYTES} bytes`)
    else pieces.push(piece)
  })
  child.on('error', (error: NodeJS.ErrnoException) => fail(`could not be started (${error.code ?? 'unknown'})`))
  child.on('close', code => resolve({ kind: 'ended', code, output: Buffer.concat(pieces) }))
  // One that answers without reading what it was asked closes the pipe; its answer is judged all the same.
  child.stdin.on('error', () => {})
  child.stdin.end(program.input)
  return promise.finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', leave)
  })
}

/** In a folder that is nobody's project, so that no configuration of a checkout is taken for the operator's. */
function start({ file, args, environment }: Program): Child {
  return spawn(file, args, {
    cwd: '/',
    env: environment,
    shell: false,
    stdio: ['pipe', 'pipe', 'ignore'],
    // A group of its own, so that what it has started ends with it.
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
}

/** The pipe is let go as well: a grandchild that has left the group may hold its other end for ever. */
function end(child: Child): void {
  child.stdout.destroy()
  child.stdin.destroy()
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
