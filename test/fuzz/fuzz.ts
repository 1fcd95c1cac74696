/** Makes inputs, has them read, and says of each that should have gone otherwise which it was and how to make it again. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { InputError } from '#core/domain/input-error.ts'
import { mutate } from './mutate.ts'
import { Random } from './random.ts'
import type { Target } from './target.ts'

/** Of its own thread: eight times what the slowest takes (YAML, the others some milliseconds), and what no caller has to spare. */
const SLOW_MS = 1000

/** What may stay when all that is not needed has been collected: keys, certificates and expressions that are remembered. */
const GROWTH_BYTES = 64 * 1024 * 1024

/** What the process may hold in all: two threads with the heap that Node gives them, and what one input makes of itself. */
const PROCESS_BYTES = 2 * 1024 * 1024 * 1024

export type Fault = {
  readonly target: string
  readonly index: number
  readonly what: string
  readonly input: Uint8Array
}

export type Summary = {
  readonly target: string
  readonly inputs: number
  readonly taken: number
  readonly slowestMs: number
  readonly faults: readonly Fault[]
}

export type FuzzOrder = {
  /** Of all targets together. */
  readonly inputs: number
  /** The same seed, the same inputs. */
  readonly seed: number
  /** Of the inputs, those whose number leaves this remainder: several can share the work. */
  readonly share?: { readonly of: number; readonly at: number }
  readonly slowMs?: number
  /** Called before each input is read, so that somebody else can tell which one did not come to an end. */
  readonly before?: (target: Target, index: number, input: Uint8Array) => void
  /** Called with what came of each target. */
  readonly after?: (summary: Summary) => void
}

/** After so many faults of one reader, more of them say nothing new. */
const MOST_FAULTS = 5

const INPUTS_BETWEEN_LOOKS = 5000

const CORPUS = join(import.meta.dirname, 'corpus')

/** The seeds of the target, and what lies under its name in the corpus: what once went wrong, and what is nasty. */
export function seedsOf({ name, seeds }: Target): readonly Uint8Array[] {
  const kept = readdirSync(CORPUS)
    .filter(file => file.slice(0, file.indexOf('.')) === name)
    .toSorted()
  return [...seeds, ...kept.map(file => readFileSync(join(CORPUS, file)))]
}

/** The seeds come first, as they are; then what is made of them. */
export function inputOf(target: Target, seeds: readonly Uint8Array[], seed: number, index: number) {
  const known = seeds[index]
  if (known !== undefined) return { input: known, from: index }
  const random = new Random(seed, target.name, index)
  const from = random.below(seeds.length)
  const input = mutate(seeds[from] ?? new Uint8Array(), seeds, target.form, random)
  return { input: input.subarray(0, target.mostBytes), from }
}

/** How many of all the inputs each target gets. */
function portionsOf(targets: readonly Target[], inputs: number): readonly number[] {
  const all = targets.reduce((sum, { weight }) => sum + weight, 0)
  return targets.map(({ weight }) => Math.ceil((inputs * weight) / all))
}

export function fuzz(targets: readonly Target[], order: FuzzOrder): readonly Summary[] {
  const portions = portionsOf(targets, order.inputs)
  return targets.map((target, index) => {
    const summary = fuzzTarget(target, { ...order, inputs: portions[index] ?? 0 })
    order.after?.(summary)
    return summary
  })
}

function fuzzTarget(target: Target, order: FuzzOrder): Summary {
  const { of, at } = order.share ?? { of: 1, at: 0 }
  const seeds = seedsOf(target)
  const held = heldBytes()
  const faults: Fault[] = []
  let [inputs, taken, slowestMs] = [0, 0, 0]
  for (let index = at; index < order.inputs && faults.length < MOST_FAULTS; index += of) {
    const { input, from } = inputOf(target, seeds, order.seed, index)
    order.before?.(target, index, input)
    const { what, ms } = readOnce(target, input, from, order.slowMs ?? SLOW_MS)
    inputs++
    slowestMs = Math.max(slowestMs, ms)
    if (what === 'taken') taken++
    const fault = FINE.includes(what) ? faultOfMemory(inputs, held) : what
    if (fault !== undefined) faults.push({ target: target.name, index, what: fault, input })
  }
  return { target: target.name, inputs, taken, slowestMs, faults }
}

const FINE = ['taken', 'refused']

/** Looked at now and then, and told of the input that happened to be the last. */
function faultOfMemory(inputs: number, held: number): string | undefined {
  if (inputs % INPUTS_BETWEEN_LOOKS !== 0) return undefined
  const all = process.memoryUsage.rss()
  if (all > PROCESS_BYTES) return `the process holds ${all} bytes`
  const grown = heldBytes() - held
  return grown > GROWTH_BYTES ? `${grown} bytes stay in memory after ${inputs} inputs` : undefined
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heldBytes(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** `taken`, `refused`, or what is wrong; and how long this thread was at it, however busy the machine is. */
function readOnce(target: Target, input: Uint8Array, from: number, slowMs: number) {
  const begun = process.threadCpuUsage()
  const what = outcomeOf(target, input, from)
  const { user, system } = process.threadCpuUsage(begun)
  const ms = (user + system) / 1000
  return { what: ms < slowMs ? what : `took ${Math.round(ms)} ms`, ms }
}

function outcomeOf(target: Target, input: Uint8Array, from: number): string {
  try {
    return target.read(input, from)
  } catch (error) {
    if (error instanceof InputError) return 'refused'
    return error instanceof Error ? (error.stack ?? error.message) : `threw ${String(error)}`
  }
}
