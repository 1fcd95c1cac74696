import t from 'tap'
import { longestChain } from './round-trips.ts'

const requests = (...times: readonly (readonly [beganMs: number, endedMs?: number])[]) =>
  times.map(([beganMs, endedMs]) => (endedMs === undefined ? { beganMs } : { beganMs, endedMs }))

t.test('requests side by side are one round trip, and each that waited for another is one more', async t => {
  t.equal(longestChain([]), 0)
  t.equal(longestChain(requests([0, 100], [1, 101], [2, 102])), 1)
  t.equal(longestChain(requests([103, 203], [0, 100], [1, 101])), 2)
  t.equal(longestChain(requests([0, 100], [1, 250], [101, 200], [201, 300])), 3, 'one that took long hides none')
})

t.test('a request that began in the moment another ended has not waited for it', async t => {
  t.equal(longestChain(requests([0, 100], [100, 200])), 1)
})

t.test('one that was never answered can only be the last', async t => {
  t.equal(longestChain(requests([0], [0, 100], [101])), 2)
})
