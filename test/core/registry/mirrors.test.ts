import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { parseRegistries } from '#core/registry/registries.ts'
import type { EmbeddedRegistry } from '#test/support/embedded-registry.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makeClient, patience, pinned, ref, SIGNATURES, unavailable } from './make-client.ts'
import { answerManifest, MANIFEST_DIGEST, serve } from './serve.ts'

const files = { p: 'hunter2', q: 'hunter3' }
const [upstream, mirror] = [await startRegistry(t), await startRegistry(t)]
const { digest } = await upstream.image({ repository: 'acme/app' })
await mirror.image({ repository: 'acme/app' })
for (const one of [upstream, mirror]) await one.key('k')
await upstream.sign({ repository: 'acme/app', digest, key: 'k' })
await upstream.sign({ repository: 'acme/app', digest, key: 'k', layout: 'bundle' })
t.beforeEach(async () => {
  for (const one of [upstream, mirror]) {
    await one.faults([])
    await one.auth({ mode: 'none' })
    await one.forgetRequests()
  }
})

const entry = (more: object = {}, upstreamMore: object = {}) => ({
  host: upstream.host,
  plainHttp: true,
  ...upstreamMore,
  mirrors: [{ host: mirror.host, plainHttp: true, ...more }],
})
const asked = async (one: EmbeddedRegistry) =>
  (await one.requests()).map(({ path, authorization }) => `${path.replace('/v2/acme/app/', '')} ${authorization}`)

async function signatures(client: ReturnType<typeof makeClient>): Promise<readonly number[]> {
  const { manifest, places } = client.discover(pinned(upstream.host, 'acme/app', digest), SIGNATURES, patience)
  t.equal(await manifest, 'present')
  return (await Promise.all(places)).map(({ artefacts }) => artefacts.length)
}

t.test('a mirror is asked first, and for what it has the registry is not asked at all', async t => {
  const client = makeClient(t, [entry()])
  t.equal(await client.resolve(ref(upstream.host, 'acme/app:v1'), patience), digest)
  t.strictSame(await asked(mirror), [`manifests/v1?ns=${upstream.host} none`])
  t.strictSame(await asked(upstream), [])
})

t.test('a mirror without signatures says nothing about them: they are found in the registry', async t => {
  t.strictSame(await signatures(makeClient(t, [entry()])), [1, 1])
  const paths = await asked(upstream)
  t.notOk(
    paths.some(path => path.startsWith(`manifests/${digest}`)),
    'the image itself was found at the mirror',
  )
})

t.test('nothing at the mirror and no answer from the registry is silence, not the lack of a signature', async t => {
  const client = makeClient(t, [entry()])
  await upstream.faults([{ fault: { status: 500 } }])
  const { places } = client.discover(pinned(upstream.host, 'acme/app', digest), SIGNATURES, patience)
  for (const place of await Promise.all(places)) {
    t.strictSame(place.artefacts, [])
    t.match(place.silences[0], { code: 'registry.unreachable', detail: /status 500; .*: mirror 127.*not there$/ })
  }
})

t.test('a mirror that is not trusted with tags is asked for content by its digest alone', async t => {
  const client = makeClient(t, [entry({ capabilities: ['pull'] })])
  t.equal(await client.resolve(ref(upstream.host, 'acme/app:v1'), patience), digest)
  t.strictSame(await asked(mirror), [])
  t.strictSame(await signatures(client), [1, 1])
  const paths = await asked(mirror)
  t.ok(paths.length > 0)
  t.ok(
    paths.every(path => /^(?:manifests|blobs)\/sha256:/.test(path)),
    paths.join(),
  )
})

t.test('a mirror that lies about content is caught by the digest, and the registry has the last word', async t => {
  const client = makeClient(t, [entry()])
  await mirror.faults([{ kind: 'manifest', reference: digest, fault: { corruptByte: 3 } }])
  t.strictSame(await signatures(client), [1, 1])
  await upstream.faults([{ kind: 'manifest', reference: digest, fault: { corruptByte: 3 } }])
  const { manifest } = client.discover(pinned(upstream.host, 'acme/app', digest), SIGNATURES, patience)
  t.match(await manifest, { kind: 'refusal', code: 'image.digest-mismatch' })
})

t.test('a mirror that is down, slow, shut or at its limit is passed over', async t => {
  for (const fault of [
    { status: 500 },
    { disconnect: true },
    { hang: true },
    { status: 429, retryAfterSeconds: 9 },
    { status: 403 },
  ] as const) {
    const client = makeClient(t, [entry()], { limits: { mirrorMs: 300 } })
    await mirror.faults([{ fault }])
    t.equal(await client.resolve(ref(upstream.host, 'acme/app:v1'), patience), digest, JSON.stringify(fault))
  }
})

t.test('the credential of a registry is never sent to its mirror, nor the mirror’s to it', async t => {
  const client = makeClient(
    t,
    [entry({ username: 'mia', passwordFile: 'q' }, { username: 'bob', passwordFile: 'p' })],
    { files },
  )
  await upstream.auth({ mode: 'basic', username: 'bob', password: 'hunter2' })
  await mirror.auth({ mode: 'basic', username: 'mia', password: 'hunter3' })
  t.equal(await client.resolve(ref(upstream.host, 'acme/app:v1'), patience), digest)
  t.match(await asked(mirror), [/none$/, /basic$/])
  t.strictSame(await asked(upstream), [])
  const seen: (string | undefined)[] = []
  const greedy = await serve(t, (request, response) => {
    seen.push(request.headers.authorization)
    response.writeHead(401, { 'www-authenticate': 'Basic realm=x' }).end()
  })
  const careful = makeClient(t, [{ ...entry({ host: greedy.host }), username: 'bob', passwordFile: 'p' }], { files })
  t.equal(await careful.resolve(ref(upstream.host, 'acme/app:v1'), patience), digest)
  t.strictSame(seen, [undefined])
})

t.test('a workload’s pull secret goes to the registry it is for, and not to a mirror of it', async t => {
  const seen: (string | undefined)[] = []
  const greedy = await serve(t, (request, response) => {
    seen.push(request.headers.authorization)
    response.writeHead(401, { 'www-authenticate': 'Basic realm=x' }).end()
  })
  await upstream.auth({ mode: 'basic', username: 'bob', password: 'hunter2' })
  const credential = { kind: 'password', username: 'bob', password: 'hunter2' } as const
  const keychain = { logins: [{ registry: upstream.host, path: '', source: 'of Bob', credential }], notes: [] }
  const client = makeClient(t, [entry({ host: greedy.host })], { keychain })
  t.equal(await client.resolve(ref(upstream.host, 'acme/app:v1'), patience), digest)
  t.strictSame(new Set(seen), new Set([undefined]))
})

t.test('a path stands in the place of /v2, and several mirrors are asked in their order', async t => {
  const answering = await serve(t, answerManifest)
  const lacking = await serve(t, (_request, response) => response.writeHead(404).end())
  const mirrors = [lacking, answering].map(({ host }) => ({ host, plainHttp: true, overridePath: '/v2/hub/' }))
  const client = makeClient(t, [{ host: 'upstream.invalid', mirrors }])
  t.equal(await client.resolve(ref('upstream.invalid', 'a:v'), patience), MANIFEST_DIGEST)
  for (const { requests } of [lacking, answering])
    t.strictSame(
      requests.map(({ url }) => url),
      ['/v2/hub/a/manifests/v?ns=upstream.invalid'],
    )
  const error = await unavailable(client.resolve(ref(answering.host, 'a:v'), patience))
  t.match(error.message, /reserved/, 'being a mirror makes it no registry of its own')
})

t.test('what is wrong with a mirror is said by name of its field', async t => {
  const complaint = (mirror: object) => {
    try {
      parseRegistries({ registries: [{ host: 'r.example', mirrors: [{ host: 'm.example', ...mirror }] }] }, () => 'x')
      return 'accepted'
    } catch (error) {
      if (error instanceof InputError) return error.message
      throw error
    }
  }
  t.equal(complaint({}), 'accepted')
  t.equal(complaint({ capabilities: ['pull'], overridePath: '/v2/x' }), 'accepted')
  t.match(complaint({ capabilities: ['push'] }), /^registries\[0\]\.mirrors\[0\]\.capabilities\[0\]: /)
  t.match(complaint({ capabilities: [] }), /capabilities: /)
  t.match(complaint({ host: 'https://m.example' }), /^registries\[0\]: mirrors\[0\]: host: write the host without/)
  t.match(complaint({ skipVerify: true }), /skipVerify/)
  t.match(complaint({ username: 'bob' }), /passwordFile: expected one beside/)
  for (const overridePath of ['v2', '/v2/../x', '/v2?x', '/v2//x', '/v2/%2e', 'https://x', '/v2#'])
    t.match(complaint({ overridePath }), /overridePath: expected a path/, overridePath)
  const five = Array.from({ length: 5 }, () => ({ host: 'm.example' }))
  t.throws(
    () => parseRegistries({ registries: [{ host: 'r.example', mirrors: five }] }, () => ''),
    /mirrors: expected at most 4, got 5/,
  )
})
