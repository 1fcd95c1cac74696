/** Runs a program that ends by itself and collects what it says. */
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { type Command, killGroup, spawnSupervised } from './supervised.ts'

/** No command of a test works longer than this; what does hangs. */
const RUN_MS = 60_000

/** Far above any answer that a test reads, far below what hurts the machine. */
const OUTPUT_BYTES = 64 * 1024 * 1024

export type Output = { readonly stdout: string; readonly stderr: string }

/** The program answered no. Its own words are in the message, so that a test can match them. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  readonly code: number | null
  readonly output: Output

  constructor(command: Command, code: number | null, output: Output) {
    const how = code === null ? 'killed: too late' : `exit code ${code}`
    super(`${command.file} ${command.args.join(' ')} failed (${how})\n${output.stderr}${output.stdout}`)
    this.code = code
    this.output = output
  }
}

/** Runs it with `input` on its stdin. Throws a CommandFailed unless its exit code is 0. */
export async function runCommand(command: Command, input = '', waitMs = RUN_MS): Promise<Output> {
  const child = spawnSupervised(command, ['pipe', 'pipe', 'pipe'])
  const timer = setTimeout(() => killGroup(child), waitMs)
  child.stdin?.end(input)
  const closed = once(child, 'close')
  try {
    const [stdout, stderr] = await Promise.all([collect(child.stdout), collect(child.stderr)])
    const [code] = (await closed) as [number | null]
    if (code !== 0) throw new CommandFailed(command, code, { stdout, stderr })
    return { stdout, stderr }
  } finally {
    clearTimeout(timer)
    killGroup(child)
  }
}

async function collect(stream: Readable | null): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of (stream ?? []) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > OUTPUT_BYTES) throw new Error(`expected at most ${OUTPUT_BYTES} bytes of output, found more`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
