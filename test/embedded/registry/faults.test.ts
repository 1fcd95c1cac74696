import t from 'tap'
import type { FaultRule } from '#test/support/embedded-registry.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { askOf, digestOf, nextPage } from './ask.ts'

const registry = await startRegistry(t)
const get = askOf(registry)
const IMAGE = '/v2/victim/manifests/v1'
await registry.image({ repository: 'victim' })

/** Turns on these rules for one test. */
async function withFaults(
  t: { readonly teardown: (end: () => Promise<void>) => unknown },
  ...rules: readonly FaultRule[]
): Promise<void> {
  await registry.faults(rules)
  t.teardown(() => registry.faults([]))
}

t.test('the first rule that matches strikes, as often as it may, where it may', async t => {
  await registry.image({ repository: 'aimed' })
  await withFaults(
    t,
    { repository: 'aimed', kind: 'manifest', reference: 'v1', fault: { status: 500 }, times: 2 },
    { repository: 'aimed', kind: 'manifest', fault: { status: 503 } },
  )
  const statuses = []
  for (let nth = 0; nth < 3; nth++) statuses.push((await get('/v2/aimed/manifests/v1')).status)
  t.strictSame(statuses, [500, 500, 503])
  t.equal((await get('/v2/aimed/tags/list')).status, 200)
  t.equal((await get(IMAGE)).status, 200)
  await registry.faults([])
  t.equal((await get('/v2/aimed/manifests/v1')).status, 200)
})

t.test('a status comes with an error body, a retry-after and whatever body it is told', async t => {
  await withFaults(
    t,
    { fault: { status: 429, retryAfterSeconds: 7 }, times: 1 },
    { fault: { status: 418, body: 'teapot', headers: { 'x-kind': 'pot' } } },
  )
  const throttled = await get(IMAGE)
  t.equal(throttled.headers.get('retry-after'), '7')
  t.equal(throttled.json()['errors'][0].code, 'TOOMANYREQUESTS')
  t.equal(throttled.headers.get('docker-content-digest'), null)
  const teapot = await get(IMAGE)
  t.strictSame([teapot.status, teapot.text, teapot.headers.get('x-kind')], [418, 'teapot', 'pot'])
})

t.test('a body can be flipped, replaced or misnamed under an unchanged address', async t => {
  const { text, headers } = await get(IMAGE)
  const digest = headers.get('docker-content-digest')
  await withFaults(
    t,
    { fault: { corruptByte: 5 }, times: 1 },
    { fault: { body: '{}' }, times: 1 },
    { fault: { wrongDigestHeader: `sha256:${'a'.repeat(64)}` }, times: 1 },
    { fault: { contentType: 'text/html' }, times: 1 },
  )
  const flipped = await get(IMAGE)
  t.equal(flipped.bytes.length, text.length)
  t.strictSame(
    [...flipped.bytes].flatMap((byte, at) => (byte === text.charCodeAt(at) ? [] : [at])),
    [5],
  )
  t.equal(flipped.headers.get('docker-content-digest'), digest)
  const replaced = await get(IMAGE)
  t.strictSame([replaced.text, replaced.headers.get('docker-content-digest')], ['{}', digest])
  const misnamed = await get(IMAGE)
  t.strictSame([misnamed.text, misnamed.headers.get('docker-content-digest')], [text, `sha256:${'a'.repeat(64)}`])
  t.equal((await get(IMAGE)).headers.get('content-type'), 'text/html')
  t.equal((await get(IMAGE)).text, text)
})

t.test('a tag can answer two images in turn', async t => {
  const one = await registry.image({ repository: 'turns', contents: 'one' })
  const two = await registry.image({ repository: 'turns', contents: 'two' })
  const alternate = [one.digest, two.digest]
  await withFaults(t, { repository: 'turns', kind: 'manifest', reference: 'v1', fault: { alternate } })
  const head = await get('/v2/turns/manifests/v1', { method: 'HEAD' })
  t.equal(head.headers.get('docker-content-digest'), one.digest)
  t.equal(digestOf((await get('/v2/turns/manifests/v1')).bytes), two.digest)
  t.equal(digestOf((await get('/v2/turns/manifests/v1')).bytes), one.digest)
})

t.test('latency delays, drip drips, and a hanging registry never answers', async t => {
  const { bytes } = await get('/v2/')
  await withFaults(
    t,
    { kind: 'ping', fault: { latencyMs: 60 }, times: 1 },
    { kind: 'ping', fault: { dripMs: 40 }, times: 1 },
    { kind: 'ping', fault: { hang: true } },
  )
  const took = async () => {
    const start = performance.now()
    const answer = await get('/v2/')
    return { ms: performance.now() - start, bytes: answer.bytes }
  }
  t.ok((await took()).ms >= 55)
  const dripped = await took()
  t.strictSame(dripped.bytes, bytes)
  t.ok(dripped.ms >= 40, 'a pause between its two bytes')
  await t.rejects(get('/v2/', { signal: AbortSignal.timeout(150) }), { name: 'TimeoutError' })
})

t.test('a connection can break before the answer, and a length can lie both ways', async t => {
  await withFaults(
    t,
    { fault: { disconnect: true }, times: 1 },
    { fault: { lieLength: 10 }, times: 1 },
    { fault: { lieLength: -10 }, times: 1 },
  )
  await t.rejects(get(IMAGE), /fetch failed/)
  await t.rejects(get(IMAGE, { signal: AbortSignal.timeout(2000) }), /terminated/, 'at once, not when the server tires')
  t.equal((await get(IMAGE)).text.length, 391)
})

t.test('HEAD meets the same faults in its headers, and never a body', async t => {
  const { digest } = await registry.image({ repository: 'victim' })
  const length = Number((await get(IMAGE)).headers.get('content-length'))
  await withFaults(
    t,
    { fault: { lieLength: 10, wrongDigestHeader: `sha256:${'a'.repeat(64)}` }, times: 1 },
    { fault: { oversizeBytes: 1_000_000 }, times: 1 },
    { fault: { dripMs: 600_000 }, times: 1 },
  )
  const lie = await get(IMAGE, { method: 'HEAD' })
  t.equal(lie.headers.get('content-length'), String(length + 10))
  t.equal(lie.headers.get('docker-content-digest'), `sha256:${'a'.repeat(64)}`)
  t.equal((await get(IMAGE, { method: 'HEAD' })).headers.get('content-length'), null)
  t.equal((await get(IMAGE, { method: 'HEAD' })).headers.get('docker-content-digest'), digest)
})

t.test('an oversize body has no length, is as long as told, and ends when the client leaves', async t => {
  await withFaults(t, { fault: { oversizeBytes: 300_000 }, times: 1 }, { fault: { oversizeBytes: 5_000_000_000 } })
  const { text, bytes, headers } = await get(IMAGE)
  t.equal(bytes.length, 300_000)
  t.equal(headers.get('content-length'), null)
  t.match(JSON.parse(text), { schemaVersion: 2 })
  const { body } = await fetch(`http://${registry.host}${IMAGE}`)
  await body?.getReader().read()
  await body?.cancel().catch(() => undefined)
  await registry.faults([])
  t.equal((await get(IMAGE)).status, 200, 'it still serves others')
})

t.test('redirects to a place, or to the same path elsewhere', async t => {
  await withFaults(
    t,
    { fault: { redirectTo: 'http://127.0.0.1:9/elsewhere?a=b' }, times: 1 },
    { fault: { redirectTo: 'http://127.0.0.1:9' } },
  )
  const there = await get(IMAGE)
  t.strictSame([there.status, there.headers.get('location')], [307, 'http://127.0.0.1:9/elsewhere?a=b'])
  t.equal((await get(`${IMAGE}?x=1`)).headers.get('location'), `http://127.0.0.1:9${IMAGE}?x=1`)
})

t.test('referrers can page for ever', async t => {
  const { digest } = await registry.image({ repository: 'endless' })
  await withFaults(t, { kind: 'referrers', fault: { endlessLink: true } })
  const seen = new Set<string>()
  for (let next = `/v2/endless/referrers/${digest}`; seen.size < 20; ) {
    next = nextPage(await get(next))
    seen.add(next)
  }
  t.notOk(seen.has(''), 'each page named another')
})
