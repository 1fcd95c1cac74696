import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { Fact } from '#core/domain/fact.ts'
import { refusal } from '#core/domain/refusal.ts'
import { makeMetrics } from '#core/runtime/make-metrics.ts'
import { type Account, makeSight, UNSEEN } from '#core/runtime/sight.ts'
import { ASKER, DEMAND, makeProof, makeSubject } from '#test/support/make-subject.ts'

const WORKLOAD = { subject: makeSubject(), asker: ASKER, images: [] }
const use = { where: 'spec', role: 'container', text: 'app', ref: refusal('image.reference-invalid', '') } as const
const FACTS: readonly Fact[] = [makeProof(), makeProof(), refusal('image.unsigned', '')].map(found => ({
  use,
  demand: DEMAND,
  found,
}))

function make() {
  const metrics = makeMetrics()
  return { sight: makeSight(metrics), text: () => metrics.registry.metrics() }
}

t.test('what is reported during an admission counts to its account, through whatever is awaited', async t => {
  const { sight, text } = make()
  const account = await sight.admission('validate', undefined, async account => {
    sight.step('plan', () => 1)
    await setImmediate()
    sight.lookedUp('hit', 2)
    await sight.step('gather', async () => {
      await setImmediate()
      sight.lookedUp('shared', 1)
      await sight.request({ host: 'r.test', thing: 'manifest' }, setImmediate, () => ({ answer: 'ok', status: 200 }))
      await sight.verify('key', 'inline', setImmediate)
    })
    sight.found(WORKLOAD, FACTS)
    return account
  })
  t.match(account, {
    cache: { hit: 2, miss: 0, shared: 1 },
    findings: { proof: 2, refusal: 1, silence: 0 },
    registryRequests: 1,
    traceId: undefined,
  })
  t.strictSame(new Set(Object.keys(account.ms)), new Set(['plan', 'gather', 'registry request', 'verify']))
  t.ok((account.ms.gather ?? 0) >= (account.ms.verify ?? 0))
  const scraped = await text()
  for (const line of [
    'shedu_cache_lookups_total{tier="memory",result="hit"} 2',
    'shedu_findings_total{kind="refusal"} 1',
    'shedu_registry_requests_total{outcome="ok"} 1',
    'shedu_verify_duration_seconds_count{kind="key",place="inline"} 1',
  ])
    t.match(scraped, `${line}\n`)
})

t.test('what was proven tells how long ago it was signed, if somebody has witnessed that', async t => {
  const { sight, text } = make()
  const at = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
  const proofs = [at(2), at(400), at(-1), undefined].map(signedAt => ({ ...makeProof(), signedAt }))
  sight.found(
    WORKLOAD,
    proofs.map(found => ({ use, demand: DEMAND, found })),
  )
  const scraped = await text()
  for (const [seconds, count] of [
    [3600, 1],
    [86_400, 1],
    [604_800, 2],
    [31_536_000, 2],
    [63_072_000, 3],
  ])
    t.match(scraped, `shedu_proof_age_seconds_bucket{le="${seconds}"} ${count}\n`)
})

t.test('admissions at the same time do not see each other', async t => {
  const { sight } = make()
  const one = (hits: number) =>
    sight.admission('validate', undefined, async account => {
      for (let hit = 0; hit < hits; hit++) {
        await setImmediate()
        sight.lookedUp('hit', 1)
      }
      return account.cache.hit
    })
  t.strictSame(await Promise.all([one(1), one(5), one(3)]), [1, 5, 3])
})

t.test('outside of an admission the same is counted, and runs as it would alone', async t => {
  const { sight, text } = make()
  t.equal(
    sight.step('plan', () => 1),
    1,
  )
  sight.lookedUp('miss', 1)
  sight.found(WORKLOAD, FACTS)
  t.equal(await sight.verify('witnessed', 'thread', async () => 2), 2)
  const scraped = await text()
  t.match(scraped, 'shedu_cache_lookups_total{tier="memory",result="miss"} 1\n')
  t.match(scraped, 'shedu_verify_duration_seconds_count{kind="witnessed",place="thread"} 1\n')
})

t.test('a step takes as long as what it says that it waits for', async t => {
  const { sight } = make()
  const later = Promise.withResolvers<void>()
  const account = await sight.admission('validate', undefined, async account => {
    const places = sight.step(
      'discover',
      () => [later.promise],
      places => Promise.allSettled(places),
    )
    await setImmediate()
    t.equal(account.ms.discover, undefined)
    later.resolve()
    await Promise.all(places)
    await setImmediate()
    return account
  })
  t.type(account.ms.discover, 'number')
})

t.test('what work throws is thrown, at once or later, and the step has ended', async t => {
  const bug = new TypeError('a bug')
  const thrower = (): never => {
    throw bug
  }
  const { sight, text } = make()
  let seen: Account | undefined
  const admit = (work: () => unknown) =>
    sight.admission('mutate', undefined, async account => {
      seen = account
      return await work()
    })
  await t.rejects(
    admit(() => sight.step('judge', thrower)),
    bug,
  )
  t.type(seen?.ms.judge, 'number')
  await t.rejects(
    admit(() => sight.step('gather', () => Promise.reject(bug))),
    bug,
  )
  t.type(seen?.ms.gather, 'number')
  await t.rejects(
    admit(() => sight.verify('key', 'inline', () => Promise.reject(bug))),
    bug,
  )
  const classify = (outcome: object) => ({ answer: 'error' in outcome ? ('unreachable' as const) : ('ok' as const) })
  await t.rejects(
    admit(() => sight.request({ host: 'r.test', thing: 'blob' }, () => Promise.reject(bug), classify)),
    bug,
  )
  t.match(await text(), 'shedu_registry_requests_total{outcome="unreachable"} 1\n')
})

t.test('whoever sees nothing changes nothing', async t => {
  t.equal(await UNSEEN.admission('validate', undefined, async account => account.cache.hit), 0)
  t.equal(
    UNSEEN.step('plan', () => 5),
    5,
  )
  t.equal(await UNSEEN.verify('key', 'inline', async () => 6), 6)
  t.equal(
    await UNSEEN.request(
      { host: '', thing: 'other' },
      async () => 7,
      () => ({ answer: 'ok' }),
    ),
    7,
  )
})
