import t, { type Test } from 'tap'
import { Unavailable } from '#core/domain/unavailable.ts'
import { answerClass, seenRequest } from '#core/registry/seen-request.ts'
import type { ObserveRequest } from '#core/runtime/sight.ts'
import { makeClient, patience, ref } from './make-client.ts'
import { answerManifest, serve } from './serve.ts'

const DIGEST = `sha256:${'0'.repeat(64)}`

t.test('a request is told by its host and the kind of thing it is for', async t => {
  const thing = (path: string) => seenRequest({ url: new URL(`https://r.test:5000${path}`) })
  t.strictSame(thing('/v2/acme/app/manifests/v1'), { host: 'r.test:5000', thing: 'manifest' })
  t.equal(thing(`/v2/acme/app/blobs/${DIGEST}`).thing, 'blob')
  t.equal(thing(`/v2/acme/app/referrers/${DIGEST}`).thing, 'referrers')
  t.equal(thing('/v2/acme/manifests/tags/list').thing, 'tags')
  t.equal(thing('/v2/manifests/blobs/manifests/v1').thing, 'manifest', 'whatever the repository is called')
  t.equal(thing('/token?service=r.test&scope=repository:acme/app:pull').thing, 'token')
  t.equal(seenRequest({ url: new URL('https://r.test/oauth2'), form: new URLSearchParams() }).thing, 'token')
  for (const path of ['/', '/v2/', '/docker/registry/v2/blobs/sha256/00/data?X-Sig=s3cret', '/v2/a/__proto__/b'])
    t.equal(thing(path).thing, 'other', path)
})

t.test('what it came to is one of a few words', async t => {
  const of = (status: number) => answerClass({ value: { kind: 'answer', status } }, patience)
  const classes = { ok: [200, 202, 304], redirected: [301, 307], unauthorized: [401, 403], 'not-found': [404] }
  const others = { throttled: [429], failed: [400, 410, 500, 503, 599] }
  for (const [answer, statuses] of Object.entries({ ...classes, ...others }))
    for (const status of statuses) t.strictSame(of(status), { answer, status })
  t.strictSame(answerClass({ value: { kind: 'refusal' } }, patience), { answer: 'refused' })
  t.strictSame(answerClass({ error: new Error('ECONNREFUSED') }, patience), { answer: 'unreachable' })
  const tooMuch = Object.assign(new Error(''), { code: 'UND_ERR_HEADERS_OVERFLOW' })
  t.strictSame(answerClass({ error: tooMuch }, patience), { answer: 'refused' })
  t.strictSame(answerClass({ error: tooMuch }, AbortSignal.abort()), { answer: 'given-up' })
})

/** Tells every request that is followed, and what it came to. */
function watching() {
  const seen: string[] = []
  const observe: ObserveRequest = async ({ host, thing }, work, classify) => {
    const outcome = await work().then(
      value => ({ value }),
      (error: unknown) => ({ error }),
    )
    const { answer, status } = classify(outcome)
    seen.push(`${host} ${thing} ${answer} ${status}`)
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }
  return { seen, observe }
}

async function resolve(t: Test, host: string, observe: ObserveRequest, signal = patience): Promise<unknown> {
  const client = makeClient(t, [{ host, plainHttp: true }], { deps: { observe } })
  return client.resolve(ref(host, 'acme/app:v1'), signal).catch((error: unknown) => error)
}

t.test('every request that is sent is seen once, the way to it included', async t => {
  const { seen, observe } = watching()
  const { host } = await serve(t, (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://r.test')
    if (pathname === '/token') return response.end(JSON.stringify({ token: 's3cret' }))
    if (pathname === '/elsewhere') return answerManifest(request, response)
    if (request.headers.authorization === undefined) {
      const realm = `Bearer realm="http://${request.headers.host}/token",service="r.test"`
      return response.writeHead(401, { 'www-authenticate': realm }).end()
    }
    return response.writeHead(307, { location: '/elsewhere?sig=s3cret' }).end()
  })
  t.match(await resolve(t, host, observe), /^sha256:/)
  t.strictSame(seen, [
    `${host} manifest unauthorized 401`,
    `${host} token ok 200`,
    `${host} manifest redirected 307`,
    `${host} other ok 200`,
  ])
})

t.test('silence is seen as what it is: nobody there, or nobody waiting', async t => {
  const { seen, observe } = watching()
  await resolve(t, '127.0.0.1:1', observe)
  t.match(seen[0], '127.0.0.1:1 manifest unreachable undefined')
  seen.length = 0
  const asked = Promise.withResolvers<void>()
  const { host } = await serve(t, () => asked.resolve())
  const waiting = new AbortController()
  const answer = resolve(t, host, observe, waiting.signal)
  await asked.promise
  waiting.abort(new Unavailable('deadline.exceeded', 'late'))
  t.match(await answer, { code: 'deadline.exceeded' })
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(seen, [`${host} manifest given-up undefined`])
})
