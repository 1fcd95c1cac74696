/** Runs the command line: in this process, which is quicker, or as a shell would. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { run } from '#cli/program.ts'
import { COMPILE_CACHE } from '#core/runtime/start-program.ts'

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** In this process, with `stdin` on standard input. */
export async function shedu(
  args: readonly string[],
  stdin: Uint8Array = Buffer.alloc(0),
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const code = await run(args, { stdin: new PassThrough().end(stdin), stdout, stderr }, environment)
  return { code, stdout: await text(stdout.end()), stderr: await text(stderr.end()) }
}

/** In a process of its own, without an environment. */
export async function spawned(args: readonly string[], stdin: Uint8Array = Buffer.alloc(0)): Promise<Ended> {
  const main = join(import.meta.dirname, '../../cli/main.ts')
  const child = spawn(process.execPath, [main, ...args], { env: COMPILE_CACHE })
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const closed = once(child, 'close') as Promise<[number | null]>
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed])
  return { code, stdout, stderr }
}
