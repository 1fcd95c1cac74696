/**
 * `npm run fuzz`: inputs that nobody should send, to everything that reads what others wrote. The same seed makes the same
 * inputs; what goes wrong is printed, and kept in test/fuzz/corpus, from where every later run reads it first.
 */
import { createHash, randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { setInterval } from 'node:timers'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { type Fault, inputOf, type Summary, seedsOf } from './fuzz.ts'
import { TARGETS } from './targets.ts'
import type { WorkerOrder } from './worker.ts'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: randomInt(2 ** 32).toString() },
    target: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', default: false },
  },
})

/** An input on which a thread has been for so long will not come to an end in time for anybody. */
const STUCK_MS = 20_000

const CORPUS = join(import.meta.dirname, 'corpus')

if (values.help) {
  console.log('npm run fuzz -- [--inputs 1000000] [--seed N] [--target NAME]…\n')
  console.log(TARGETS.map(({ name }) => name).join(' '))
} else {
  await main(Number(values.inputs), Number(values.seed), values.target)
}

async function main(inputs: number, seed: number, only: readonly string[]): Promise<void> {
  if (!Number.isSafeInteger(inputs) || !Number.isSafeInteger(seed)) throw new Error('expected whole numbers')
  const unknown = only.find(name => TARGETS.every(target => target.name !== name))
  if (unknown !== undefined) throw new Error(`there is no ${unknown}; --help names all there are`)
  const begun = performance.now()
  console.log(`seed ${seed}, ${inputs} inputs`)
  const of = Math.min(2, availableParallelism())
  const summaries: Summary[] = []
  const keep = (summary: Summary) => {
    summaries.push(summary)
    const shares = summaries.filter(({ target }) => target === summary.target)
    if (shares.length === of) print(shares)
  }
  await Promise.all(Array.from({ length: of }, (_, at) => runShare({ inputs, seed, only, share: { of, at } }, keep)))
  const faults = summaries.flatMap(one => one.faults)
  for (const fault of faults) tell(fault, seed)
  console.log(`${((performance.now() - begun) / 1000).toFixed(0)} s, ${faults.length} faults`)
  if (faults.length > 0) process.exitCode = 1
}

async function runShare(order: Omit<WorkerOrder, 'progress'>, keep: (summary: Summary) => void): Promise<void> {
  const progress = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: { ...order, progress } })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const watch = watchFor(progress, order.seed, fault => {
    keep({ target: fault.target, inputs: 0, taken: 0, slowestMs: STUCK_MS, faults: [fault] })
    void worker.terminate()
  })
  worker.on('message', keep)
  worker.once('error', reject)
  worker.once('exit', () => resolve())
  await promise.finally(() => clearInterval(watch))
}

/** A thread that is on one input for too long cannot say so itself. */
function watchFor(progress: Int32Array, seed: number, onStuck: (fault: Fault) => void) {
  let before = ''
  return setInterval(() => {
    const now = progress.join(' ')
    const [place = 0, index = 0] = progress
    const target = TARGETS[place]
    // Before its first input a thread loads what it reads with.
    const isStuck = now === before && now !== '0 0'
    before = now
    if (!isStuck || target === undefined) return
    const { input } = inputOf(target, seedsOf(target), seed, index)
    onStuck({ target: target.name, index, what: 'does not come to an end', input })
  }, STUCK_MS)
}

function print(shares: readonly Summary[]): void {
  const [first] = shares
  if (first === undefined) return
  const sum = (count: (one: Summary) => number) => shares.reduce((total, one) => total + count(one), 0)
  const slowest = Math.max(...shares.map(one => one.slowestMs))
  console.log(
    [
      first.target.padEnd(24),
      `${sum(one => one.inputs)} inputs`.padStart(16),
      `${sum(one => one.taken)} taken`.padStart(14),
      `slowest ${slowest.toFixed(1)} ms`.padStart(20),
    ].join(''),
  )
}

function tell({ target, index, what, input }: Fault, seed: number): void {
  const name = `${target}.${createHash('sha256').update(input).digest('hex').slice(0, 16)}`
  const file = join(CORPUS, name)
  writeFileSync(file, input)
  console.log(`\nFAULT in ${target}, seed ${seed}, input ${index}: ${what}`)
  console.log(Buffer.from(input).toString('base64'))
  console.log(`kept in ${relative('', file)}; npm run fuzz -- --target ${target} --inputs 1 reads it again`)
}
