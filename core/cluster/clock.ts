/** Time as an argument: what it is, and waiting for some of it to pass. */
import { setTimeout as sleep } from 'node:timers/promises'

export type Clock = {
  /** Milliseconds that only ever grow; they mean nothing outside this machine. */
  readonly now: () => number
  /** What the clock on the wall says, for others to read. */
  readonly date: () => Date
  /** Resolves after so long, or rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** The machine's own time. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  date: () => new Date(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
}
