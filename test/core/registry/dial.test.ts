import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { parseRegistries } from '#core/registry/registries.ts'
import { makeAuthority } from './make-certificate.ts'
import { makeClient, patience, ref, unavailable } from './make-client.ts'
import { answerManifest, MANIFEST_DIGEST, serve } from './serve.ts'

const authority = await makeAuthority()
const server = await authority.issue({ ip: '127.0.0.1' })
const client = await authority.issue({ dns: 'client.example' })
const other = await authority.issue({ dns: 'other.example' })
const files = { ca: authority.pem, cert: client.cert, key: client.key, otherKey: other.key, empty: '' }

/** A server that asks for a certificate and lists whose it was shown. */
async function serveMutual(t: Parameters<typeof serve>[0], isNeeded: boolean, location?: string) {
  const shown: (string | undefined)[] = []
  const options = { ...server, ca: authority.pem, requestCert: true, rejectUnauthorized: isNeeded }
  const mutual = createServer(options, (request, response) => {
    shown.push((request.socket as TLSSocket).getPeerX509Certificate()?.subjectAltName)
    if (location === undefined) answerManifest(request, response)
    else response.writeHead(307, { location }).end()
  })
  mutual.listen(0, '127.0.0.1')
  await once(mutual, 'listening')
  t.teardown(async () => {
    mutual.closeAllConnections()
    mutual.close()
  })
  return { host: `127.0.0.1:${(mutual.address() as AddressInfo).port}`, shown }
}

t.test('a registry that asks for a certificate is shown the one that is configured for it', async t => {
  const { host, shown } = await serveMutual(t, true)
  const knowing = makeClient(t, [{ host, caFile: 'ca', certFile: 'cert', keyFile: 'key' }], { files })
  t.equal(await knowing.resolve(ref(host, 'a:v'), patience), MANIFEST_DIGEST)
  t.strictSame(shown, ['DNS:client.example'])
  const unknown = await unavailable(
    makeClient(t, [{ host, caFile: 'ca' }], { files }).resolve(ref(host, 'a:v'), patience),
  )
  t.equal(unknown.code, 'registry.unreachable')
})

t.test('a certificate is shown to the registry it is for and to nobody whom that sends us on to', async t => {
  const away = await serveMutual(t, false)
  const home = await serveMutual(t, true, `https://${away.host}/`)
  const entries = [
    { host: home.host, caFile: 'ca', certFile: 'cert', keyFile: 'key' },
    { host: away.host, caFile: 'ca' },
  ]
  const found = await makeClient(t, entries, { files }).resolve(ref(home.host, 'a:v'), patience)
  t.equal(found, MANIFEST_DIGEST)
  t.strictSame(home.shown, ['DNS:client.example'])
  t.strictSame(away.shown, [undefined])
})

t.test('a host that mirrors two registries is shown by each the certificate that is configured there', async t => {
  const { host, shown } = await serveMutual(t, true)
  const mirror = { host, caFile: 'ca' }
  const entries = [
    { host: 'one.invalid', mirrors: [{ ...mirror, certFile: 'cert', keyFile: 'key' }] },
    { host: 'two.invalid', mirrors: [{ ...mirror, certFile: 'otherCert', keyFile: 'otherKey' }] },
  ]
  const client = makeClient(t, entries, { files: { ...files, otherCert: other.cert } })
  for (const name of ['one', 'two', 'one'])
    t.equal(await client.resolve(ref(`${name}.invalid`, 'a:v'), patience), MANIFEST_DIGEST)
  t.strictSame(shown, ['DNS:client.example', 'DNS:other.example', 'DNS:client.example'])
})

t.test('half a certificate, another’s key, and either over plain HTTP are refused, and no key is repeated', async t => {
  const complaint = (entry: object) => {
    try {
      parseRegistries({ registries: [{ host: 'r.example', ...entry }] }, path => files[path as keyof typeof files])
      return 'accepted'
    } catch (error) {
      if (error instanceof InputError) return error.message
      throw error
    }
  }
  t.equal(complaint({ certFile: 'cert', keyFile: 'key' }), 'accepted')
  t.match(complaint({ certFile: 'cert' }), /certFile: expected certFile and keyFile together/)
  t.match(complaint({ keyFile: 'key' }), /certFile: expected certFile and keyFile together/)
  t.match(complaint({ certFile: 'cert', keyFile: 'otherKey' }), /keyFile: expected the key of "cert" in "otherKey"/)
  t.match(complaint({ certFile: 'cert', keyFile: 'empty' }), /keyFile: expected a private key in PEM/)
  t.match(complaint({ certFile: 'key', keyFile: 'key' }), /certFile: expected certificates in PEM/)
  t.match(complaint({ certFile: 'cert', keyFile: 'key', plainHttp: true }), /nothing is encrypted/)
})

t.test('a stranger is reached on port 443 and on those that are allowed, and on no other', async t => {
  const ask = async (host: string, ports: readonly number[]) => {
    const client = makeClient(t, [], { common: { ports } })
    return (await unavailable(client.resolve(ref(host, 'a:v'), patience))).message
  }
  t.match(await ask('registry.invalid:5000', []), /its port is neither 443 nor one that is allowed/)
  t.match(await ask('registry.invalid:5000', [5001]), /its port is neither 443 nor one that is allowed/)
  t.match(await ask('registry.invalid:5000', [5000]), /no such host/)
  t.match(await ask('registry.invalid', []), /no such host/)
  t.match(await ask('localhost:5000', [5000]), /reserved/)
  t.match(await ask('127.0.0.1:443', [5000]), /reserved/)
})

t.test('a listed registry is reached on the port it is listed with, and what it redirects to on no other', async t => {
  const { host } = await serve(t, (_request, response) =>
    response.writeHead(307, { location: 'http://registry.invalid:10250/' }).end(),
  )
  const error = await unavailable(makeClient(t, [{ host, plainHttp: true }]).resolve(ref(host, 'a:v'), patience))
  t.match(error.message, /redirected to "registry.invalid:10250": its port is neither 443/)
})

/** A name server that gives these addresses for every name, one list after the other; the last for ever. */
async function serveNames(t: Parameters<typeof serve>[0], lists: readonly (readonly string[])[]) {
  const socket = createSocket('udp4')
  let asked = 0
  socket.on('message', (question, { port, address }) => {
    const end = question.indexOf(0, 12) + 5
    const isForFour = question.readUInt16BE(end - 4) === 1
    const addresses = isForFour ? (lists[Math.min(asked++, lists.length - 1)] ?? []) : []
    const head = Buffer.from(question.subarray(0, end))
    head.writeUInt16BE(0x8180, 2)
    head.writeUInt16BE(addresses.length, 6)
    head.writeUInt32BE(0, 8)
    const records = addresses.map(one =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...one.split('.').map(Number)]),
    )
    socket.send(Buffer.concat([head, ...records]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(async () => void socket.close())
  const makeResolver = () => {
    const resolver = new Resolver({ timeout: 2000, tries: 1 })
    resolver.setServers([`127.0.0.1:${socket.address().port}`])
    return resolver
  }
  return { names: { makeResolver, askSystem: async () => [] }, count: () => asked }
}

t.test(
  'a name that leads to a reserved address, among others or alone, is not connected to for a stranger',
  async t => {
    for (const addresses of [['127.0.0.1'], ['169.254.169.254'], ['192.0.2.7', '10.96.0.1']]) {
      const { names } = await serveNames(t, [addresses])
      const client = makeClient(t, [], { deps: { names } })
      const error = await unavailable(client.resolve(ref('rebind.example', 'a:v'), patience))
      t.match(error.message, /its address is reserved for this machine or its networks/, addresses.join())
    }
  },
)

t.test('a network that is called reserved is no way for a stranger, as an address or behind a name', async t => {
  const { names } = await serveNames(t, [['192.0.2.7']])
  const common = { reservedNetworks: ['192.0.2.0/24'] }
  const client = makeClient(t, [{ host: 'listed.example' }], { common, deps: { names }, limits: { silenceMs: 200 } })
  const why = async (host: string) => (await unavailable(client.resolve(ref(host, 'a:v'), patience))).message
  t.match(await why('192.0.2.8'), /its address is reserved/)
  t.match(await why('inside.example'), /its address is reserved/)
  t.match(await why('listed.example'), /no connection within the time allowed|no route|connection/)
})

t.test(
  'a name is looked up once for a connection, so none is checked at one address and reached at another',
  async t => {
    const { port, requests } = await serve(t, answerManifest)
    const { names, count } = await serveNames(t, [['192.0.2.7'], ['127.0.0.1']])
    const client = makeClient(t, [], { common: { ports: [port] }, deps: { names }, limits: { silenceMs: 300 } })
    const error = await unavailable(client.resolve(ref(`rebind.example:${port}`, 'a:v'), patience))
    t.match(error.message, /no connection within the time allowed|no route|connection/)
    t.equal(count(), 1)
    t.match((await unavailable(client.resolve(ref(`rebind.example:${port}`, 'a:v'), patience))).message, /reserved/)
    t.strictSame(requests, [])
  },
)
