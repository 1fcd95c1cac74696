/** A thread that reads its share, and says of each input beforehand which one it is: one that does not come to an end is told by the others. */
import { parentPort, workerData } from 'node:worker_threads'
import { fuzz } from './fuzz.ts'
import { TARGETS } from './targets.ts'

export type WorkerOrder = {
  readonly inputs: number
  readonly seed: number
  readonly share: { readonly of: number; readonly at: number }
  /** Names; all, if there are none. */
  readonly only: readonly string[]
  /** Two numbers that are read from outside: the place of the target among all, and the number of the input. */
  readonly progress: Int32Array
}

const { inputs, seed, share, only, progress } = workerData as WorkerOrder
const targets = TARGETS.filter(({ name }) => only.length === 0 || only.includes(name))
fuzz(targets, {
  inputs,
  seed,
  share,
  before: (target, index) => {
    progress[0] = TARGETS.indexOf(target)
    progress[1] = index
  },
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  after: summary => parentPort?.postMessage(summary),
})
