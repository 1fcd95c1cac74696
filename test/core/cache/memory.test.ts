import t from 'tap'
import { findingKey } from '#core/cache/key.ts'
import { MemoryCache, PROOF_LIFE_MS, REFUSAL_LIFE_MS } from '#core/cache/memory.ts'
import type { Demand } from '#core/domain/demand.ts'
import { digestOf } from '#core/domain/digest.ts'
import type { Proof } from '#core/domain/proof.ts'
import { refusal } from '#core/domain/refusal.ts'

const digest = digestOf(Buffer.from('image'))
const demand = (fingerprint: string): Demand => ({
  kind: 'key-signature',
  key: { fingerprint, spki: '' },
  hash: 'sha256',
})
const proof: Proof = {
  kind: 'proof',
  proves: 'signature',
  digest,
  signer: { kind: 'key', fingerprint: 'aa' },
  layout: 'simple-signing',
  source: digest,
}

function makeClock() {
  let now = 1
  return { now: () => now, pass: (ms: number) => (now += ms) }
}

t.test('a key names all that a finding rests on', async t => {
  const base = findingKey(digest, demand('aa'), 'r.test/app anonymous')
  const others = [
    findingKey(digestOf(Buffer.from('other')), demand('aa'), 'r.test/app anonymous'),
    findingKey(digest, demand('bb'), 'r.test/app anonymous'),
    findingKey(digest, { ...demand('aa'), hash: 'sha512' }, 'r.test/app anonymous'),
    findingKey(digest, demand('aa'), 'r.test/app robot'),
    findingKey(digest, demand('aa'), 'r.test/app2 anonymous'),
  ]
  t.equal(new Set([base, ...others]).size, 6)
  t.equal(base, findingKey(digest, demand('aa'), 'r.test/app anonymous'))
})

t.test('a proof lives long, a refusal lives short', async t => {
  const clock = makeClock()
  const cache = new MemoryCache({ maxBytes: 1024 * 1024, clock })
  const [kept, refused] = [findingKey(digest, demand('aa'), 's'), findingKey(digest, demand('bb'), 's')]
  cache.set(kept, proof)
  cache.set(refused, refusal('image.unsigned', 'x'))
  clock.pass(REFUSAL_LIFE_MS - 1)
  t.ok(cache.get(refused))
  clock.pass(2)
  t.equal(cache.get(refused), undefined)
  t.equal(cache.get(kept), proof)
  clock.pass(PROOF_LIFE_MS)
  t.equal(cache.get(kept), undefined)
})

t.test('is bounded by bytes and forgets the oldest first', async t => {
  const cache = new MemoryCache({ maxBytes: 100 * 1024 })
  for (let n = 0; n < 1000; n++) cache.set(findingKey(digest, demand(String(n)), 's'), proof)
  t.equal(cache.get(findingKey(digest, demand('0'), 's')), undefined)
  t.equal(cache.get(findingKey(digest, demand('999'), 's')), proof)
  const alive = Array.from({ length: 1000 }, (_, n) => cache.get(findingKey(digest, demand(String(n)), 's'))).filter(
    Boolean,
  )
  t.ok(alive.length <= 100)
})
