import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import type { Target } from '#core/registry/proxy.ts'
import { parseProxies } from '#core/registry/proxy.ts'
import { makeAuthority } from './make-certificate.ts'
import { makeClient, patience, ref, unavailable } from './make-client.ts'
import { answerManifest, MANIFEST, MANIFEST_DIGEST, MANIFEST_TYPE, serve, serveBytes } from './serve.ts'

const PROXY = 'http://proxy.example:3128'
const target = (address: string): Target => {
  const { protocol, hostname, port } = new URL(address)
  const usual = protocol === 'https:' ? 443 : 80
  return { protocol, host: hostname.replaceAll(/^\[|\]$/g, ''), port: port === '' ? usual : Number(port) }
}
const wayTo = (address: string, environment: Readonly<Record<string, string>>) =>
  parseProxies(environment)(target(address))?.href

t.test('https goes by one proxy, http by another, and without either by none', async t => {
  const environment = { HTTPS_PROXY: PROXY, HTTP_PROXY: 'other.example' }
  t.equal(wayTo('https://ghcr.io', environment), `${PROXY}/`)
  t.equal(wayTo('http://r.example', environment), 'http://other.example/')
  t.equal(wayTo('http://r.example', { HTTPS_PROXY: PROXY }), undefined)
  t.equal(wayTo('https://ghcr.io', {}), undefined)
  t.equal(
    wayTo('https://ghcr.io', { https_proxy: 'http://small.example', HTTPS_PROXY: PROXY }),
    'http://small.example/',
  )
})

t.test('what NO_PROXY names is reached the straight way: hosts, suffixes, networks, ports', async t => {
  const exceptions =
    'exact.example, .below.example,*.star.example,10.0.0.0/8,192.0.2.7,fd00::/8,[2001:db8::1],port.example:5000'
  const isStraight = (address: string) => wayTo(address, { HTTPS_PROXY: PROXY, NO_PROXY: exceptions }) === undefined
  for (const straight of [
    'https://exact.example',
    'https://x.exact.example:8443',
    'https://x.below.example',
    'https://x.star.example',
    'https://10.1.2.3:5000',
    'https://192.0.2.7',
    'https://[fd00::5]',
    'https://[2001:db8::1]',
    'https://port.example:5000',
    'https://127.0.0.1:5000',
    'https://localhost',
    'https://[::1]',
  ])
    t.ok(isStraight(straight), straight)
  for (const proxied of [
    'https://ghcr.io',
    'https://notexact.example',
    'https://below.example',
    'https://exact.example.evil.test',
    'https://11.1.2.3',
    'https://192.0.2.8',
    'https://port.example',
    'https://[2001:db8::2]',
  ])
    t.notOk(isStraight(proxied), proxied)
  t.equal(wayTo('https://ghcr.io', { HTTPS_PROXY: PROXY, NO_PROXY: '*' }), undefined)
})

t.test('what is no proxy is refused by name of the variable, and what it says is not repeated', async t => {
  const complaint = (environment: Readonly<Record<string, string>>) => {
    try {
      parseProxies(environment)
      return 'accepted'
    } catch (error) {
      if (error instanceof InputError) return error.message
      throw error
    }
  }
  for (const bad of ['socks5://x', 'http://', 'http://user:hunter2@[', 'ftp://user:hunter2@x']) {
    t.match(complaint({ HTTPS_PROXY: bad }), /^HTTPS_PROXY: expected/, bad)
    t.notMatch(complaint({ HTTPS_PROXY: bad }), /hunter2/)
  }
  for (const bad of ['10.0.0.0/33', '10.0.0.0/x', 'example/8'])
    t.match(complaint({ NO_PROXY: bad }), /^NO_PROXY: expected a network/, bad)
})

const authority = await makeAuthority()
const identity = await authority.issue({ dns: 'registry.test' })

/** A proxy that reaches this one port by whatever name, and tells what it was asked. */
async function serveProxy(t: Parameters<typeof serve>[0], port: number, refuse?: string) {
  const asked: { readonly url: string | undefined; readonly login: string | undefined }[] = []
  const sockets = new Set<Socket>()
  const proxy = createServer((_request, response) => response.writeHead(405).end())
  proxy.on('connect', ({ url, headers }, client: Socket) => {
    asked.push({ url, login: headers['proxy-authorization'] })
    client.on('error', () => {})
    sockets.add(client)
    if (refuse !== undefined) return client.end(`HTTP/1.1 ${refuse}\r\n\r\n`)
    const server = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      server.pipe(client).pipe(server)
    })
    server.on('error', () => client.destroy())
    sockets.add(server)
    return undefined
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  return { at: `127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked }
}

t.test(
  'a registry is reached through the proxy, in TLS from end to end, by a name that only the proxy knows',
  async t => {
    const { port } = await serve(t, answerManifest, identity)
    const { at, asked } = await serveProxy(t, port)
    const proxyFor = parseProxies({ HTTPS_PROXY: `http://us%C3%A9r:hunter2@${at}` })
    const entry = { host: 'registry.test', caFile: 'ca.pem' }
    const client = makeClient(t, [entry], { files: { 'ca.pem': authority.pem }, deps: { proxyFor } })
    t.equal(await client.resolve(ref('registry.test', 'a:v'), patience), MANIFEST_DIGEST)
    const login = `Basic ${Buffer.from('usér:hunter2').toString('base64')}`
    t.strictSame(asked, [{ url: 'registry.test:443', login }])
    const doubting = makeClient(t, [{ host: 'registry.test' }], { deps: { proxyFor } })
    const error = await unavailable(doubting.resolve(ref('registry.test', 'a:v'), patience))
    t.match(error.message, /certificate is from an authority that is not trusted$/)
  },
)

t.test('plain HTTP goes through the proxy by CONNECT, too', async t => {
  const { port } = await serve(t, answerManifest)
  const { at, asked } = await serveProxy(t, port)
  const proxyFor = parseProxies({ HTTP_PROXY: at })
  const client = makeClient(t, [{ host: 'registry.test:5000', plainHttp: true }], { deps: { proxyFor } })
  t.equal(await client.resolve(ref('registry.test:5000', 'a:v'), patience), MANIFEST_DIGEST)
  t.equal(asked[0]?.url, 'registry.test:5000')
})

t.test('a proxy is not asked to reach this machine, reserved addresses or other ports for a stranger', async t => {
  const { at, asked } = await serveProxy(t, 1)
  const client = makeClient(t, [], { deps: { proxyFor: parseProxies({ HTTPS_PROXY: at, NO_PROXY: '' }) } })
  for (const host of ['169.254.169.254', '10.96.0.1', '[fd00::5]', 'x.localhost', 'r.example:10250'])
    t.match((await unavailable(client.resolve(ref(host, 'a:v'), patience))).message, /reserved|port is neither/, host)
  t.strictSame(asked, [])
})

t.test('a proxy is not asked for names of a cluster or of a cloud’s inside, unless they are listed', async t => {
  const { port } = await serve(t, answerManifest, identity)
  const { at, asked } = await serveProxy(t, port)
  const deps = { proxyFor: parseProxies({ HTTPS_PROXY: at }) }
  const client = makeClient(t, [], { deps })
  for (const host of ['metadata.google.internal', 'kubernetes.default.svc', 'api.shop.svc.cluster.local'])
    t.match((await unavailable(client.resolve(ref(host, 'a:v'), patience))).message, /its address is reserved/, host)
  t.strictSame(asked, [])
  const listing = makeClient(t, [{ host: 'registry.internal' }], { deps })
  await unavailable(listing.resolve(ref('registry.internal', 'a:v'), patience))
  t.equal(asked[0]?.url, 'registry.internal:443')
})

t.test('what comes along with the answer of a proxy is not taken for the registry’s', async t => {
  const manifest = `HTTP/1.1 200 OK\r\ncontent-type: ${MANIFEST_TYPE}\r\ncontent-length: ${MANIFEST.length}\r\n\r\n${MANIFEST}`
  const at = await serveBytes(t, socket => socket.write(`HTTP/1.1 200 OK\r\n\r\n${manifest}`))
  const entry = { host: 'registry.test:5000', plainHttp: true }
  const client = makeClient(t, [entry], { deps: { proxyFor: parseProxies({ HTTP_PROXY: at }) } })
  const error = await unavailable(client.resolve(ref('registry.test:5000', 'a:v'), patience))
  t.match(error.message, /the proxy does not let it through, or does not reach it/)
})

t.test('a proxy that refuses, asks for a login, is silent or is not there is told apart', async t => {
  const why = async (at: string) => {
    const proxyFor = parseProxies({ HTTPS_PROXY: `http://user:hunter2@${at}` })
    const client = makeClient(t, [], { deps: { proxyFor }, limits: { silenceMs: 300 } })
    const error = await unavailable(client.resolve(ref('ghcr.io', 'a:v'), patience))
    t.equal(error.code, 'registry.unreachable')
    t.notMatch(error.message, /hunter2/)
    return error.message
  }
  t.match(await why((await serveProxy(t, 1, '403 Forbidden')).at), /the proxy does not let it through/)
  t.match(await why((await serveProxy(t, 1, '502 Bad Gateway')).at), /the proxy does not let it through/)
  t.match(await why((await serveProxy(t, 1, '407 Proxy Authentication Required')).at), /asks for a name and password/)
  t.match(await why(await serveBytes(t, () => {})), /no answer from the proxy within the time allowed/)
  t.match(await why('127.0.0.1:1'), /no connection to the proxy/)
})
