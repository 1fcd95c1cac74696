import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { Unavailable } from '#core/domain/unavailable.ts'
import { REGISTRY_LIMITS } from '#core/registry/limits.ts'
import { parseRegistries, registryOf } from '#core/registry/registries.ts'
import { Tokens } from '#core/registry/tokens.ts'
import { Transport } from '#core/registry/transport.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makeAuthority } from './make-certificate.ts'
import { makeClient, patience, pinned, ref, SIGNATURES, unavailable } from './make-client.ts'
import type { Served } from './serve.ts'
import { answerManifest, MANIFEST_DIGEST, serve } from './serve.ts'

const files = { password: 'hunter2', wrong: 'hunter3', token: 'identity-token' }
const bob = { username: 'bob', passwordFile: 'password' }
const login = { username: 'bob', password: 'hunter2' }

const registry = await startRegistry(t)
const { host } = registry
const image = await registry.image({ repository: 'acme/app' })
await registry.image({ repository: 'acme/other' })
t.afterEach(() => registry.auth({ mode: 'none' }))

async function asked(): Promise<readonly string[]> {
  const requests = await registry.requests()
  await registry.forgetRequests()
  return requests.map(({ path, authorization, status }) => `${path.split(/[?/]/).at(-1)} ${authorization} ${status}`)
}

function paths(served: Served): readonly string[] {
  return served.requests.map(({ url, headers }) => `${url} ${headers.authorization?.split(' ')[0] ?? 'none'}`)
}

/** A registry that wants a token from `realm`, and takes any. */
function guardedBy(realm: () => string, more = '') {
  return (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers.authorization?.startsWith('Bearer ')) return answerManifest(request, response)
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm()}"${more}` }).end()
  }
}

t.test('nothing is sent to a registry that asks for nothing', async t => {
  const client = makeClient(t, [{ host, plainHttp: true, ...bob }], { files })
  await registry.forgetRequests()
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
  t.strictSame(await asked(), ['v1 none 200'])
})

t.test('a password is sent to a registry that asks for one, and from then on without being asked', async t => {
  const client = makeClient(t, [{ host, plainHttp: true, ...bob }], { files })
  await registry.auth({ mode: 'basic', ...login })
  await registry.forgetRequests()
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
  t.strictSame(await asked(), ['v1 none 401', 'v1 basic 200'])
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
  t.strictSame(await asked(), ['v1 basic 200'])
})

t.test('a token is fetched once, and with a token held there is no round trip but the one for the image', async t => {
  const client = makeClient(t, [{ host, plainHttp: true, ...bob }], { files })
  await registry.auth({ mode: 'token', ...login })
  await registry.forgetRequests()
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
  const [, token, ...rest] = await registry.requests()
  const query = new URL(token?.path ?? '', 'http://x').searchParams
  t.strictSame(
    [...query],
    [
      ['service', host],
      ['scope', 'repository:acme/app:pull'],
    ],
  )
  t.equal(token?.authorization, 'basic')
  t.equal(rest.length, 1)
  await registry.forgetRequests()
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
  t.strictSame(await asked(), ['v1 bearer 200'])
})

t.test('once the challenge of a host is known, another of its repositories goes straight for a token', async t => {
  const client = makeClient(t, [{ host, plainHttp: true }])
  await registry.auth({ mode: 'anonymous-token' })
  await client.resolve(ref(host, 'acme/app:v1'), patience)
  await registry.forgetRequests()
  await client.resolve(ref(host, 'acme/other:v1'), patience)
  t.match(await asked(), [/^_token|scope.* none 200$/, 'v1 bearer 200'])
})

t.test('all who want a token at the same time share one', async t => {
  const client = makeClient(t, [{ host, plainHttp: true }])
  await registry.auth({ mode: 'anonymous-token' })
  await registry.forgetRequests()
  const { manifest, places } = client.discover(pinned(host, 'acme/app', image.digest), SIGNATURES, patience)
  t.equal(await manifest, 'present')
  await Promise.all(places)
  const requests = await registry.requests()
  t.equal(requests.filter(({ path }) => path.startsWith('/_token')).length, 1)
})

t.test('a token that the registry no longer accepts is replaced, once', async t => {
  const client = makeClient(t, [{ host, plainHttp: true, ...bob }], { files })
  await registry.auth({ mode: 'token', ...login })
  await client.resolve(ref(host, 'acme/app:v1'), patience)
  // setting it anew ends all tokens
  await registry.auth({ mode: 'token', ...login })
  await registry.forgetRequests()
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
  const requests = await registry.requests()
  t.strictSame(
    requests.map(({ authorization, status }) => `${authorization} ${status}`),
    ['bearer 401', 'basic 200', 'bearer 200'],
  )
})

t.test('a registry that changes its way of asking is followed', async t => {
  const client = makeClient(t, [{ host, plainHttp: true, ...bob }], { files })
  for (const mode of ['basic', 'token', 'none', 'anonymous-token', 'basic'] as const) {
    await registry.auth({ mode, ...login })
    // A password that is no longer accepted is the last word for one request, and forgotten with it.
    await client.resolve(ref(host, 'acme/app:v1'), patience).catch(() => {})
    t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest, mode)
  }
})

t.test('an open repository is read beside a closed one that we have no token for', async t => {
  const client = makeClient(t, [{ host, plainHttp: true }])
  await registry.auth({ mode: 'anonymous-token' })
  await client.resolve(ref(host, 'acme/app:v1'), patience)
  await registry.auth({ repository: 'acme/other', mode: 'none' })
  t.match(await client.resolve(ref(host, 'acme/other:v1'), patience), /^sha256:/)
})

t.test('what is refused after all that is unauthorized, and says nothing of the credential', async t => {
  const why = async (entry: object) => {
    const client = makeClient(t, [{ host, plainHttp: true, ...entry }], { files })
    const error = await unavailable(client.resolve(ref(host, 'acme/app:v1'), patience))
    t.equal(error.code, 'registry.unauthorized')
    t.notMatch(error.message, /hunter|bob|identity-token|Basic|Bearer/)
    return error.message.replace(`${host}/acme/app: `, '')
  }
  const wrong = { username: 'bob', passwordFile: 'wrong' }
  await registry.auth({ mode: 'basic', ...login })
  t.equal(await why({}), 'asks for a name and password, and none are configured')
  t.equal(await why(wrong), 'the registry does not accept what it asked for')
  await registry.auth({ mode: 'token', ...login })
  t.match(await why(wrong), /^token service "127.0.0.1:[0-9]+": gave no token to the credential$/)
  t.match(await why({}), /gave no token to us$/)
  await registry.auth({ mode: 'none' })
  await registry.faults([{ fault: { status: 401, headers: { 'www-authenticate': 'Negotiate' } } }])
  t.equal(await why(bob), 'asks for a credential of a kind that is not supported')
  await registry.faults([{ fault: { status: 401, headers: { 'www-authenticate': 'Bearer realm="x' } } }])
  t.match(await why(bob), /^asks for a credential in a way that cannot be read: /)
  await registry.faults([])
})

t.test('CVE-2026-48978: a realm of the registry’s choice sees no credential, by no name it takes', async t => {
  const evil = await serve(t, (_request, response) => response.end('{"token":"x"}'))
  for (const realm of [
    `http://localhost:${evil.port}/token`,
    'https://evil.example/token',
    `http://u:p@${evil.host}/`,
    '/token',
    '',
  ]) {
    for (const entry of [bob, { tokenFile: 'token' }]) {
      const served = await serve(
        t,
        guardedBy(() => realm),
      )
      const client = makeClient(t, [{ host: served.host, plainHttp: true, ...entry }], { files })
      const error = await unavailable(client.resolve(ref(served.host, 'a:v'), patience))
      t.equal(error.code, 'registry.unauthorized', realm)
      t.strictSame(paths(served), ['/v2/a/manifests/v none'])
    }
  }
  t.strictSame(paths(evil), [])
})

t.test('a realm by https is given the credential only where the administrator has named it', async t => {
  const authority = await makeAuthority()
  const identity = await authority.issue({ dns: 'localhost' })
  const service = await serve(t, (_request, response) => response.end('{"token":"x"}'), identity)
  const realm = `localhost:${service.port}`
  const { host } = await serve(
    t,
    guardedBy(() => `https://${realm}/token`),
  )
  const client = (entry: object) =>
    makeClient(t, [{ host, plainHttp: true, caFile: 'ca', ...bob, ...entry }], {
      files: { ...files, ca: authority.pem },
    })
  const error = await unavailable(client({}).resolve(ref(host, 'a:v'), patience))
  t.match(error.message, `wants the credential sent to "${realm}", which is neither its own host nor listed`)
  t.strictSame(paths(service), [])
  t.equal(await client({ realms: [realm] }).resolve(ref(host, 'a:v'), patience), MANIFEST_DIGEST)
  t.strictSame(paths(service), ['/token?scope=repository%3Aa%3Apull Basic'])
})

t.test('a token service that redirects is not followed', async t => {
  const evil = await serve(t, (_request, response) => response.end('{"token":"x"}'))
  const served: Served = await serve(t, (request, response) => {
    if (request.url?.startsWith('/token')) response.writeHead(307, { location: `http://${evil.host}/` }).end()
    else guardedBy(() => `http://${served.host}/token`)(request, response)
  })
  const client = makeClient(t, [{ host: served.host, plainHttp: true, ...bob }], { files })
  const error = await unavailable(client.resolve(ref(served.host, 'a:v'), patience))
  t.match(error.message, /token service .* answered with status 307$/)
  t.strictSame(paths(evil), [])
})

t.test('a token that is asked for by POST is asked for once, whatever becomes of the connection', async t => {
  for (const [entry, method, times] of [
    [{ tokenFile: 'token' }, 'POST', 1],
    [bob, 'GET', 2],
  ] as const) {
    const served: Served = await serve(t, (request, response) => {
      if (request.url?.startsWith('/token')) request.socket.resetAndDestroy()
      else guardedBy(() => `http://${served.host}/token`)(request, response)
    })
    const client = makeClient(t, [{ host: served.host, plainHttp: true, ...entry }], { files })
    await unavailable(client.resolve(ref(served.host, 'a:v'), patience))
    const tokens = served.requests.filter(({ url }) => url?.startsWith('/token'))
    t.strictSame(
      tokens.map(({ method }) => method),
      Array.from({ length: times }, () => method),
    )
  }
})

t.test('the credential of one host is sent to no other port, name or registry', async t => {
  const one = await serve(t, (_request, response) =>
    response.writeHead(401, { 'www-authenticate': 'Basic realm=x' }).end(),
  )
  const two = await serve(t, (_request, response) =>
    response.writeHead(401, { 'www-authenticate': 'Basic realm=x' }).end(),
  )
  const entries = [
    { host: one.host, plainHttp: true, ...bob },
    { host: two.host, plainHttp: true },
  ]
  const client = makeClient(t, entries, { files })
  for (const { host } of [one, two]) await unavailable(client.resolve(ref(host, 'a:v'), patience))
  t.strictSame(paths(one), ['/v2/a/manifests/v none', '/v2/a/manifests/v Basic'])
  t.strictSame(paths(two), ['/v2/a/manifests/v none'])
})

t.test('we ask to pull from this repository, whatever scope the registry names', async t => {
  const served: Served = await serve(t, (request, response) => {
    if (request.url?.startsWith('/token')) response.end('{"token":"x"}')
    else
      guardedBy(() => `http://${served.host}/token?a=b#c`, ',scope="repository:secret:pull,push registry:catalog:*"')(
        request,
        response,
      )
  })
  await makeClient(t, [{ host: served.host, plainHttp: true }]).resolve(ref(served.host, 'a:v'), patience)
  t.equal(served.requests[1]?.url, '/token?a=b&scope=repository%3Aa%3Apull')
})

t.test('an identity token is exchanged where a realm is named, and presented where none is', async t => {
  const forms: string[] = []
  const served: Served = await serve(t, (request, response) => {
    if (!request.url?.startsWith('/token'))
      return guardedBy(() => `http://${served.host}/token`, ',service="s"')(request, response)
    request.setEncoding('utf8').on('data', (text: string) => forms.push(`${request.method} ${text}`))
    request.on('end', () => response.end('{"access_token":"x","expires_in":60}'))
  })
  const client = makeClient(t, [{ host: served.host, plainHttp: true, tokenFile: 'token' }], { files })
  t.equal(await client.resolve(ref(served.host, 'a:v'), patience), MANIFEST_DIGEST)
  t.strictSame(forms, [
    'POST service=s&scope=repository%3Aa%3Apull&grant_type=refresh_token&client_id=shedu&refresh_token=identity-token',
  ])
  t.equal(served.requests.at(-1)?.headers.authorization, 'Bearer x')
  const bearer = await serve(t, (request, response) => {
    if (request.headers.authorization !== undefined) return answerManifest(request, response)
    response.writeHead(401, { 'www-authenticate': 'Bearer' }).end()
  })
  const direct = makeClient(t, [{ host: bearer.host, plainHttp: true, tokenFile: 'token' }], { files })
  t.equal(await direct.resolve(ref(bearer.host, 'a:v'), patience), MANIFEST_DIGEST)
  t.equal(bearer.requests.at(-1)?.headers.authorization, 'Bearer identity-token')
})

t.test('Bearer is taken before Basic, in whatever order and however many headers they are offered', async t => {
  for (const offer of [
    ['Basic realm="r", Bearer realm="REALM"'],
    ['Basic realm="r"', 'Bearer realm="REALM"'],
    ['bearer REALM=REALM'],
  ]) {
    const served: Served = await serve(t, (request, response) => {
      if (request.url?.startsWith('/token')) return response.end('{"token":"x"}')
      if (request.headers.authorization?.startsWith('Bearer ')) return answerManifest(request, response)
      const realm = `http://${served.host}/token`
      const value = offer.map(text => text.replace('"REALM"', `"${realm}"`).replace('=REALM', `="${realm}"`))
      response.writeHead(401, { 'www-authenticate': value }).end()
    })
    const client = makeClient(t, [{ host: served.host, plainHttp: true, ...bob }], { files })
    t.equal(await client.resolve(ref(served.host, 'a:v'), patience), MANIFEST_DIGEST, JSON.stringify(offer))
  }
})

t.test('an answer of a token service is bounded and believed only where it is a token', async t => {
  let answer = ''
  let status = 200
  const headers: Record<string, string> = {}
  const served: Served = await serve(t, (request, response) => {
    if (request.url?.startsWith('/token')) response.writeHead(status, headers).end(answer)
    else guardedBy(() => `http://${served.host}/token`)(request, response)
  })
  const resolve = () =>
    makeClient(t, [{ host: served.host, plainHttp: true, ...bob }], { files }).resolve(
      ref(served.host, 'a:v'),
      patience,
    )
  const padded = (bytes: number) => `{"token":"x","pad":"${'x'.repeat(bytes - 22)}"}`
  answer = padded(64 * 1024)
  t.equal(await resolve(), MANIFEST_DIGEST)
  answer = padded(64 * 1024 + 1)
  t.match(await resolve(), { code: 'limit.exceeded', detail: 'expected an answer of at most 65536 bytes, got more' })
  for (const text of [
    '',
    '[]',
    '{}',
    '{"token":5}',
    '{"token":""}',
    '{"token":"a\\nb"}',
    '{"token":"a","token":"b"}',
    `{"token":"x","a":${'['.repeat(40)}${']'.repeat(40)}}`,
  ]) {
    answer = text
    const error = await unavailable(resolve())
    t.equal(error.code, 'registry.unreachable')
    t.match(error.message, /token service "127.0.0.1:[0-9]+": answered with something that is no token$/)
  }
  const statuses: readonly [number, string][] = [
    [400, 'registry.unauthorized'],
    [401, 'registry.unauthorized'],
    [403, 'registry.unauthorized'],
    [404, 'registry.unreachable'],
    [429, 'registry.throttled'],
    [500, 'registry.unreachable'],
  ]
  for (const [code, expected] of statuses) {
    status = code
    const error = await unavailable(resolve())
    t.equal(error.code, expected, `${code}`)
    t.notMatch(error.message, /hunter2/)
  }
})

t.test('a token is used until shortly before it ends, and not longer', async t => {
  let nowMs = 0
  let life: unknown = 60
  const served = await serve(t, (_request, response) => response.end(JSON.stringify({ token: 'x', expires_in: life })))
  const registries = parseRegistries({ registries: [{ host: served.host, plainHttp: true }] }, () => '')
  const transport = new Transport(registries, REGISTRY_LIMITS)
  t.teardown(() => transport.close())
  const registry = registryOf(registries, served.host)
  const wanted = { registry, repository: 'a', realm: new URL(`http://${served.host}/token`), service: undefined }
  const spanOf = async (expiresIn: unknown, probesMs: readonly number[]) => {
    life = expiresIn
    nowMs = 0
    const tokens = new Tokens(transport, REGISTRY_LIMITS, () => nowMs)
    const fresh: boolean[] = []
    for (nowMs of [0, ...probesMs]) {
      const grant = await tokens.grant(wanted, patience)
      fresh.push(grant.kind === 'grant' && grant.isFresh)
    }
    return fresh
  }
  t.strictSame(await spanOf(60, [49_999, 50_000]), [true, false, true])
  t.strictSame(await spanOf(undefined, [49_999, 50_000]), [true, false, true], 'a minute when nothing is said')
  t.strictSame(await spanOf('3600', [49_999, 50_000]), [true, false, true], 'or nothing usable')
  t.strictSame(await spanOf(1e9, [3_589_999, 3_590_000]), [true, false, true], 'an hour at most')
  t.strictSame(await spanOf(5, [0]), [true, true], 'too short to be held')
})

t.test('the thousand and first token costs the oldest its place', async t => {
  const served = await serve(t, (_request, response) => response.end('{"token":"x"}'))
  const registries = parseRegistries({ registries: [{ host: served.host, plainHttp: true }] }, () => '')
  const transport = new Transport(registries, REGISTRY_LIMITS)
  t.teardown(() => transport.close())
  const registry = registryOf(registries, served.host)
  const tokens = new Tokens(transport, REGISTRY_LIMITS, () => 0)
  const realm = new URL(`http://${served.host}/token`)
  const isFresh = async (n: number) => {
    const grant = await tokens.grant({ registry, repository: `r${n}`, realm, service: undefined }, patience)
    return grant.kind === 'grant' && grant.isFresh
  }
  for (let n = 0; n < 1000; n++) await isFresh(n)
  t.equal(await isFresh(0), false)
  t.equal(await isFresh(1000), true)
  t.equal(await isFresh(0), true)
  t.equal(await isFresh(999), false)
})

t.test('whoever gives up while a token is fetched is told in their own words', async t => {
  const served: Served = await serve(t, (request, response) => {
    if (!request.url?.startsWith('/token')) guardedBy(() => `http://${served.host}/token`)(request, response)
  })
  const client = makeClient(t, [{ host: served.host, plainHttp: true }])
  const stop = new AbortController()
  setTimeout(() => stop.abort(new Unavailable('deadline.exceeded', 'no longer')), 100)
  const error = await unavailable(client.resolve(ref(served.host, 'a:v'), stop.signal))
  t.equal(error.message, 'no longer')
  const plain = new AbortController()
  setTimeout(() => plain.abort(), 100)
  t.equal((await unavailable(client.resolve(ref(served.host, 'a:v'), plain.signal))).code, 'deadline.exceeded')
})
