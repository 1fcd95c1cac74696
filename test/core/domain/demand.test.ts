import t from 'tap'
import { type Demand, demandKey, HASH_ALGORITHMS } from '#core/domain/demand.ts'

const key = { fingerprint: 'ab'.repeat(32), spki: '' }
const other = { fingerprint: 'cd'.repeat(32), spki: '' }

t.test('demands that ask the same thing have one name', async t => {
  const demand: Demand = { kind: 'key-signature', key, hash: 'sha256' }
  const again: Demand = {
    hash: 'sha256',
    key: { spki: 'read anew', fingerprint: key.fingerprint },
    kind: 'key-signature',
  }
  t.equal(demandKey(demand), demandKey(again))
})

t.test('demands that ask for another key or another hash have another name', async t => {
  const demands = [key, other].flatMap(one =>
    HASH_ALGORITHMS.map((hash): Demand => ({ kind: 'key-signature', key: one, hash })),
  )
  t.equal(new Set(demands.map(demandKey)).size, 8)
})

t.test('a name has no space, at which the cache joins names', async t => {
  t.notMatch(demandKey({ kind: 'key-signature', key, hash: 'sha256' }), /\s/)
})
