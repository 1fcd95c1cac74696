import t from 'tap'
import { fuzz, inputOf, seedsOf } from './fuzz.ts'
import type { Target } from './target.ts'
import { TARGETS } from './targets.ts'

t.setTimeout(120_000)

const INPUTS = 6000
const SEED = 1

t.test('no reader throws what it should not, takes what it should not, or takes long', async t => {
  const summaries = fuzz(TARGETS, { inputs: INPUTS, seed: SEED })
  const faults = summaries.flatMap(({ faults }) => faults)
  t.strictSame(
    faults.map(
      ({ target, index, what, input }) => `${target} ${index}: ${what}\n${Buffer.from(input).toString('base64')}`,
    ),
    [],
  )
  t.ok(summaries.reduce((sum, { inputs }) => sum + inputs, 0) >= INPUTS)
  // A reader that takes nothing of what it is given is given the wrong things.
  for (const { target, taken } of summaries) t.ok(taken > 0, `${target} takes something`)
})

t.test('what was recorded is taken as it is', async t => {
  for (const { name, seeds, read } of TARGETS.filter(({ name }) => name.startsWith('artefact-'))) {
    t.ok(seeds.length > 0, name)
    for (const [index, seed] of seeds.entries()) t.equal(read(seed, index), 'taken', `${name} ${index}`)
  }
})

t.test('a fault is found, by its number, and found again; a slow input is one', async t => {
  const target: Target = {
    name: 'planted',
    form: 'text',
    weight: 1,
    seeds: [Buffer.from('a harmless text')],
    read: bytes => {
      if (bytes.includes(0x7b)) throw new TypeError('a bug')
      return 'refused'
    },
  }
  const [summary] = fuzz([target], { inputs: 2000, seed: 7 })
  const [fault] = summary?.faults ?? []
  t.match(fault, { target: 'planted', what: /TypeError: a bug/ })
  t.strictSame(inputOf(target, seedsOf(target), 7, fault?.index ?? 0).input, fault?.input)
  t.equal(summary?.faults.length, 5, 'and enough is enough')

  const slow: Target = { ...target, read: () => (busyFor(3), 'refused') }
  t.match(fuzz([slow], { inputs: 1, seed: 7, slowMs: 2 })[0]?.faults, [{ what: /^took \d+ ms$/ }])
})

/** By the clock that is read: a busy machine gives a thread a part of the time only. */
function busyFor(ms: number): void {
  const begun = process.threadCpuUsage()
  const spent = () => process.threadCpuUsage(begun).user + process.threadCpuUsage(begun).system
  while (spent() < ms * 1000);
}

t.test('shares make the same inputs, each one of them once', async t => {
  const made: string[] = []
  const before = ({ name }: Target, index: number, input: Uint8Array) =>
    void made.push(`${name} ${index} ${Buffer.from(input).toString('base64')}`)
  const targets = TARGETS.filter(({ name }) => name === 'pem')
  const order = { inputs: 100, seed: SEED, before }
  fuzz(targets, order)
  const whole = made.splice(0)
  for (const at of [0, 1, 2]) fuzz(targets, { ...order, share: { of: 3, at } })
  t.strictSame(made.toSorted(), whole.toSorted())
})
