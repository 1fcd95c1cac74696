/** What a process uses, as Linux counts it in /proc. */
import { readdirSync, readFileSync } from 'node:fs'

/** A clock of milliseconds of CPU, user and system, of all threads; what a thread had used that has ended meanwhile stays counted. */
export function cpuClock(pid: number): () => number {
  const folder = `/proc/${pid}/task`
  const ns = new Map<string, number>()
  return () => {
    for (const thread of readdirSync(folder)) ns.set(thread, usedBy(`${folder}/${thread}`) ?? ns.get(thread) ?? 0)
    return [...ns.values()].reduce((sum, one) => sum + one, 0) / 1e6
  }
}

function usedBy(thread: string): number | undefined {
  try {
    return Number(readFileSync(`${thread}/schedstat`, 'utf8').split(' ')[0])
  } catch {
    // It ended between the list and the look.
    return undefined
  }
}

/** MiB that are in memory now, and the most there ever were. */
export function memoryOf(pid: number): { readonly nowMiB: number; readonly mostMiB: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mib = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024
  return { nowMiB: mib('VmRSS'), mostMiB: mib('VmHWM') }
}
