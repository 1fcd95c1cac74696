import t, { type Test } from 'tap'
import type { Clock } from '#core/cluster/clock.ts'
import { errorLine } from '#core/runtime/error-line.ts'
import { Controller } from '#reconcilers/controller.ts'
import type { Reconcile, Result } from '#reconcilers/result.ts'

const SETTLED: Result = { next: 'settled' }

/** A clock that stands still: whoever sleeps is written down, and wakes when the test says so or the signal aborts. */
function makeClock() {
  const sleeping: { readonly ms: number; readonly wake: () => void }[] = []
  const sleep: Clock['sleep'] = (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const one = { ms, wake: resolve }
      sleeping.push(one)
      signal.addEventListener('abort', () => {
        if (sleeping.includes(one)) sleeping.splice(sleeping.indexOf(one), 1)
        reject(signal.reason)
      })
    })
  const turn = () => new Promise<void>(resolve => setImmediate(resolve))
  return {
    clock: { now: () => 0, date: () => new Date(0), sleep },
    /** How long each sleeper wants to sleep. */
    sleeps: () => sleeping.map(({ ms }) => ms),
    /** Wakes those that sleep now. */
    pass: async () => {
      for (const { wake } of sleeping.splice(0)) wake()
      await turn()
    },
    turn,
  }
}

function run(t: Test, reconcile: Reconcile) {
  const time = makeClock()
  const outcomes: string[] = []
  const controller = new Controller(reconcile, {
    onOutcome: (key, outcome, why) =>
      outcomes.push([key, outcome, ...(why === undefined ? [] : [errorLine(why)])].join(' ')),
    clock: time.clock,
    random: () => 0,
  })
  t.teardown(() => controller.close())
  return { controller, outcomes, ...time }
}

t.test('many events of one key are one look', async t => {
  const { controller, outcomes, turn, pass, sleeps } = run(t, async () => SETTLED)
  for (let n = 0; n < 5; n++) controller.add('a')
  await turn()
  t.strictSame(outcomes, ['a settled'])
  await pass()
  t.strictSame([outcomes.length, sleeps()], [1, []], 'and nothing is left of it')
})

t.test('what happens during a look is looked at once more, and not at the same time, nor at once', async t => {
  const first = Promise.withResolvers<void>()
  let running = 0
  let most = 0
  const { controller, outcomes, turn, pass, sleeps } = run(t, async () => {
    most = Math.max(most, ++running)
    await first.promise
    running--
    return SETTLED
  })
  controller.add('a')
  await turn()
  controller.add('a')
  controller.add('a')
  first.resolve()
  await turn()
  t.strictSame(outcomes, ['a settled'])
  t.strictSame(sleeps(), [500])
  await pass()
  t.strictSame(outcomes, ['a settled', 'a settled'])
  t.equal(most, 1)
})

t.test('different keys are looked at side by side, four at most', async t => {
  let running = 0
  let most = 0
  const gate = Promise.withResolvers<void>()
  const { controller, outcomes, turn } = run(t, async () => {
    most = Math.max(most, ++running)
    await gate.promise
    running--
    return SETTLED
  })
  for (let n = 0; n < 9; n++) controller.add(`${n}`)
  await turn()
  t.equal(running, 4)
  gate.resolve()
  await turn()
  t.strictSame([outcomes.length, most], [9, 4])
})

t.test('after an error it is tried again, later each time, and a success begins anew', async t => {
  const fate = ['no', 'no', 'no', 'yes', 'no']
  const { controller, outcomes, turn, pass, sleeps } = run(t, async () => {
    if (fate.shift() === 'no') throw new Error('no')
    return SETTLED
  })
  controller.add('a')
  await turn()
  const waits: number[] = []
  for (let n = 0; n < 3; n++) {
    await pass()
    waits.push(...sleeps())
    await pass()
  }
  t.strictSame(waits, [500, 1000, 2000])
  t.strictSame(outcomes.slice(-2), ['a failed no', 'a settled'])
  await pass()
  controller.add('a')
  await turn()
  await pass()
  t.strictSame(sleeps(), [500])
})

t.test('an event wakes a key that waits', async t => {
  const results: Result[] = [{ next: 'again', afterMs: 60_000 }, SETTLED]
  const { controller, outcomes, turn, pass, sleeps } = run(t, async () => results.shift() as Result)
  controller.add('a')
  await turn()
  await pass()
  t.strictSame(sleeps(), [60_000])
  controller.add('a')
  await turn()
  t.strictSame(outcomes, ['a again', 'a settled'])
})

t.test('again means again after that time, stuck means not again', async t => {
  const results: Result[] = [
    { next: 'again', afterMs: 7 },
    { next: 'stuck', why: 'too large' },
  ]
  const { controller, outcomes, turn, pass, sleeps } = run(t, async () => results.shift() as Result)
  controller.add('a')
  await turn()
  await pass()
  t.strictSame(sleeps(), [7])
  await pass()
  t.strictSame(outcomes, ['a again', 'a stuck "too large"'])
  await pass()
  t.strictSame(sleeps(), [])
})

t.test('closing aborts what runs, wakes what waits, and begins nothing more', async t => {
  const aborted = Promise.withResolvers<void>()
  const { controller, outcomes, turn, pass } = run(t, async (key, signal) => {
    if (key === 'waits') return { next: 'again', afterMs: 60_000 }
    await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
    aborted.resolve()
    throw new Error('aborted')
  })
  controller.add('waits')
  controller.add('runs')
  await turn()
  await pass()
  const closed = controller.close()
  await aborted.promise
  await closed
  controller.add('late')
  await turn()
  t.strictSame(outcomes, ['waits again'])
})
