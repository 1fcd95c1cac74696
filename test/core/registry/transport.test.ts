import t from 'tap'
import { REGISTRY_LIMITS } from '#core/registry/limits.ts'
import { parseRegistries, registryOf } from '#core/registry/registries.ts'
import { Transport } from '#core/registry/transport.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makeAuthority } from './make-certificate.ts'
import { makeClient, patience, pinned, ref, SIGNATURES, unavailable } from './make-client.ts'
import { answerManifest, MANIFEST_DIGEST, serve } from './serve.ts'

const authority = await makeAuthority()
const identity = await authority.issue({ dns: 'localhost', ip: '127.0.0.1' })
const files = { 'ca.pem': authority.pem, password: 'hunter2' }

t.test('a certificate that the named authority vouches for is trusted, and no other', async t => {
  const { host } = await serve(t, answerManifest, identity)
  const trusting = makeClient(t, [{ host, caFile: 'ca.pem' }], { files })
  t.equal(await trusting.resolve(ref(host, 'a:v'), patience), MANIFEST_DIGEST)
  const doubting = await unavailable(makeClient(t, [{ host }]).resolve(ref(host, 'a:v'), patience))
  t.equal(doubting.code, 'registry.unreachable')
  t.equal(doubting.message, `${host}/a: certificate is from an authority that is not trusted`)
})

t.test('an authority named for one registry is trusted for no other', async t => {
  const one = await serve(t, answerManifest, identity)
  const two = await serve(t, answerManifest, identity)
  const client = makeClient(t, [{ host: one.host, caFile: 'ca.pem' }, { host: two.host }], { files })
  t.equal(await client.resolve(ref(one.host, 'a:v'), patience), MANIFEST_DIGEST)
  t.match((await unavailable(client.resolve(ref(two.host, 'a:v'), patience))).message, /not trusted$/)
})

t.test('a certificate that has expired, or is for another host, is refused by name of its fault', async t => {
  const expired = await serve(t, answerManifest, await authority.issue({ ip: '127.0.0.1' }, 5))
  const foreign = await serve(t, answerManifest, await authority.issue({ dns: 'other.example' }))
  const entries = [expired, foreign].map(({ host }) => ({ host, caFile: 'ca.pem' }))
  const client = makeClient(t, entries, { files })
  t.match((await unavailable(client.resolve(ref(expired.host, 'a:v'), patience))).message, /certificate has expired$/)
  t.match(
    (await unavailable(client.resolve(ref(foreign.host, 'a:v'), patience))).message,
    /certificate is for another host$/,
  )
})

t.test('a registry that is not listed as plain is not spoken to in plain', async t => {
  const { host, requests } = await serve(t, answerManifest)
  const error = await unavailable(makeClient(t, [{ host }]).resolve(ref(host, 'a:v'), patience))
  t.equal(error.code, 'registry.unreachable')
  t.equal(requests.length, 0)
  t.match(error.message, /does it speak plain HTTP\? then list it with plainHttp: true/)
})

t.test(
  'GHSA-vh4v-2xq2-g5cg: a redirect to another port carries no credential, and what it leads to is read',
  async t => {
    const registry = await startRegistry(t)
    const { digest } = await registry.image({ repository: 'acme/app' })
    await registry.key('k')
    const signed = await registry.sign({ repository: 'acme/app', digest, key: 'k' })
    const store = await startRegistry(t)
    await store.image({ repository: 'acme/app' })
    await store.key('k')
    const { host } = registry
    const entries = [
      { host, plainHttp: true, username: 'bob', passwordFile: 'password' },
      { host: store.host, plainHttp: true },
    ]
    const client = makeClient(t, entries, { files })
    await registry.faults([{ kind: 'blob', fault: { redirectTo: `http://${store.host}` } }])
    await registry.auth({ mode: 'basic', username: 'bob', password: 'hunter2' })
    await store.forgetRequests()
    const found = await client.discover(pinned(host, 'acme/app', digest), SIGNATURES, patience).places[0]
    t.match(found?.refusals, [
      { code: 'signature.invalid', detail: `the payload ${signed.blob} is not in the registry` },
    ])
    t.match(await store.requests(), [
      { method: 'GET', path: `/v2/acme/app/blobs/${signed.blob}`, authorization: 'none' },
    ])
  },
)

t.test('a redirect is followed to content that is what its digest says, wherever it lies', async t => {
  const cdn = await serve(t, answerManifest)
  const { host } = await serve(t, (_request, response) => {
    response.writeHead(307, { location: `http://${cdn.host}/somewhere/else?signature=1` }).end()
  })
  const entries = [host, cdn.host].map(host => ({ host, plainHttp: true }))
  const client = makeClient(t, entries)
  t.equal(await client.resolve(ref(host, 'a:v'), patience), MANIFEST_DIGEST)
  t.equal(cdn.requests[0]?.url, '/somewhere/else?signature=1')
  const image = client.discover(pinned(host, 'a', `sha256:${'a'.repeat(64)}`), SIGNATURES, patience)
  t.match(await image.manifest, { kind: 'refusal', code: 'image.digest-mismatch' })
})

t.test('a credential is not sent on by a redirect, and does not come back by the next', async t => {
  let step = 0
  const home = await serve(t, (request, response) => {
    if (request.headers.authorization === undefined && step === 0) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm=x' }).end()
    } else if (step++ === 0) response.writeHead(302, { location: '/v2/same/place' }).end()
    else if (step === 2) response.writeHead(302, { location: `http://${away.host}/` }).end()
    else answerManifest(request, response)
  })
  const away = await serve(t, (_request, response) =>
    response.writeHead(302, { location: `http://${home.host}/` }).end(),
  )
  const entry = { host: home.host, plainHttp: true, username: 'bob', passwordFile: 'password' }
  const client = makeClient(t, [entry, { host: away.host, plainHttp: true }], { files })
  t.equal(await client.resolve(ref(home.host, 'a:v'), patience), MANIFEST_DIGEST)
  const carried = (requests: typeof home.requests) =>
    requests.map(({ headers }) => headers.authorization?.split(' ')[0])
  t.strictSame(carried(home.requests), [undefined, 'Basic', 'Basic', undefined])
  t.strictSame(carried(away.requests), [undefined])
})

t.test('whoever a redirect leads to may ask for a credential, and gets none', async t => {
  const greedy = await serve(t, (_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm=x' }).end()
  })
  const { host } = await serve(t, (_request, response) => {
    response.writeHead(307, { location: `http://${greedy.host}/` }).end()
  })
  const entries = [
    { host, plainHttp: true, username: 'bob', passwordFile: 'password' },
    { host: greedy.host, plainHttp: true },
  ]
  const error = await unavailable(makeClient(t, entries, { files }).resolve(ref(host, 'a:v'), patience))
  t.equal(error.code, 'registry.unauthorized')
  t.strictSame(
    greedy.requests.map(({ headers }) => headers.authorization),
    [undefined],
  )
})

t.test('CVE-2019-10214: https does not lead to http, or to anything that is neither', async t => {
  const plain = await serve(t, answerManifest)
  for (const location of [
    `http://${plain.host}/`,
    'ftp://x.example/',
    'file:///etc/passwd',
    'data:,x',
    'http://[',
    'https://u:p@x.example/',
  ]) {
    const { host } = await serve(t, (_request, response) => response.writeHead(307, { location }).end(), identity)
    const client = makeClient(
      t,
      [
        { host, caFile: 'ca.pem' },
        { host: plain.host, plainHttp: true },
      ],
      { files },
    )
    const error = await unavailable(client.resolve(ref(host, 'a:v'), patience))
    t.equal(error.code, 'registry.unreachable')
    t.match(error.message, /redirected (?:from https to|to something that is no address)/, location)
  }
  t.equal(plain.requests.length, 0)
})

t.test('http leads to https, and to nothing else but http', async t => {
  const { host } = await serve(t, (_request, response) => response.writeHead(307, { location: 'gopher://x/' }).end())
  const error = await unavailable(makeClient(t, [{ host, plainHttp: true }]).resolve(ref(host, 'a:v'), patience))
  t.equal(error.message, `${host}/a: redirected from http to "gopher:"`)
})

t.test('a redirect cannot reach what is reserved for this machine', async t => {
  for (const location of ['http://169.254.169.254/latest/meta-data/', 'http://localhost:10250/pods', 'http://[::1]/']) {
    const { host } = await serve(t, (_request, response) => response.writeHead(307, { location }).end())
    const error = await unavailable(makeClient(t, [{ host, plainHttp: true }]).resolve(ref(host, 'a:v'), patience))
    t.match(error.message, /reserved for this machine/, location)
  }
})

t.test('a redirect reaches a listed host by the port that is listed, and by no other', async t => {
  const other = await serve(t, answerManifest)
  const { host } = await serve(t, (_request, response) => {
    response.writeHead(307, { location: `http://${other.host}/` }).end()
  })
  const lone = makeClient(t, [{ host, plainHttp: true }])
  const error = await unavailable(lone.resolve(ref(host, 'a:v'), patience))
  t.match(error.message, /redirected to "127\.0\.0\.1:[0-9]+": .*reserved for this machine/)
  t.equal(other.requests.length, 0)
})

t.test('a stranger reaches no reserved address in our name, not even where a registry is listed', async t => {
  const { host, requests } = await serve(t, answerManifest)
  const listed = { host, plainHttp: true }
  const registries = parseRegistries({ registries: [listed] }, () => '')
  const transport = new Transport(registries, REGISTRY_LIMITS)
  t.teardown(() => transport.close())
  const excess = () => {
    throw new Error('too much')
  }
  const request = {
    url: new URL(`http://${host}/v2/a/manifests/v`),
    about: 'a',
    accept: '*/*',
    authorization: undefined,
    cap: { bytes: 1000, excess },
  }
  const answer = await transport.exchange(registryOf(registries, host), request, patience)
  t.match(answer, { status: 200 })
  const error = await unavailable(transport.exchange(registryOf(registries, 'stranger.example'), request, patience))
  t.match(error.message, /reserved for this machine or its networks/)
  t.equal(requests.length, 1)
})

t.test('redirects are followed to their bound, and not once more', async t => {
  const { host, requests } = await serve(t, (request, response) => {
    const left = Number(/[0-9]+$/.exec(request.url ?? '')?.[0])
    if (left === 0) answerManifest(request, response)
    else response.writeHead(308, { location: `/v2/a/manifests/${left - 1}` }).end()
  })
  const client = makeClient(t, [{ host, plainHttp: true }])
  t.equal(await client.resolve(ref(host, 'a:5'), patience), MANIFEST_DIGEST)
  const found = await client.resolve(ref(host, 'a:6'), patience)
  t.match(found, { kind: 'refusal', code: 'limit.exceeded', detail: 'expected at most 5 redirects, got more' })
  t.equal(requests.length, 12)
})
