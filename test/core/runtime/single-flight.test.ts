import t from 'tap'
import { SingleFlight } from '#core/runtime/single-flight.ts'

/** Work that ends when told to and remembers what it was told. */
function makeWork() {
  const done = Promise.withResolvers<string>()
  const state = { started: 0, aborted: false }
  const work = (signal: AbortSignal) => {
    state.started++
    signal.addEventListener('abort', () => {
      state.aborted = true
      done.reject(signal.reason)
    })
    return done.promise
  }
  return { work, state, finish: done.resolve }
}

t.test('shares one flight among all who ask while it is under way', async t => {
  const flights = new SingleFlight<string>()
  const { work, state, finish } = makeWork()
  const both = [
    flights.run('a', work, new AbortController().signal),
    flights.run('a', work, new AbortController().signal),
  ]
  finish('landed')
  t.strictSame(await Promise.all(both), ['landed', 'landed'])
  t.equal(state.started, 1)
})

t.test('does not share between keys', async t => {
  const flights = new SingleFlight<string>()
  const one = makeWork()
  const two = makeWork()
  const both = [
    flights.run('a', one.work, new AbortController().signal),
    flights.run('b', two.work, new AbortController().signal),
  ]
  one.finish('a')
  two.finish('b')
  t.strictSame(await Promise.all(both), ['a', 'b'])
})

t.test('the first who leaves harms nobody', async t => {
  const flights = new SingleFlight<string>()
  const { work, state, finish } = makeWork()
  const impatient = new AbortController()
  const first = flights.run('a', work, impatient.signal)
  const second = flights.run('a', work, new AbortController().signal)
  impatient.abort(new Error('enough'))
  await t.rejects(first, { message: 'enough' })
  t.equal(state.aborted, false)
  finish('landed')
  t.equal(await second, 'landed')
})

t.test('the work stops when the last has left, and who comes later gets a new flight', async t => {
  const flights = new SingleFlight<string>()
  const lost = makeWork()
  const [one, two] = [new AbortController(), new AbortController()]
  const runs = [flights.run('a', lost.work, one.signal), flights.run('a', lost.work, two.signal)]
  one.abort(new Error('one left'))
  two.abort(new Error('two left'))
  const settled = await Promise.allSettled(runs)
  t.strictSame(
    settled.map(run => run.status),
    ['rejected', 'rejected'],
  )
  t.equal(lost.state.aborted, true)
  const fresh = makeWork()
  const later = flights.run('a', fresh.work, new AbortController().signal)
  fresh.finish('fresh')
  t.equal(await later, 'fresh')
})

t.test('what the work has left behind is told to stop when it has landed, and no error is made for that', async t => {
  const flights = new SingleFlight<string>()
  const reasons: unknown[] = []
  const land = (signal: AbortSignal) => {
    signal.addEventListener('abort', () => reasons.push(signal.reason))
    return Promise.resolve('landed')
  }
  for (const key of ['a', 'b']) await flights.run(key, land, new AbortController().signal)
  t.match(reasons, [{ code: 'deadline.exceeded' }, { code: 'deadline.exceeded' }])
  t.equal(reasons[0], reasons[1])
})

t.test('a failure reaches everyone and is not kept', async t => {
  const flights = new SingleFlight<string>()
  const fail = () => Promise.reject(new Error('no'))
  const { signal } = new AbortController()
  await t.rejects(Promise.all([flights.run('a', fail, signal), flights.run('a', fail, signal)]), { message: 'no' })
  t.equal(await flights.run('a', () => Promise.resolve('yes'), signal), 'yes')
})

t.test('work that throws at once is a rejection, and a caller who has already left starts nothing', async t => {
  const flights = new SingleFlight<string>()
  const { signal } = new AbortController()
  await t.rejects(
    flights.run(
      'a',
      () => {
        throw new TypeError('bug')
      },
      signal,
    ),
    { message: 'bug' },
  )
  let started = false
  const gone = AbortSignal.abort(new Error('gone'))
  await t.rejects(
    flights.run(
      'a',
      () => {
        started = true
        return Promise.resolve('x')
      },
      gone,
    ),
    { message: 'gone' },
  )
  t.equal(started, false)
})
