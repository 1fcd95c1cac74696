import t from 'tap'
import { deadline } from '#core/runtime/deadline.ts'
import { SingleFlight } from '#core/runtime/single-flight.ts'
import { endOf, firstOf, timeLeft } from '#core/runtime/time-left.ts'

t.test('a deadline says how much time it leaves, and one within another no more than that', async t => {
  using outer = deadline(10_000)
  using inner = deadline(60_000, outer.signal)
  using short = deadline(1000, outer.signal)
  t.ok(timeLeft(outer.signal) > 9000 && timeLeft(outer.signal) <= 10_000)
  t.equal(endOf(inner.signal), endOf(outer.signal))
  t.ok(timeLeft(short.signal) <= 1000)
  outer.hangUp()
  t.equal(timeLeft(outer.signal), 0)
  t.equal(timeLeft(inner.signal), 0)
})

t.test('of a signal that nobody has spoken for it is not known', async t => {
  t.equal(timeLeft(new AbortController().signal), Number.POSITIVE_INFINITY)
  t.equal(timeLeft(AbortSignal.abort()), 0)
})

t.test('the first of several signals leaves as much as the shortest, and aborts with any', async t => {
  using long = deadline(10_000)
  using short = deadline(1000)
  const stop = new AbortController()
  const first = firstOf([long.signal, stop.signal, short.signal])
  t.equal(endOf(first), endOf(short.signal))
  stop.abort('enough')
  t.equal(first.reason, 'enough')
})

t.test('shared work has the time of its most patient caller, for as long as he waits', async t => {
  const flights = new SingleFlight<string>()
  using short = deadline(1000)
  using long = deadline(10_000)
  const landed = Promise.withResolvers<string>()
  const ends: number[] = []
  let work = new AbortController().signal
  const start = (signal: AbortSignal) => {
    work = signal
    ends.push(endOf(signal))
    return landed.promise
  }
  const one = flights.run('k', start, short.signal)
  const two = flights.run('k', start, long.signal)
  ends.push(endOf(work))
  long.hangUp()
  await t.rejects(two)
  ends.push(endOf(work))
  landed.resolve('here')
  t.equal(await one, 'here')
  t.strictSame(ends, [endOf(short.signal), endOf(long.signal), endOf(short.signal)])
})
