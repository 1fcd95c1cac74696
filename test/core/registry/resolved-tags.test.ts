import t from 'tap'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makeClient, makeViews, patience, ref, unavailable } from './make-client.ts'
import { MANIFEST, MANIFEST_DIGEST, MANIFEST_TYPE, serve } from './serve.ts'

const registry = await startRegistry(t)
const { host } = registry
const listed = { host, plainHttp: true }
const keeping = { common: { keepTagsSeconds: 3 } }
t.afterEach(() => registry.faults([]))

t.test('what a tag points at is asked once in three seconds, and again after that', async t => {
  const { digest } = await registry.image({ repository: 'acme/app', contents: 'one' })
  let now = 0
  const client = makeClient(t, [listed], { ...keeping, deps: { nowMs: () => now } })
  await registry.forgetRequests()
  for (now of [0, 1, 2999]) t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), digest)
  t.equal((await registry.requests()).length, 1)
  const moved = await registry.image({ repository: 'acme/app', contents: 'two' })
  now = 3000
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), moved.digest)
})

t.test('another tag, another repository and another credential are other questions', async t => {
  const { digest } = await registry.image({ repository: 'acme/secret' })
  await registry.image({ repository: 'acme/secret', tag: 'v2', contents: 'other' })
  await registry.auth({ repository: 'acme/secret', mode: 'basic', username: 'bob', password: 'hunter2' })
  const credential = { kind: 'password', username: 'bob', password: 'hunter2' } as const
  const viewOf = makeViews(t, [listed], keeping)
  const bob = viewOf({ logins: [{ registry: host, path: '', source: 'of Bob', credential }], notes: [] })
  t.equal(await bob.resolve(ref(host, 'acme/secret:v1'), patience), digest)
  t.not(await bob.resolve(ref(host, 'acme/secret:v2'), patience), digest)
  const error = await unavailable(viewOf({ logins: [], notes: [] }).resolve(ref(host, 'acme/secret:v1'), patience))
  t.equal(error.code, 'registry.unauthorized', 'what Bob learnt is told to nobody')
})

t.test('that a tag is not there, or that nobody answered, is not remembered', async t => {
  const client = makeClient(t, [listed], keeping)
  t.match(await client.resolve(ref(host, 'acme/late:v1'), patience), { code: 'image.not-found' })
  const { digest } = await registry.image({ repository: 'acme/late' })
  await registry.faults([{ kind: 'manifest', fault: { status: 500 }, times: 1 }])
  t.equal((await unavailable(client.resolve(ref(host, 'acme/late:v1'), patience))).code, 'registry.unreachable')
  t.equal(await client.resolve(ref(host, 'acme/late:v1'), patience), digest)
})

t.test(
  'a registry that gave an entity tag is asked whether it is still that, and may answer without a body',
  async t => {
    let current = '"one"'
    const { host, requests } = await serve(t, (request, response) => {
      const isSame = request.headers['if-none-match'] === current
      response.writeHead(isSame ? 304 : 200, { etag: current, 'content-type': MANIFEST_TYPE })
      response.end(isSame ? undefined : current === '"one"' ? MANIFEST : MANIFEST.replace('[]', '[{}]'))
    })
    const client = makeClient(t, [{ host, plainHttp: true }])
    const ask = () => client.resolve(ref(host, 'a:v'), patience)
    t.equal(await ask(), MANIFEST_DIGEST)
    t.equal(await ask(), MANIFEST_DIGEST)
    current = '"two"'
    const moved = await ask()
    t.type(moved, 'string')
    t.not(moved, MANIFEST_DIGEST)
    t.strictSame(
      requests.map(({ headers }) => headers['if-none-match']),
      [undefined, '"one"', '"one"'],
    )
  },
)

t.test('what one host calls what it gave means nothing to another', async t => {
  let isDown = false
  const mirror = await serve(t, (_request, response) => {
    response.writeHead(isDown ? 500 : 200, { etag: '"same"', 'content-type': MANIFEST_TYPE }).end(MANIFEST)
  })
  const { host, requests } = await serve(t, (request, response) => {
    const isSame = request.headers['if-none-match'] !== undefined
    response.writeHead(isSame ? 304 : 200, { 'content-type': MANIFEST_TYPE })
    response.end(isSame ? undefined : MANIFEST.replace('[]', '[{}]'))
  })
  const mirrors = [{ host: mirror.host, plainHttp: true }]
  const client = makeClient(t, [{ host, plainHttp: true, mirrors }])
  t.equal(await client.resolve(ref(host, 'a:v'), patience), MANIFEST_DIGEST)
  isDown = true
  const found = await client.resolve(ref(host, 'a:v'), patience)
  t.type(found, 'string')
  t.not(found, MANIFEST_DIGEST, 'the registry says what it has, and not that it is what the mirror had')
  t.strictSame(
    requests.map(({ headers }) => headers['if-none-match']),
    [undefined],
  )
})

t.test('a 304 that nobody asked for, and an entity tag that is none, are of no use', async t => {
  const { host, requests } = await serve(t, (_request, response) => {
    response.writeHead(200, { etag: `"${'x'.repeat(300)}"`, 'content-type': MANIFEST_TYPE }).end(MANIFEST)
  })
  const client = makeClient(t, [{ host, plainHttp: true }])
  await client.resolve(ref(host, 'a:v'), patience)
  await client.resolve(ref(host, 'a:v'), patience)
  t.equal(requests[1]?.headers['if-none-match'], undefined)
  const unasked = await serve(t, (_request, response) => response.writeHead(304).end())
  const other = makeClient(t, [{ host: unasked.host, plainHttp: true }])
  t.match((await unavailable(other.resolve(ref(unasked.host, 'a:v'), patience))).message, /status 304$/)
})
