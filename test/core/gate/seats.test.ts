import t from 'tap'
import { LOOKUPS, LOOKUPS_EACH, makeSeats } from '#core/gate/seats.ts'

const patience = new AbortController().signal

/** Work that is done when it is told to be. */
function makeJobs(seats: ReturnType<typeof makeSeats>) {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const run = (name: string, signal = patience) =>
    seats(
      name.slice(0, 1),
      () => {
        begun.push(name)
        const { promise, resolve } = Promise.withResolvers<void>()
        ends.set(name, resolve)
        return promise
      },
      signal,
    )
  const end = async (name: string) => {
    ends.get(name)?.()
    await new Promise(resolve => setImmediate(resolve))
  }
  return { begun, run, end }
}

t.test('so many are let in and no more, the next in the order they came', async t => {
  const { begun, run, end } = makeJobs(makeSeats({ most: 2, mostEach: 2 }))
  const all = ['a1', 'b1', 'c1', 'd1'].map(name => run(name))
  t.strictSame(begun, ['a1', 'b1'])
  await end('b1')
  t.strictSame(begun, ['a1', 'b1', 'c1'])
  for (const name of ['a1', 'c1', 'd1']) await end(name)
  await Promise.all(all)
})

t.test('whoever has all of his waits while others are let in', async t => {
  const { begun, run, end } = makeJobs(makeSeats({ most: 4, mostEach: 2 }))
  const all = ['a1', 'a2', 'a3', 'a4', 'b1'].map(name => run(name))
  t.strictSame(begun, ['a1', 'a2', 'b1'])
  await end('b1')
  t.strictSame(begun, ['a1', 'a2', 'b1'])
  await end('a1')
  t.strictSame(begun, ['a1', 'a2', 'b1', 'a3'])
  for (const name of ['a2', 'a3', 'a4']) await end(name)
  await Promise.all(all)
})

t.test('a seat is free again when the work fails, and nobody sits who has given up waiting', async t => {
  const seats = makeSeats({ most: 1, mostEach: 1 })
  await t.rejects(
    seats('a', () => Promise.reject(new Error('no')), patience),
    { message: 'no' },
  )
  const { begun, run, end } = makeJobs(seats)
  const stop = new AbortController()
  const first = run('a1')
  const second = run('a2', stop.signal)
  const third = run('a3')
  stop.abort(new Error('tired'))
  await t.rejects(second, { message: 'tired' })
  await t.rejects(run('a4', stop.signal), { message: 'tired' })
  await end('a1')
  t.strictSame(begun, ['a1', 'a3'])
  await end('a3')
  await Promise.all([first, third])
})

t.test('a Pod of sixteen images is looked up at once, and four tenants at their most fill the house', async t => {
  const { begun, run, end } = makeJobs(makeSeats())
  const names = Array.from({ length: LOOKUPS_EACH + 1 }, (_, index) => `a${index}`)
  const all = names.map(name => run(name))
  t.equal(begun.length, LOOKUPS_EACH)
  t.equal(LOOKUPS, 4 * LOOKUPS_EACH)
  for (const name of names) await end(name)
  await Promise.all(all)
})
