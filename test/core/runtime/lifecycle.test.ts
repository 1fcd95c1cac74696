import t from 'tap'
import { Lifecycle } from '#core/runtime/lifecycle.ts'

t.test('what was opened last is closed first, each after the one before has ended', async t => {
  const life = new Lifecycle()
  const closed: string[] = []
  life.onClose(() => void closed.push('log'))
  life.onClose(async () => {
    await new Promise(setImmediate)
    closed.push('gate')
  })
  life.onClose(() => void closed.push('server'))
  await life.close()
  t.strictSame(closed, ['server', 'gate', 'log'])
})

t.test('one that fails to close keeps none of the others open, and is heard of', async t => {
  const life = new Lifecycle()
  const closed: string[] = []
  life.onClose(() => void closed.push('log'))
  life.onClose(() => Promise.reject(new Error('gate is stuck')))
  life.onClose(() => void closed.push('server'))
  await t.rejects(life.close(), /gate is stuck/)
  t.strictSame(closed, ['server', 'log'])
})

t.test('closing twice closes once, and both wait for the end', async t => {
  const life = new Lifecycle()
  const gate = Promise.withResolvers<void>()
  let times = 0
  life.onClose(() => {
    times++
    return gate.promise
  })
  const both = [life.close(), life.close()]
  gate.resolve()
  await Promise.all(both)
  t.equal(times, 1)
})
