import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { Fault } from '#test/support/embedded-registry.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makeClient, patience, pinned, ref, unavailable } from './make-client.ts'
import {
  answerManifest,
  INDEX_TYPE,
  MANIFEST,
  MANIFEST_DIGEST,
  MANIFEST_TYPE,
  serve,
  serveBytes,
  serveNothing,
} from './serve.ts'

const registry = await startRegistry(t)
const { host } = registry
const listed = { host, plainHttp: true }
const image = await registry.image({ repository: 'acme/app' })
const other = await registry.image({ repository: 'acme/app', tag: 'other', contents: 'something else' })
t.afterEach(() => registry.faults([]))

async function manifestRequests(): Promise<readonly string[]> {
  return (await registry.requests()).map(({ method, path, status }) => `${method} ${path} ${status}`)
}

t.test('a tag is resolved by one GET of its manifest', async t => {
  const client = makeClient(t, [listed])
  await registry.forgetRequests()
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
  t.strictSame(await manifestRequests(), ['GET /v2/acme/app/manifests/v1 200'])
})

t.test('CVE-2022-47633: a registry that answers differently each time is asked once for each answer', async t => {
  const client = makeClient(t, [listed])
  await registry.faults([{ kind: 'manifest', reference: 'v1', fault: { alternate: [image.digest, other.digest] } }])
  await registry.forgetRequests()
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
  t.equal((await registry.requests()).length, 1)
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), other.digest)
})

t.test('a reference that has a digest is not asked for', async t => {
  const client = makeClient(t, [listed])
  await registry.forgetRequests()
  t.equal(await client.resolve(ref(host, `acme/app:v1@${other.digest}`), patience), other.digest)
  t.strictSame(await registry.requests(), [])
})

t.test(
  'CVE-2023-47630: the digest is computed from the content, and a header that says otherwise is refused',
  async t => {
    const client = makeClient(t, [listed])
    for (const fault of [
      { wrongDigestHeader: other.digest },
      { wrongDigestHeader: 'sha256:../../x' },
      { corruptByte: 5 },
    ]) {
      await registry.faults([{ kind: 'manifest', fault }])
      t.match(
        await client.resolve(ref(host, 'acme/app:v1'), patience),
        { code: 'image.digest-mismatch' },
        JSON.stringify(fault),
      )
    }
    const { host: silentHost } = await serve(t, answerManifest)
    const { resolve } = makeClient(t, [{ host: silentHost, plainHttp: true }])
    t.equal(await resolve(ref(silentHost, 'acme/app:v1'), patience), MANIFEST_DIGEST)
  },
)

t.test('what is not there is not found', async t => {
  const client = makeClient(t, [listed])
  for (const name of ['acme/app:gone', 'acme/gone:v1']) {
    const found = await client.resolve(ref(host, name), patience)
    t.match(found, { kind: 'refusal', code: 'image.not-found', detail: `${host}/${name}` })
  }
})

t.test('a manifest that can be read in two ways, or not at all, is refused', async t => {
  const client = makeClient(t, [listed])
  const faults: readonly Fault[] = [
    { contentType: INDEX_TYPE },
    { contentType: 'text/html' },
    { contentType: '' },
    { contentType: 'application/vnd.docker.distribution.manifest.v1+prettyjws' },
  ]
  for (const fault of faults) {
    await registry.faults([{ kind: 'manifest', fault }])
    t.match(
      await client.resolve(ref(host, 'acme/app:v1'), patience),
      { code: 'image.ambiguous-manifest' },
      JSON.stringify(fault),
    )
  }
  await registry.faults([])
  const both = { schemaVersion: 2, mediaType: MANIFEST_TYPE, config: {}, layers: [], manifests: [] }
  const bodies = [JSON.stringify(both), MANIFEST.replace('{', '{"layers":[1],'), MANIFEST.slice(0, -1), '[]', '']
  for (const [index, manifest] of bodies.entries()) {
    await registry.put({ repository: 'acme/bad', tag: `v${index}`, mediaType: MANIFEST_TYPE, manifest })
    const found = await client.resolve(ref(host, `acme/bad:v${index}`), patience)
    t.match(found, { kind: 'refusal', code: 'image.ambiguous-manifest' }, manifest.slice(0, 80))
  }
})

t.test('parameters and case of a Content-Type change nothing', async t => {
  const client = makeClient(t, [listed])
  await registry.faults([{ kind: 'manifest', fault: { contentType: `${MANIFEST_TYPE.toUpperCase()}; charset=utf-8` } }])
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
})

t.test('a manifest is read to its bound, and not a byte further', async t => {
  const size = MANIFEST.length
  const { host } = await serve(t, (request, response) => {
    const isChunked = request.url?.endsWith('chunked')
    response.writeHead(200, { 'content-type': MANIFEST_TYPE, ...(isChunked ? {} : { 'content-length': size }) })
    response.write(MANIFEST.slice(0, 9))
    response.end(MANIFEST.slice(9))
  })
  for (const tag of ['sized', 'chunked']) {
    const at = makeClient(t, [{ host, plainHttp: true }], { limits: { manifestBytes: size } })
    t.equal(await at.resolve(ref(host, `a:${tag}`), patience), MANIFEST_DIGEST)
    const below = makeClient(t, [{ host, plainHttp: true }], { limits: { manifestBytes: size - 1 } })
    const found = await below.resolve(ref(host, `a:${tag}`), patience)
    t.match(found, { code: 'limit.exceeded', detail: `expected at most ${size - 1} bytes, got` })
  }
})

t.test('CVE-2024-29902: five gigabytes cost neither memory nor time, whatever length is claimed', async t => {
  const client = makeClient(t, [listed])
  await registry.faults([{ kind: 'manifest', fault: { oversizeBytes: 5e9 } }])
  const before = process.memoryUsage().rss
  const begun = performance.now()
  const found = await client.resolve(ref(host, 'acme/app:v1'), patience)
  t.match(found, { kind: 'refusal', code: 'limit.exceeded', detail: 'expected at most 1048576 bytes, got more' })
  t.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024)
  t.ok(performance.now() - begun < 5000)
})

t.test('a Content-Length beyond the bound is believed at once', async t => {
  const claiming = await serveBytes(t, socket =>
    socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${MANIFEST_TYPE}\r\ncontent-length: 5000000000\r\n\r\n{`),
  )
  const client = makeClient(t, [{ host: claiming, plainHttp: true }])
  const found = await client.resolve(ref(claiming, 'a:v'), patience)
  t.match(found, { code: 'limit.exceeded', detail: 'expected at most 1048576 bytes, got 5000000000' })
})

t.test('an answer that is encoded is not unpacked, and encoding is not asked for', async t => {
  const { host, requests } = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-type': MANIFEST_TYPE, 'content-encoding': 'GZIP' }).end('x'.repeat(1000))
  })
  const client = makeClient(t, [{ host, plainHttp: true }])
  const error = await unavailable(client.resolve(ref(host, 'a:v'), patience))
  t.equal(error.code, 'registry.unreachable')
  t.match(error.message, `${host}/a: the answer is encoded as "GZIP", unasked`)
  t.equal(requests[0]?.headers['accept-encoding'], 'identity')
  for (const [encoding, isRead] of [
    ['', true],
    ['Identity', true],
    ['identity, gzip', false],
    ['br', false],
  ] as const) {
    const { host } = await serve(t, (_request, response) => {
      response.writeHead(200, { 'content-type': MANIFEST_TYPE, 'content-encoding': encoding }).end(MANIFEST)
    })
    const found = makeClient(t, [{ host, plainHttp: true }]).resolve(ref(host, 'a:v'), patience)
    if (isRead) t.equal(await found, MANIFEST_DIGEST, encoding)
    else t.equal((await unavailable(found)).code, 'registry.unreachable', encoding)
  }
})

t.test('an error page without an end costs the connection, and neither the time to read it nor the answer', async t => {
  let sent = 0
  const { host } = await serve(t, (_request, response) => {
    response.writeHead(404)
    const piece = Buffer.alloc(64 * 1024)
    const pump = () => {
      let isRoom = true
      for (; isRoom && !response.destroyed; sent += piece.byteLength) isRoom = response.write(piece)
    }
    response.on('drain', pump)
    pump()
  })
  const found = await makeClient(t, [{ host, plainHttp: true }]).resolve(ref(host, 'a:v'), patience)
  t.match(found, { kind: 'refusal', code: 'image.not-found' })
  // Whatever stands in the buffers between us, and no more.
  t.ok(sent < 64 * 1024 * 1024, `${sent}`)
})

t.test('every status that is no answer says what it means', async t => {
  const soon = new Date(Date.now() + 90_000).toUTCString()
  const cases: readonly [Fault, string, RegExp][] = [
    [{ status: 500 }, 'registry.unreachable', /^[^ ]+\/acme\/app: answered with status 500$/],
    [{ status: 502 }, 'registry.unreachable', /status 502$/],
    [{ status: 503 }, 'registry.unreachable', /status 503$/],
    [{ status: 503, retryAfterSeconds: 7 }, 'registry.throttled', /asked to come back in 7 s$/],
    [{ status: 429, retryAfterSeconds: 30 }, 'registry.throttled', /asked to come back in 30 s$/],
    [{ status: 429 }, 'registry.throttled', /asked to come back later$/],
    [{ status: 429, headers: { 'retry-after': soon } }, 'registry.throttled', /asked to come back in (?:89|90) s$/],
    [{ status: 429, headers: { 'retry-after': 'tomorrow <b>' } }, 'registry.throttled', /asked to come back later$/],
    [{ status: 403 }, 'registry.unauthorized', /status 403$/],
    [{ status: 401 }, 'registry.unauthorized', /asks for a credential without saying which$/],
    [{ status: 400 }, 'registry.unreachable', /status 400$/],
    [{ status: 206 }, 'registry.unreachable', /status 206$/],
    [{ status: 304 }, 'registry.unreachable', /status 304$/],
    [{ status: 302 }, 'registry.unreachable', /redirected to something that is no address$/],
  ]
  for (const [fault, code, message] of cases) {
    await registry.faults([{ kind: 'manifest', fault: { body: 'hunter2', ...fault } }])
    // A new one each time: it spares a registry that asked to be spared.
    const client = makeClient(t, [listed])
    const error = await unavailable(client.resolve(ref(host, 'acme/app:v1'), patience))
    t.equal(error.code, code, JSON.stringify(fault))
    t.match(error.message, message)
    t.notMatch(error.message, /hunter2|tomorrow/)
  }
})

t.test('what failed is asked once more where that may help, and never a third time', async t => {
  const cases: readonly [Fault, number][] = [
    [{ status: 500 }, 1],
    [{ status: 429 }, 1],
    [{ status: 503, retryAfterSeconds: 7 }, 1],
    [{ corruptByte: 5 }, 1],
    [{ status: 502 }, 2],
    [{ status: 503 }, 2],
    [{ status: 504 }, 2],
    [{ status: 503, retryAfterSeconds: 0 }, 2],
    [{ status: 429, retryAfterSeconds: 0 }, 2],
    [{ disconnect: true }, 2],
    [{ lieLength: 10 }, 2],
  ]
  for (const [fault, asked] of cases) {
    const client = makeClient(t, [listed])
    await registry.faults([{ kind: 'manifest', fault }])
    await registry.forgetRequests()
    await client.resolve(ref(host, 'acme/app:v1'), patience).catch(() => {})
    t.equal((await registry.requests()).length, asked, JSON.stringify(fault))
    await registry.faults([{ kind: 'manifest', fault, times: 1 }])
    const found = await makeClient(t, [listed])
      .resolve(ref(host, 'acme/app:v1'), patience)
      .catch(() => 'nothing')
    t.equal(found === image.digest, asked === 2, `${JSON.stringify(fault)}, once`)
  }
})

t.test('a connection that fails says in which way', async t => {
  const limits = { silenceMs: 200 }
  const why = async (at: string) => {
    const { resolve } = makeClient(t, [{ host: at, plainHttp: true }], { limits })
    const error = await unavailable(resolve(ref(at, 'acme/app:v1'), patience))
    t.equal(error.code, 'registry.unreachable')
    t.equal(error.cause, undefined, 'no foreign error crosses the folder')
    return error.message.replace(`${at}/acme/app: `, '')
  }
  const speaking = (...lines: readonly string[]) => serveBytes(t, socket => socket.end(lines.join('\r\n')))
  t.equal(await why(await serveNothing()), 'connection refused')
  t.equal(await why('registry.invalid'), 'no such host')
  t.match(await why(await serveBytes(t, socket => socket.resetAndDestroy())), 'connection reset')
  t.match(await why(await serveBytes(t, socket => socket.end())), 'connection closed before the answer was whole')
  t.equal(await why(await speaking('hello')), 'the answer is not HTTP')
  t.match(
    await why(await speaking('HTTP/1.1 200 OK', 'content-length: 5', 'content-length: 6', '', 'hello')),
    /another length|not HTTP/,
  )
  t.match(await why(await speaking('HTTP/1.1 200 OK', 'content-length: 50', '', 'hello')), /length|whole/)
  t.match(await why(await speaking('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '', 'zz', 'x')), /not HTTP|whole/)
  t.equal(await why(await serveBytes(t, () => {})), 'no answer within the time allowed')
  t.equal(
    await why(await serveBytes(t, socket => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe'))),
    'the answer stopped halfway',
  )
})

t.test('headers are read to their bound, and not further', async t => {
  const { host } = await serve(t, (request, response) => {
    response.setHeader('x-filler', 'x'.repeat(request.url?.endsWith('over') ? 16_384 : 15_000))
    response.writeHead(200, { 'content-type': MANIFEST_TYPE }).end(MANIFEST)
  })
  const client = makeClient(t, [{ host, plainHttp: true }])
  t.equal(await client.resolve(ref(host, 'a:within'), patience), MANIFEST_DIGEST)
  const found = await client.resolve(ref(host, 'a:over'), patience)
  t.match(found, { code: 'limit.exceeded', detail: 'expected at most 16384 bytes of headers, got more' })
})

t.test('whoever gives up is told why in their own words, and the connection is let go', async t => {
  const client = makeClient(t, [listed])
  for (const fault of [{ hang: true }, { dripMs: 50 }] as const) {
    await registry.faults([{ kind: 'manifest', fault }])
    const stop = new AbortController()
    const asked = client.resolve(ref(host, 'acme/app:v1'), stop.signal)
    setTimeout(() => stop.abort(new Unavailable('deadline.exceeded', 'the API server waits no longer')), 100)
    const error = await unavailable(asked)
    t.equal(error.code, 'deadline.exceeded')
    t.equal(error.message, 'the API server waits no longer')
  }
  const stopped = await unavailable(client.resolve(ref(host, 'acme/app:v1'), AbortSignal.abort()))
  t.equal(stopped.code, 'deadline.exceeded')
  t.equal(stopped.message, `${host}/acme/app: the time ran out`)
})

t.test('a kept-alive connection that was closed under us is opened again, once', async t => {
  let answered = 0
  const { host, requests } = await serve(t, (request, response) => {
    if (request.url?.endsWith('/bad') || (request.url?.endsWith('/worn') && answered++ === 0))
      request.socket.resetAndDestroy()
    else answerManifest(request, response)
  })
  const client = makeClient(t, [{ host, plainHttp: true }], { limits: { connectionsPerHost: 1 } })
  t.equal(await client.resolve(ref(host, 'a:v1'), patience), MANIFEST_DIGEST)
  t.equal(await client.resolve(ref(host, 'a:worn'), patience), MANIFEST_DIGEST)
  t.strictSame(
    requests.map(({ url }) => url?.split('/').at(-1)),
    ['v1', 'worn', 'worn'],
  )
  await unavailable(client.resolve(ref(host, 'a:bad'), patience))
  t.equal(requests.length, 5, 'one more attempt, and no third')
})

t.test('a new connection that is closed is tried once more', async t => {
  const { host, requests } = await serve(t, request => request.socket.resetAndDestroy())
  const client = makeClient(t, [{ host, plainHttp: true }])
  await unavailable(client.resolve(ref(host, 'a:v1'), patience))
  t.equal(requests.length, 2)
})

t.test('this machine, its link and its networks are not reachable for those whose registry is not listed', async t => {
  const client = makeClient(t, [])
  for (const name of [
    'localhost:5000/a',
    '127.0.0.1:10250/a',
    '169.254.169.254/a',
    '10.96.0.1/a',
    '192.168.1.1:5000/a',
    '[fd00::5]/a',
    '[::1]:5000/a',
    '0.0.0.0:1/a',
    '[::ffff:7f00:1]:1/a',
  ]) {
    const error = await unavailable(client.resolve(ref(name.split('/')[0] as string, 'a:v'), patience))
    t.equal(error.code, 'registry.unreachable', name)
    t.match(error.message, /reserved for this machine or its networks; .*list it|no such host/)
  }
})

t.test('connections to one host are bounded', async t => {
  let open = 0
  let most = 0
  const { host } = await serve(t, (request, response) => {
    most = Math.max(most, ++open)
    setTimeout(() => {
      open--
      answerManifest(request, response)
    }, 20)
  })
  const client = makeClient(t, [{ host, plainHttp: true }], { limits: { connectionsPerHost: 3 } })
  await Promise.all(Array.from({ length: 12 }, (_, n) => client.resolve(ref(host, `a:v${n}`), patience)))
  t.equal(most, 3)
})

t.test('the scope of an answer is where it came from and as whom, without a secret or a space', async t => {
  const files = { p: 'hunter2', q: 'hunter3' }
  const scope = (entry: object, name = 'acme/app') =>
    makeClient(t, [{ host, plainHttp: true, ...entry }], { files }).scopesOf(ref(host, name))[0]
  const anonymous = scope({})
  const bob = scope({ username: 'bob smith', passwordFile: 'p' })
  t.equal(anonymous, `${host}/acme/app#anonymous`)
  t.match(bob, /#password:[0-9a-f]{64}$/)
  t.equal(scope({ username: 'bob smith', passwordFile: 'p' }), bob)
  const others = [
    scope({ username: 'bob smith', passwordFile: 'q' }),
    scope({ tokenFile: 'p' }),
    scope({}, 'acme/other'),
  ]
  t.equal(new Set([anonymous, bob, ...others]).size, 5)
  const client = makeClient(t, [])
  t.strictSame(client.scopesOf(pinned(host, 'acme/app', image.digest)), client.scopesOf(ref(host, 'acme/app:v1')))
})

t.test('a bug is not taken for a registry that does not answer', async t => {
  const client = makeClient(t, [listed])
  await t.rejects(client.resolve({ ...ref(host, 'a:v'), registry: undefined as never }, patience), TypeError)
  t.throws(() => makeClient(t, [{ host, plainHtp: true }]), InputError)
})
