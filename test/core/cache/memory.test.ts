import t from 'tap'
import { findingKey } from '#core/cache/key.ts'
import { MemoryCache, PROOF_LIFE_MS, REFUSAL_LIFE_MS } from '#core/cache/memory.ts'
import type { Demand } from '#core/domain/demand.ts'
import { demandKey } from '#core/domain/demand.ts'
import { digestOf } from '#core/domain/digest.ts'
import type { Proof } from '#core/domain/proof.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { TrustRoot, TrustRoots } from '#core/domain/trust-root.ts'

const digest = digestOf(Buffer.from('image'))
const demand = (fingerprint: string, more: Partial<Demand> = {}) =>
  ({
    kind: 'signature',
    by: { kind: 'key', key: { fingerprint, spki: '' }, hash: 'sha256' },
    log: undefined,
    timestamp: undefined,
    layout: 'any',
    ...more,
  }) as Demand
const keyOf = (fingerprint: string) => findingKey(digest, demand(fingerprint), NO_TRUST, 's')

const NO_TRUST: TrustRoots = new Map()
const trustOf = (version: string): TrustRoots => {
  const root: TrustRoot = {
    name: 'private',
    version,
    authorities: [],
    timestampAuthorities: [],
    logs: [],
    certificateLogs: [],
  }
  return new Map([['private', root]])
}
const proof: Proof = {
  kind: 'proof',
  proves: 'signature',
  digest,
  signer: { kind: 'key', fingerprint: 'aa' },
  answers: demandKey(demand('aa')),
  layout: 'simple-signing',
  source: digest,
  logs: [],
  signedAt: undefined,
  until: undefined,
}

function makeClock() {
  let now = 1
  return { now: () => now, pass: (ms: number) => (now += ms) }
}

t.test('a key names all that a finding rests on', async t => {
  const logged = demand('aa', { log: { trustRoot: 'private', atLeast: 1 } })
  const base = findingKey(digest, logged, trustOf('1'), 'r.test/app anonymous')
  const others = [
    findingKey(digestOf(Buffer.from('other')), logged, trustOf('1'), 'r.test/app anonymous'),
    findingKey(digest, demand('aa'), trustOf('1'), 'r.test/app anonymous'),
    findingKey(digest, { ...logged, layout: 'legacy' }, trustOf('1'), 'r.test/app anonymous'),
    findingKey(digest, logged, trustOf('2'), 'r.test/app anonymous'),
    findingKey(digest, logged, NO_TRUST, 'r.test/app anonymous'),
    findingKey(digest, logged, trustOf('1'), 'r.test/app robot'),
    findingKey(digest, logged, trustOf('1'), 'r.test/app2 anonymous'),
  ]
  t.equal(new Set([base, ...others]).size, 8)
  t.equal(base, findingKey(digest, structuredClone(logged), trustOf('1'), 'r.test/app anonymous'))
})

t.test('a trust root that a demand does not rest on may change, and what is remembered stays', async t => {
  const [before, after] = [trustOf('1'), trustOf('2')].map(trust => findingKey(digest, demand('aa'), trust, 's'))
  t.equal(before, after)
})

t.test('a proof lives long, a refusal lives short', async t => {
  const clock = makeClock()
  const cache = new MemoryCache({ maxBytes: 1024 * 1024, clock })
  const [kept, refused] = [keyOf('aa'), keyOf('bb')]
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
  for (let n = 0; n < 1000; n++) cache.set(keyOf(String(n)), proof)
  t.equal(cache.get(keyOf('0')), undefined)
  t.equal(cache.get(keyOf('999')), proof)
  const alive = Array.from({ length: 1000 }, (_, n) => cache.get(keyOf(String(n)))).filter(Boolean)
  t.ok(alive.length <= 100)
})

t.test('a finding may be given a shorter life, never a longer one, and none at all', async t => {
  const clock = makeClock()
  const cache = new MemoryCache({ maxBytes: 1024 * 1024, clock })
  cache.set(keyOf('short'), proof, 1000)
  cache.set(keyOf('long'), proof, 2 * PROOF_LIFE_MS)
  for (const none of [0, -1]) cache.set(keyOf(`none ${none}`), proof, none)
  t.equal(cache.get(keyOf('none 0')), undefined)
  t.equal(cache.get(keyOf('none -1')), undefined)
  t.strictSame(cache.get(keyOf('short')), proof)
  clock.pass(1001)
  t.equal(cache.get(keyOf('short')), undefined)
  clock.pass(PROOF_LIFE_MS)
  t.equal(cache.get(keyOf('long')), undefined)
})
