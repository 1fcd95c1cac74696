import t from 'tap'
import { makeRoom } from '#core/registry/room.ts'

const patience = new AbortController().signal
const turn = () => new Promise(resolve => setImmediate(resolve))

t.test('what is small waits for nobody, up to its bound', async t => {
  const room = makeRoom({ freeBytes: 10, large: 1 })
  const large = room()
  await large.take(11, patience)
  const small = room()
  t.equal(small.take(4, patience), undefined)
  t.equal(small.take(6, patience), undefined)
  let isIn = false
  const more = small.take(1, patience)?.finally(() => {
    isIn = true
  })
  await turn()
  t.notOk(isIn, 'one byte beyond it does')
  large.end()
  await more
  t.ok(isIn)
  t.equal(await small.take(1_000_000, patience), undefined, 'and has its place until it ends')
})

t.test('a place that is left is had by the next, once, however often its owner leaves', async t => {
  const room = makeRoom({ freeBytes: 0, large: 1 })
  const [one, two, three] = [room(), room(), room()]
  await one.take(1, patience)
  const in2 = two.take(1, patience)
  let isIn3 = false
  const in3 = three.take(1, patience)?.finally(() => {
    isIn3 = true
  })
  one.end()
  one.end()
  await in2
  await turn()
  t.notOk(isIn3)
  two.end()
  await in3
  t.ok(isIn3)
})

t.test('whoever gives up waiting takes no place, and whoever ended needs none', async t => {
  const room = makeRoom({ freeBytes: 0, large: 1 })
  const [one, two, three] = [room(), room(), room()]
  await one.take(1, patience)
  const stop = new AbortController()
  const waiting = two.take(1, stop.signal)
  stop.abort(new Error('tired'))
  await t.rejects(waiting as Promise<void>, { message: 'tired' })
  const ended = three.take(1, patience)
  three.end()
  one.end()
  await ended
  const next = room()
  await next.take(1, patience)
  t.pass('the place that nobody wanted any more is free')
})

t.test('two requests of one look take one place', async t => {
  const room = makeRoom({ freeBytes: 0, large: 2 })
  const [one, two] = [room(), room()]
  await Promise.all([one.take(1, patience), one.take(1, patience)])
  await two.take(1, patience)
  t.pass()
})
