/** Who is told what at real registries: credentials and realms, redirects, rates, mirrors, addresses. */
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { eventually } from '../stack/eventually.ts'
import { makeCosign2, makeCosign3, makeCrane } from '../stack/make-runner.ts'
import { type Distribution, startDistribution, startOlareg } from '../stack/registries.ts'
import { makeWorkFolder } from '../stack/work-folder.ts'
import { pushImage } from './images.ts'
import { openGate } from './open-gate.ts'
import { startTokenService, type TokenService } from './token-service.ts'

t.setTimeout(300_000)

const [open, crane, cosign, cosign3] = await Promise.all([
  startDistribution(t),
  makeCrane(t),
  makeCosign2(t),
  makeCosign3(t),
])
await cosign.run(['generate-key-pair'])
const publicKey = await readFile(join(cosign.folder, 'cosign.pub'), 'utf8')
const key = join(cosign.folder, 'cosign.key')

const image = await pushImage(crane, `${open.host}/shop/app:v1`)
await cosign.run(['sign', `--key=${key}`, '--tlog-upload=false', image])
const digest = image.split('@')[1] ?? ''

/** What the open registry keeps, behind another door. */
const sameStore = (more: object) => ({
  storage: { filesystem: { rootdirectory: open.store }, ...more },
})

async function startGuarded(t: Test, service: TokenService, realm: string): Promise<Distribution> {
  const jwks = join(await makeWorkFolder(t, 'keys'), 'jwks.json')
  await writeFile(jwks, service.jwks)
  return startDistribution(t, { ...sameStore({}), auth: { token: { realm, ...service.trust, jwks } } })
}

const auth = (name: string, password: string) => ({ auth: Buffer.from(`${name}:${password}`).toString('base64') })

t.test('the right credential opens a real registry, after one that does not, the longest path first', async t => {
  const service = await startTokenService(t, { bob: 'hunter2' })
  const { host } = await startGuarded(t, service, `http://${service.host}/token`)
  const registries = { registries: [host, service.host].map(host => ({ host, plainHttp: true })) }
  const auths = { [host]: auth('bob', 'hunter2'), [`${host}/shop`]: auth('ann', 'wrong'), 'r.test': auth('eve', 'x') }
  const ask = await openGate(t, { publicKey, registries, dockerConfig: { auths } })
  t.match(await ask(`${host}/shop/app:v1`), { outcome: 'allow', digest })
  t.strictSame([...new Set(service.asked)], ['ann repository:shop/app:pull', 'bob repository:shop/app:pull'])
  const none = await openGate(t, { publicKey, registries })
  t.match(await none(`${host}/shop/app@${digest}`), { outcome: 'undecided', codes: ['registry.unauthorized'] })
})

t.test('a realm that is not the registry’s own is told no credential, and what it would be is said', async t => {
  const service = await startTokenService(t, { bob: 'hunter2' })
  const { host } = await startGuarded(t, service, `http://${service.host.replace('127.0.0.1', 'localhost')}/token`)
  const listed = [host, service.host].map(host => ({ host, plainHttp: true }))
  const [first, ...rest] = listed
  const registries = { registries: [{ ...first, username: 'bob', passwordFile: 'FOLDER/password' }, ...rest] }
  const ask = await openGate(t, { publicKey, registries, files: { password: 'hunter2' } })
  const found = await ask(`${host}/shop/app@${digest}`)
  t.match(found, { outcome: 'undecided', codes: ['registry.unauthorized'] })
  t.match(found.details, /expected a token service reached by https, got "http:\/\/localhost/)
  t.strictSame(service.asked, [])
})

/** A blob store that a registry redirects to: it keeps what the open one does, and notes who was sent with which credential. */
async function startBlobStore(t: Test) {
  const carried: (string | undefined)[] = []
  const server = createServer((request, response) => {
    carried.push(request.headers.authorization)
    createReadStream(join(open.store, new URL(request.url ?? '/', 'http://store').pathname)).pipe(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
  })
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, carried }
}

t.test(
  'a redirect of a real registry to its blob store is followed without the credential, and only to where it may',
  async t => {
    const [store, service] = [await startBlobStore(t), await startTokenService(t, { bob: 'hunter2' })]
    const jwks = join(await makeWorkFolder(t, 'keys'), 'jwks.json')
    await writeFile(jwks, service.jwks)
    const { host } = await startDistribution(t, {
      ...sameStore({}),
      auth: { token: { realm: `http://${service.host}/token`, ...service.trust, jwks } },
      middleware: { storage: [{ name: 'redirect', options: { baseurl: `http://${store.host}` } }] },
    })
    const listed = [service.host, store.host].map(host => ({ host, plainHttp: true }))
    const registry = { host, plainHttp: true, username: 'bob', passwordFile: 'FOLDER/password' }
    const files = { password: 'hunter2' }
    const ask = await openGate(t, { publicKey, registries: { registries: [registry, ...listed] }, files })
    t.match(await ask(`${host}/shop/app@${digest}`), { outcome: 'allow' })
    t.ok(store.carried.length > 0)
    t.strictSame([...new Set(store.carried)], [undefined])
    const closed = await openGate(t, {
      publicKey,
      registries: { registries: [registry, ...listed.slice(0, 1)] },
      files,
    })
    const found = await closed(`${host}/shop/app@${digest}`)
    t.match(found, { outcome: 'undecided', codes: ['registry.unreachable'] })
    t.match(found.details, `redirected to "${store.host}": its address is reserved`)
  },
)

t.test('a real registry that throttles is silence, and is heard once it has been left alone', async t => {
  const { host } = await startOlareg(t, ['--rate-limit=2'])
  const registries = { registries: [{ host, plainHttp: true }] }
  const ask = await openGate(t, { publicKey, registries })
  const names = Array.from({ length: 8 }, (_, n) => `${host}/shop/app-${n}@${digest}`)
  const answers = await Promise.all(names.map(ask))
  const codes = new Set(answers.flatMap(({ codes }) => codes))
  t.ok(codes.has('registry.throttled'), [...codes].join())
  t.ok(answers.every(({ outcome, codes }) => codes.includes('image.not-found') === (outcome === 'deny')))
  await eventually('an answer', async () => {
    const { codes } = await ask(names[0] as string)
    return codes.includes('image.not-found') || undefined
  })
})

t.test('a real mirror without signatures says nothing about them, whether the registry answers or not', async t => {
  const olareg = await startOlareg(t)
  const signed = await pushImage(crane, `${olareg.host}/shop/app:v1`)
  await cosign3.run(['sign', `--key=${key}`, '--tlog-upload=false', '--use-signing-config=false', signed])
  const proxy = { proxy: { remoteurl: `http://${olareg.host}` } }
  const mirror = await startDistribution(t, proxy)
  const mirrors = [{ host: mirror.host, plainHttp: true }]
  const registries = { registries: [{ host: olareg.host, plainHttp: true, mirrors }] }
  t.match(await (await openGate(t, { publicKey, registries }))(signed), { outcome: 'allow' })
  await olareg.stop()
  const found = await (await openGate(t, { publicKey, registries }))(signed)
  t.match(found, { outcome: 'undecided', codes: ['registry.unreachable'] })
})

t.test('a real registry that nobody has listed, or not as plain, is not spoken to', async t => {
  const stranger = await openGate(t, { publicKey, registries: { registries: [] } })
  t.match(await stranger(image), { outcome: 'undecided', codes: ['registry.unreachable'], details: /is reserved/ })
  const encrypted = await openGate(t, { publicKey, registries: { registries: [{ host: open.host }] } })
  t.match(await encrypted(image), { outcome: 'undecided', details: /does it speak plain HTTP\?/ })
})
