/** Starts a process that cannot outlive us, however we end. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'

const SUPERVISOR = join(import.meta.dirname, 'supervise.sh')

export type Command = {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Spawns the command under `supervise.sh`, in a process group of its own. The pipe at descriptor 3 is the thread of its
 * life: we never write to it, and when the kernel closes it, the group is killed. SIGTERM to the child reaches the
 * program; `killGroup` ends the rest.
 */
export function spawnSupervised({ file, args, cwd, env }: Command, stdio: readonly ('ignore' | 'pipe' | number)[]) {
  const options = { cwd, env, detached: true, stdio: [...stdio, 'pipe'] as StdioOptions }
  const child = spawn('sh', [SUPERVISOR, file, ...args], options)
  // Each of these breaks when the other side ends first, which the exit code says better.
  for (const pipe of [child.stdin, child.stdio[3]]) pipe?.on('error', () => {})
  return child
}

/** Lets us end while the child runs: the kernel then closes the pipe, and the supervisor does the rest. */
export function doNotWaitFor(child: ChildProcess): void {
  child.unref()
  const lifeline = child.stdio[3] as (Duplex & { readonly unref?: () => void }) | null | undefined
  lifeline?.unref?.()
}

/** Kills the child with its whole group, now. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  process.kill(-child.pid, 'SIGKILL')
}
