import t from 'tap'
import { Unavailable } from '#core/domain/unavailable.ts'
import { FAILURES_IN_A_ROW } from '#core/registry/breaker.ts'
import { makeBudget } from '#core/registry/budget.ts'
import { LARGE_LOOKS } from '#core/registry/room.ts'
import { Sparing } from '#core/registry/sparing.ts'
import { deadline } from '#core/runtime/deadline.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makeClient, makeViews, patience, pinned, ref, SIGNATURES, unavailable } from './make-client.ts'
import { answerManifest, MANIFEST, MANIFEST_DIGEST, MANIFEST_TYPE, serve } from './serve.ts'

const registry = await startRegistry(t)
const { host } = registry
const listed = { host, plainHttp: true }
const image = await registry.image({ repository: 'acme/app' })
t.beforeEach(() => registry.forgetRequests())
t.afterEach(() => registry.faults([]))

const countRequests = async () => (await registry.requests()).length

t.test('who is asked to come back within the time there is comes back then, and gets the answer', async t => {
  using limit = deadline(10_000)
  await registry.faults([{ kind: 'manifest', fault: { status: 429, retryAfterSeconds: 1 }, times: 1 }])
  const client = makeClient(t, [listed])
  const begun = performance.now()
  const first = client.resolve(ref(host, 'acme/app:v1'), limit.signal)
  // By then it has been told; what is asked meanwhile waits, too.
  while ((await countRequests()) === 0) await new Promise(resolve => setImmediate(resolve))
  const second = client.resolve(ref(host, `acme/app:v1`), limit.signal)
  t.equal(await first, image.digest)
  t.equal(await second, image.digest)
  t.ok(performance.now() - begun >= 1000)
})

t.test('who is asked to come back later than there is time says so at once, and asks nothing meanwhile', async t => {
  const client = makeClient(t, [listed])
  using limit = deadline(2000)
  await registry.faults([{ kind: 'manifest', fault: { status: 429, retryAfterSeconds: 2 } }])
  const begun = performance.now()
  const told = await unavailable(client.resolve(ref(host, 'acme/app:v1'), limit.signal))
  t.equal(told.code, 'registry.throttled')
  t.equal(told.message, `${host}/acme/app: asked to come back in 2 s`)
  await registry.faults([])
  const spared = await unavailable(client.resolve(ref(host, 'acme/other:v1'), limit.signal))
  t.equal(spared.code, 'registry.throttled')
  t.match(spared.message, /acme\/other: not asked, because it asked to come back in 2 s$/)
  t.ok(performance.now() - begun < 1000)
  t.equal(await countRequests(), 1)
})

t.test('a pause ends, and is no longer than a minute whatever was asked for', async t => {
  let now = 0
  const client = makeClient(t, [listed], { deps: { nowMs: () => now } })
  await registry.faults([{ kind: 'manifest', fault: { status: 429, retryAfterSeconds: 999_999_999 }, times: 1 }])
  t.match((await unavailable(client.resolve(ref(host, 'acme/app:v1'), patience))).message, /in 999999999 s$/)
  now = 54_000
  t.match((await unavailable(client.resolve(ref(host, 'acme/app:v1'), patience))).message, /come back in 6 s$/)
  now = 60_000
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
})

t.test('those who wait for the end of a pause do not all come at the same moment', async t => {
  let chance = 0
  const deps = { nowMs: () => performance.now(), random: () => chance, waitMs: 5000, budget: async () => 0 }
  const sparing = new Sparing(deps)
  const rate = { perSecond: 1, burst: 1 }
  const errand = { host: 'https://r.example', caller: 'anonymous', about: 'r', rate, isIdempotent: false }
  const answer = (status: number, retryAfter?: string) => async () => ({
    kind: 'answer' as const,
    status,
    headers: new Map(retryAfter === undefined ? [] : [['retry-after', retryAfter]]),
  })
  const run = (send: ReturnType<typeof answer>) => sparing.run(errand, send, () => false, patience)
  await run(answer(429, '1'))
  const sent: string[] = []
  const as = (name: string) => () => {
    sent.push(name)
    return answer(200)()
  }
  chance = 1
  const late = run(as('late'))
  chance = 0
  const soon = run(as('soon'))
  await Promise.all([late, soon])
  t.strictSame(sent, ['soon', 'late'])
})

t.test('those who met one fault do not all try again at the same moment', async t => {
  const chances = [1, 0]
  const deps = { nowMs: () => 0, random: () => chances.shift() ?? 0, waitMs: 5000, budget: async () => 0 }
  const sparing = new Sparing(deps)
  const rate = { perSecond: 1, burst: 1 }
  const errand = { host: 'https://r.example', caller: 'anonymous', about: 'r', rate, isIdempotent: true }
  const sent: string[] = []
  const run = (name: string) => {
    const send = async () => {
      sent.push(name)
      return { kind: 'answer' as const, status: 502, headers: new Map<string, string>() }
    }
    return sparing.run(errand, send, () => false, patience)
  }
  await Promise.all([run('late'), run('soon')])
  t.strictSame(sent, ['late', 'soon', 'soon', 'late'])
})

t.test(
  'one caller who has used up his share closes the registry to nobody else; a registry that is down, to all',
  async t => {
    const credential = { kind: 'password', username: 'bob', password: 'hunter2' } as const
    const bob = { registry: host, path: '', source: 'of Bob', credential }
    for (const [status, codes] of [
      [429, ['registry.throttled', undefined]],
      [503, ['registry.throttled', 'registry.throttled']],
    ] as const) {
      const viewOf = makeViews(t, [listed])
      const views = [viewOf({ logins: [bob], notes: [] }), viewOf({ logins: [], notes: [] })]
      await registry.faults([{ kind: 'manifest', fault: { status, retryAfterSeconds: 30 }, times: 1 }])
      const found = []
      for (const view of views)
        found.push(
          await view.resolve(ref(host, 'acme/app:v1'), patience).then(
            () => undefined,
            (error: unknown) => (error as Unavailable).code,
          ),
        )
      t.strictSame(found, codes, `${status}`)
    }
  },
)

t.test('a registry is asked no faster than its rate, and who would wait too long is told', async t => {
  const client = makeClient(t, [{ ...listed, requests: { perSecond: 0.1, burst: 2 } }])
  for (const tag of ['v1', 'v1']) t.equal(await client.resolve(ref(host, `acme/app:${tag}`), patience), image.digest)
  const error = await unavailable(client.resolve(ref(host, 'acme/app:v1'), patience))
  t.equal(error.code, 'registry.throttled')
  t.match(error.message, /not asked, because more requests wait than may be sent to it \(0.1 a second\)$/)
  t.equal(await countRequests(), 2)
})

t.test('whoever waits for his turn waits no longer than there is time', async t => {
  const asked: number[] = []
  const client = makeClient(t, [listed], {
    deps: {
      budget: async (_host, _rate, withinMs) => {
        asked.push(withinMs)
        return undefined
      },
    },
  })
  for (const ms of [100, 3000, 60_000]) {
    using limit = deadline(ms)
    await unavailable(client.resolve(ref(host, 'acme/app:v1'), limit.signal))
  }
  t.equal(asked[0], 0)
  t.ok((asked[1] ?? 0) > 2000 && (asked[1] ?? 0) <= 2500)
  t.equal(asked[2], 5000)
})

t.test('the rate that holds for all is that of hosts which have none of their own', async t => {
  const rates: unknown[] = []
  const budget = makeBudget(() => 0)
  const client = makeClient(
    t,
    [listed, { host: '127.0.0.1:1', plainHttp: true, requests: { perSecond: 1, burst: 1 } }],
    {
      common: { requests: { perSecond: 7, burst: 70 } },
      deps: {
        budget: (host, rate, withinMs) => {
          rates.push(rate)
          return budget(host, rate, withinMs)
        },
      },
    },
  )
  await client.resolve(ref(host, 'acme/app:v1'), patience)
  await unavailable(client.resolve(ref('127.0.0.1:1', 'acme/app:v1'), patience))
  t.strictSame(rates, [
    { perSecond: 7, burst: 70 },
    { perSecond: 1, burst: 1 },
  ])
})

t.test('a host that does not answer is left alone, said why, and asked again later; no other host is', async t => {
  const bad = await serve(t, request => request.socket.resetAndDestroy())
  let now = 0
  const client = makeClient(t, [listed, { host: bad.host, plainHttp: true }], {
    deps: { nowMs: () => now, random: () => 0.5 },
  })
  const ask = (tag: string) => unavailable(client.resolve(ref(bad.host, `a:${tag}`), patience))
  for (let n = 0; n < FAILURES_IN_A_ROW / 2; n++) await ask(`v${n}`)
  t.equal(bad.requests.length, FAILURES_IN_A_ROW)
  const spared = await ask('v')
  t.equal(spared.code, 'registry.unreachable')
  t.match(
    spared.message,
    /not asked, because the last 10 requests to it failed, the last one 0 s ago \((?:connection reset|.*whole)\); it is asked again in 5 s$/,
  )
  t.equal(bad.requests.length, FAILURES_IN_A_ROW)
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest, 'nobody else’s registry is harmed')
  now = 5000
  await ask('v')
  t.equal(bad.requests.length, FAILURES_IN_A_ROW + 1, 'one request finds out')
})

t.test(
  'who asks for the same thing at the same time shares one request, and whoever asks as another does not',
  async t => {
    const { host, requests } = await serve(t, (request, response) =>
      setTimeout(() => answerManifest(request, response), 50),
    )
    const client = makeClient(t, [{ host, plainHttp: true }])
    const found = await Promise.all(Array.from({ length: 20 }, () => client.resolve(ref(host, 'a:v'), patience)))
    t.strictSame(new Set(found), new Set([MANIFEST_DIGEST]))
    t.equal(requests.length, 1)
    const stop = new AbortController()
    const [one, two] = [client.resolve(ref(host, 'a:w'), stop.signal), client.resolve(ref(host, 'a:w'), patience)]
    stop.abort(new Unavailable('deadline.exceeded', 'tired'))
    t.equal((await unavailable(one)).message, 'tired')
    t.equal(await two, MANIFEST_DIGEST)
    t.equal(requests.length, 2)
  },
)

t.test('few looks at a time read much, and the next waits until one of them has ended', async t => {
  const padding = { annotations: { padding: 'x'.repeat(200_000) } }
  const manifest = JSON.stringify({ ...JSON.parse(MANIFEST), ...padding })
  const large = await registry.put({ repository: 'acme/large', tag: 'v1', mediaType: MANIFEST_TYPE, manifest })
  const client = makeClient(t, [listed])
  const ends: AbortController[] = []
  for (let n = 0; n < LARGE_LOOKS; n++) {
    const end = new AbortController()
    ends.push(end)
    t.equal(await client.discover(pinned(host, 'acme/large', large), SIGNATURES, end.signal).manifest, 'present')
  }
  let isIn = false
  const last = client.discover(pinned(host, 'acme/large', large), SIGNATURES, new AbortController().signal)
  const told = last.manifest.then(found => {
    isIn = true
    return found
  })
  const small = client.discover(pinned(host, 'acme/app', image.digest), SIGNATURES, new AbortController().signal)
  t.equal(await small.manifest, 'present', 'what is small is looked at meanwhile')
  t.notOk(isIn)
  ends[0]?.abort()
  t.equal(await told, 'present')
})
