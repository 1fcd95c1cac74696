import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer as createTcp } from 'node:net'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import type { Keychain } from '#core/registry/keychain.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makeAuthority } from '../make-certificate.ts'
import { makeClient, patience, pinned, ref, SIGNATURES, unavailable } from '../make-client.ts'
import { answerManifest, MANIFEST_DIGEST, serve } from '../serve.ts'

const [origin, mirror, second] = [await startRegistry(t), await startRegistry(t), await startRegistry(t)]
const all = [origin, mirror, second]
const { digest } = await origin.image({ repository: 'acme/app' })
for (const one of [mirror, second]) await one.image({ repository: 'acme/app' })
await origin.key('k')
await origin.sign({ repository: 'acme/app', digest, key: 'k' })
t.beforeEach(async () => {
  for (const one of all) {
    await one.faults([])
    await one.auth({ mode: 'none' })
    await one.forgetRequests()
  }
})

const authority = await makeAuthority()
const files = { '/pem/ca.pem': authority.pem, p: 'hunter2' }
/** All on this machine and in plain, so the registries file has to list them. */
const listed = all.map(({ host }) => ({ host, plainHttp: true }))
/** The folder of the registry that is asked for. */
const ofOrigin = (text: string) => ({ [`${origin.host}/hosts.toml`]: text })
const table = (address: string, ...fields: readonly string[]) => `[host."${address}"]\n${fields.join('\n')}\n`
const resolve = (client: ReturnType<typeof makeClient>) => client.resolve(ref(origin.host, 'acme/app:v1'), patience)
const asked = async (one: typeof origin) => (await one.requests()).map(({ path }) => path.replace('/v2/acme/app/', ''))

t.test('hosts are asked in the order of the file, and for what the first has nobody else is asked', async t => {
  const text = table(`http://${second.host}`) + table(`http://${mirror.host}`)
  t.equal(await resolve(makeClient(t, listed, { hosts: ofOrigin(text) })), digest)
  t.strictSame(await asked(second), [`manifests/v1?ns=${origin.host}`])
  t.strictSame([await asked(mirror), await asked(origin)], [[], []])
})

t.test('a host that lacks it, is down or shut is passed over, down to the registry itself', async t => {
  const text = table(`http://${mirror.host}`) + table(`http://${second.host}`)
  for (const fault of [
    { status: 404 },
    { disconnect: true },
    { hang: true },
    { status: 503 },
    { status: 403 },
  ] as const) {
    const client = makeClient(t, listed, { hosts: ofOrigin(text), limits: { mirrorMs: 300 } })
    await mirror.faults([{ fault }])
    await second.faults([])
    await second.forgetRequests()
    t.equal(await resolve(client), digest, JSON.stringify(fault))
    t.equal((await asked(second)).length, 1, 'by the second host')
    await second.faults([{ fault }])
    t.equal(await resolve(client), digest, `${JSON.stringify(fault)} twice`)
  }
  t.equal((await asked(origin)).length, 5)
})

t.test('a host that lies about content is caught by the digest', async t => {
  await mirror.faults([{ kind: 'manifest', reference: digest, fault: { corruptByte: 3 } }])
  const client = makeClient(t, listed, { hosts: ofOrigin(table(`http://${mirror.host}`)) })
  const { manifest } = client.discover(pinned(origin.host, 'acme/app', digest), SIGNATURES, patience)
  t.equal(await manifest, 'present')
  t.ok((await asked(mirror)).includes(`manifests/${digest}?ns=${origin.host}`))
})

t.test('a host that may only be pulled from is asked for no tag, and its lack of signatures is nobody’s', async t => {
  const client = makeClient(t, listed, {
    hosts: ofOrigin(table(`http://${mirror.host}`, 'capabilities = ["pull"]')),
  })
  t.equal(await resolve(client), digest)
  t.strictSame(await asked(mirror), [])
  const { places } = client.discover(pinned(origin.host, 'acme/app', digest), SIGNATURES, patience)
  t.strictSame(
    (await Promise.all(places)).map(({ artefacts }) => artefacts.length),
    [1, 0],
  )
  t.ok((await asked(mirror)).every(path => /^(?:manifests|blobs)\/sha256:/.test(path)))
})

t.test('the path of a host is what override_path makes of it', async t => {
  const answering = await serve(t, answerManifest)
  const paths = async (address: string, ...fields: readonly string[]) => {
    const entries = [...listed, { host: answering.host, plainHttp: true }]
    const client = makeClient(t, entries, { hosts: ofOrigin(table(`http://${answering.host}${address}`, ...fields)) })
    t.equal(await resolve(client), MANIFEST_DIGEST)
    return answering.requests.at(-1)?.url?.replace(`?ns=${origin.host}`, '')
  }
  t.equal(await paths(''), '/v2/acme/app/manifests/v1')
  t.equal(await paths('/v2/'), '/v2/acme/app/manifests/v1')
  t.equal(await paths('/us'), '/us/v2/acme/app/manifests/v1')
  t.equal(await paths('/v2/hub', 'override_path = true'), '/v2/hub/acme/app/manifests/v1')
  t.equal(await paths('', 'override_path = true'), '/acme/app/manifests/v1')
})

/** Names without a dot are the system's, which knows these as this machine. */
const names = {
  makeResolver: () => {
    throw new Error('a name server was asked')
  },
  askSystem: async () => [{ address: '127.0.0.1', family: 4 }],
}

/** A server of TLS under the name `inside`, which only the private authority vouches for; it tells whose certificate it was shown. */
async function serveInside(t: Parameters<typeof serve>[0], listener = answerManifest) {
  const shown: (string | undefined)[] = []
  const seen: (string | undefined)[] = []
  const identity = await authority.issue({ dns: 'inside' })
  const options = { ...identity, ca: authority.pem, requestCert: true, rejectUnauthorized: false }
  const server = createServer(options, (request, response) => {
    shown.push((request.socket as TLSSocket).getPeerX509Certificate()?.subjectAltName)
    seen.push(request.headers.authorization)
    listener(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
  })
  return { host: `inside:${(server.address() as AddressInfo).port}`, shown, seen }
}

t.test(
  'a registry that only the folder names is reached on a reserved address, by an authority of its own',
  async t => {
    const inside = await serveInside(t)
    const ask = (hosts: Record<string, string>) =>
      makeClient(t, [], { files, hosts, deps: { names } }).resolve(ref(inside.host, 'a:v'), patience)
    t.equal(await ask({ [`${inside.host}/hosts.toml`]: 'ca = "/pem/ca.pem"' }), MANIFEST_DIGEST)
    t.equal(await ask({ [`${inside.host}/ca.crt`]: authority.pem }), MANIFEST_DIGEST)
    t.match((await unavailable(ask({ [`${inside.host}/hosts.toml`]: '' }))).message, /authority that is not trusted$/)
    t.match((await unavailable(ask({}))).message, /its port is neither 443 nor one that is allowed/)
  },
)

t.test('a host of the folder is trusted by its own authority, and shown the certificate that is for it', async t => {
  const inside = await serveInside(t)
  const { cert, key } = await authority.issue({ dns: 'client.example' })
  const another = await authority.issue({ dns: 'another.example' })
  const pems = { ...files, '/pem/cert': cert, '/pem/key': key, '/pem/both': `${another.key}\n${another.cert}` }
  const hosts = {
    ...ofOrigin(table(`https://${inside.host}`, 'ca = "/pem/ca.pem"', 'client = [["/pem/cert", "/pem/key"]]')),
    'r.example/hosts.toml': table(`https://${inside.host}`, 'ca = "/pem/ca.pem"', 'client = "/pem/both"'),
    'ghcr.io/hosts.toml': table(`https://${inside.host}`, 'ca = "/pem/ca.pem"'),
  }
  const client = makeClient(t, listed, { files: pems, hosts, deps: { names } })
  t.equal(await resolve(client), MANIFEST_DIGEST)
  t.equal(await client.resolve(ref('r.example', 'a:v'), patience), MANIFEST_DIGEST)
  t.equal(await client.resolve(ref('ghcr.io', 'a:v'), patience), MANIFEST_DIGEST)
  t.strictSame(inside.shown, ['DNS:client.example', 'DNS:another.example', undefined])
  t.strictSame(await asked(origin), [])
})

const basic = { 'www-authenticate': 'Basic realm=x' }
const bob = { kind: 'password', username: 'bob', password: 'hunter2' } as const
const bobs = (registry: string): Keychain => ({
  logins: [{ registry, path: '', source: 'of Bob', credential: bob }],
  notes: [],
})

t.test('no credential for a registry goes to a host that the folder names for it', async t => {
  const inside = await serveInside(t, (_request, response) => response.writeHead(401, basic).end())
  await origin.auth({ mode: 'basic', username: 'bob', password: 'hunter2' })
  const hosts = ofOrigin(table(`https://${inside.host}`, 'ca = "/pem/ca.pem"'))
  const own = { host: origin.host, plainHttp: true, username: 'bob', passwordFile: 'p' }
  t.equal(await resolve(makeClient(t, [own], { files, hosts, deps: { names } })), digest)
  const keychain = bobs(origin.host)
  t.equal(await resolve(makeClient(t, listed, { files, hosts, deps: { names }, keychain })), digest)
  t.ok(inside.seen.length >= 2)
  t.strictSame(new Set(inside.seen), new Set([undefined]))
})

t.test(
  'a host of the folder that the registries file lists is asked with the credential that is listed for it',
  async t => {
    const inside = await serveInside(t, (request, response) => {
      if (request.headers.authorization === undefined) response.writeHead(401, basic).end()
      else answerManifest(request, response)
    })
    const hosts = ofOrigin(table(`https://${inside.host}`, 'ca = "/pem/ca.pem"'))
    const entries = [...listed, { host: inside.host, username: 'mia', passwordFile: 'p' }]
    t.equal(await resolve(makeClient(t, entries, { files, hosts, deps: { names } })), MANIFEST_DIGEST)
    t.strictSame(inside.seen, [undefined, `Basic ${Buffer.from('mia:hunter2').toString('base64')}`])
  },
)

t.test('a server that stands in for a registry is asked alone, for it, and sees no pull secret of it', async t => {
  const inside = await serveInside(t, (_request, response) => response.writeHead(401, basic).end())
  const hosts = { 'r.example/hosts.toml': `server = "http://${mirror.host}"` }
  const client = makeClient(t, listed, { hosts })
  t.equal(await client.resolve(ref('r.example', 'acme/app:v1'), patience), digest)
  t.strictSame(await asked(mirror), ['manifests/v1?ns=r.example'])
  await mirror.faults([{ fault: { status: 404 } }])
  t.match(await client.resolve(ref('r.example', 'acme/app:v1'), patience), { code: 'image.not-found' })
  const shut = { 'r.example/hosts.toml': `server = "https://${inside.host}"\nca = "/pem/ca.pem"` }
  const keychain = bobs('r.example')
  const asking = makeClient(t, [], { files, hosts: shut, deps: { names }, keychain })
  const error = await unavailable(asking.resolve(ref('r.example', 'a:v'), patience))
  t.match(error, { code: 'registry.unauthorized', message: /\(asked as nobody\)$/ })
  t.strictSame(inside.seen, [undefined])
})

t.test(
  'a registry that its own file names as a host sees the pull secret that is for it, and is asked once',
  async t => {
    const inside = await serveInside(t, (request, response) => {
      if (request.headers.authorization === undefined) response.writeHead(401, basic).end()
      else answerManifest(request, response)
    })
    const text = `server = "https://${inside.host}"\n${table(`https://${inside.host}`, 'ca = "/pem/ca.pem"')}`
    const hosts = { [`${inside.host}/hosts.toml`]: text }
    const client = makeClient(t, [], { files, hosts, deps: { names }, keychain: bobs(inside.host) })
    t.equal(await client.resolve(ref(inside.host, 'a:v'), patience), MANIFEST_DIGEST)
    t.equal(inside.seen.length, 2)
  },
)

t.test('_default names hosts for every registry, and none of them lends a stranger its way', async t => {
  const hosts = { '_default/hosts.toml': table(`http://${mirror.host}`) }
  const client = makeClient(t, listed, { hosts })
  t.equal(await client.resolve(ref('r.example', 'acme/app:v1'), patience), digest)
  t.strictSame(await asked(mirror), ['manifests/v1?ns=r.example'])
  await mirror.faults([{ fault: { status: 404 } }])
  const error = await unavailable(client.resolve(ref('10.0.0.1', 'acme/app:v1'), patience))
  t.match(error.message, /^10\.0\.0\.1\/acme\/app: its address is reserved/)
})

t.test('loopback in the folder is the node’s and not ours: it is not connected to', async t => {
  const here = await serve(t, answerManifest, await authority.issue({ ip: '127.0.0.1' }))
  const hosts = ofOrigin(table(`https://${here.host}`, 'ca = "/pem/ca.pem"'))
  t.equal(await resolve(makeClient(t, listed, { files, hosts })), digest)
  t.strictSame(here.requests, [])
  const entries = [...listed, { host: here.host }]
  t.equal(await resolve(makeClient(t, entries, { files, hosts })), MANIFEST_DIGEST, 'unless it is listed here')
})

t.test('a host with which no connection comes about in its dial_timeout is passed over', async t => {
  const silent = createTcp(() => {})
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(async () => void silent.close())
  const address = `https://inside:${(silent.address() as AddressInfo).port}`
  // Nothing else would end it before the test's own time does.
  const limits = { mirrorMs: 120_000, silenceMs: 120_000 }
  const hosts = ofOrigin(table(address, 'dial_timeout = "100ms"'))
  const client = makeClient(t, listed, { hosts, limits, deps: { names } })
  t.equal(await client.resolve(ref(origin.host, 'acme/app:v1'), AbortSignal.timeout(20_000)), digest)
})
