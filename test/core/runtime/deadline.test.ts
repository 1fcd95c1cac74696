import { mock } from 'node:test'
import t from 'tap'
import { Unavailable } from '#core/domain/unavailable.ts'
import { deadline, orGiveUp } from '#core/runtime/deadline.ts'

const forever = () => new Promise<never>(() => {})

t.test('a deadline aborts with an Unavailable when its time is up, not before', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  using limit = deadline(100)
  mock.timers.tick(99)
  t.equal(limit.signal.aborted, false)
  mock.timers.tick(1)
  t.ok(limit.signal.reason instanceof Unavailable)
  t.equal((limit.signal.reason as Unavailable).code, 'deadline.exceeded')
  t.match(limit.signal.reason.message, /100 ms/)
})

t.test('a deadline that is disposed of never fires', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const parent = new AbortController()
  const limit = deadline(100, parent.signal)
  limit[Symbol.dispose]()
  parent.abort()
  mock.timers.tick(1000)
  t.equal(limit.signal.aborted, false)
})

t.test('a caller that hangs up ends the work for the same kind of reason, and its own is kept as cause', async t => {
  const parent = new AbortController()
  using limit = deadline(60_000, parent.signal)
  parent.abort(new Error('socket closed'))
  t.ok(limit.signal.reason instanceof Unavailable)
  t.match(limit.signal.reason.message, /hung up/)
  t.equal((limit.signal.reason.cause as Error).message, 'socket closed')
})

t.test('a caller that has hung up already leaves no time at all', async t => {
  using limit = deadline(60_000, AbortSignal.abort())
  t.ok(limit.signal.reason instanceof Unavailable)
})

t.test('a deadline within a deadline keeps the reason of the outer one', async t => {
  const outer = new AbortController()
  using inner = deadline(60_000, outer.signal)
  const reason = new Unavailable('deadline.exceeded', 'the outer one')
  outer.abort(reason)
  t.equal(inner.signal.reason, reason)
})

t.test('work that ends after the abort but within the grace is still heard', async t => {
  const stop = new AbortController()
  const work = Promise.withResolvers<string>()
  const heard = orGiveUp(work.promise, stop.signal, 60_000)
  stop.abort(new Unavailable('deadline.exceeded', 'too late'))
  work.resolve('an answer that says what was learnt')
  t.equal(await heard, 'an answer that says what was learnt')
})

t.test('work that ignores the abort is left behind with the reason of the signal', async t => {
  const reason = new Unavailable('deadline.exceeded', 'too late')
  await t.rejects(orGiveUp(forever(), AbortSignal.abort(reason), 1), reason)
  const stop = new AbortController()
  const left = orGiveUp(forever(), stop.signal, 1)
  stop.abort(reason)
  await t.rejects(left, reason)
})

t.test('work that fails after it was left behind disturbs nobody', async t => {
  const work = Promise.withResolvers<never>()
  await t.rejects(orGiveUp(work.promise, AbortSignal.abort(new Error('late')), 1), /late/)
  work.reject(new Error('nobody listens'))
  await new Promise(setImmediate)
})
