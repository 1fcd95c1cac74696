/** Credentials of the operator that are fetched only when their turn comes, before a real registry. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { Unavailable } from '#core/domain/unavailable.ts'
import { MOST_LOGINS } from '#core/registry/candidates.ts'
import { makeRegistryClient } from '#core/registry/client.ts'
import type { Credential } from '#core/registry/credential.ts'
import type { Keychain } from '#core/registry/keychain.ts'
import type { CredentialSource } from '#core/registry/offer.ts'
import { parseRegistries } from '#core/registry/registries.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { patience, pinned, ref, SIGNATURES, unavailable } from './make-client.ts'
import { answerManifest, type Served, serve } from './serve.ts'

const registry = await startRegistry(t)
const { host } = registry
const image = await registry.image({ repository: 'acme/app' })
const listed = { host, plainHttp: true }
t.beforeEach(() => registry.auth({ mode: 'basic', username: 'bob', password: 'hunter2' }))

const password = (password: string): Credential => ({ kind: 'password', username: 'bob', password })
const [right, wrong] = [password('hunter2'), password('hunter3')]

/** A source that counts how often it is opened. */
function sourceOf(name: string, held: readonly Credential[] | Error) {
  const seen = { opened: 0 }
  const source: CredentialSource = () => [
    {
      name,
      source: name,
      open: async () => {
        seen.opened++
        if (held instanceof Error) throw held
        return held
      },
    },
  ]
  return { seen, source }
}

type Setup = { readonly entry?: object; readonly keychain?: Keychain; readonly sources: readonly CredentialSource[] }

function viewOf({ entry = listed, keychain, sources }: Setup) {
  const client = makeRegistryClient(
    parseRegistries({ registries: [entry] }, () => 'hunter2'),
    {},
    sources,
  )
  t.teardown(() => client.close())
  return client.viewOf(keychain)
}

const resolve = (setup: Setup) => viewOf(setup).resolve(ref(host, 'acme/app:v1'), patience)

t.test('a credential that is refused does not stand in the way of the next, of the same source or another', async t => {
  const first = sourceOf('first', [wrong, wrong])
  const second = sourceOf('second', [wrong, right])
  const third = sourceOf('third', [right])
  const sources = [first.source, second.source, third.source]
  t.equal(await resolve({ sources }), image.digest)
  t.equal(third.seen.opened, 0, 'whose turn does not come is not asked')
  const { manifest, scope } = viewOf({ sources }).discover(pinned(host, 'acme/app', image.digest), SIGNATURES, patience)
  t.equal(await manifest, 'present')
  t.equal(await scope, `${host}/acme/app#second`)
})

t.test('when nobody is let in it is said what became of each, and no secret', async t => {
  const failed = new Unavailable('registry.unauthorized', 'the helper ended with code 1')
  const sources = [sourceOf('a', [wrong]).source, sourceOf('b', []).source, sourceOf('c', failed).source]
  const { code, message } = await unavailable(resolve({ sources }))
  t.equal(code, 'registry.unauthorized')
  t.match(
    message,
    /: the registry does not accept what it asked for; that of a was not accepted; b has no credential for it; the helper ended with code 1$/,
  )
  t.notMatch(message, /hunter|bob/)
  const seen = viewOf({ sources }).discover(pinned(host, 'acme/app', image.digest), SIGNATURES, patience)
  t.match(await seen.manifest, { code: 'registry.unauthorized', detail: /b has no credential for it/ })
})

t.test('a source that fails leaves what is open to be read by everybody', async t => {
  await registry.auth({ mode: 'none' })
  const failed = sourceOf('c', new Unavailable('registry.unauthorized', 'no'))
  t.equal(await resolve({ sources: [failed.source] }), image.digest)
})

t.test('who gives up, and a bug, are no refusal of a credential', async t => {
  const late = sourceOf('a', new Unavailable('deadline.exceeded', 'late'))
  t.equal(
    (await unavailable(resolve({ sources: [late.source, sourceOf('b', [right]).source] }))).code,
    'deadline.exceeded',
  )
  await t.rejects(resolve({ sources: [sourceOf('a', new TypeError('ours')).source] }), { name: 'TypeError' })
})

t.test('what the list of registries says of a registry goes alone', async t => {
  const { seen, source } = sourceOf('a', [right])
  const entry = { ...listed, username: 'bob', passwordFile: 'p' }
  t.equal(await resolve({ entry, sources: [source] }), image.digest)
  t.equal(seen.opened, 0)
})

t.test('a workload is given what is configured only where that is for all namespaces, and after its own', async t => {
  const { seen, source } = sourceOf('a', [right])
  const keychain = { logins: [], notes: ['secret "gone" does not exist'] }
  const closed = await unavailable(resolve({ keychain, sources: [source] }))
  t.equal(closed.code, 'registry.unauthorized')
  t.equal(seen.opened, 0, 'it is not even fetched')
  const entry = { ...listed, forAllNamespaces: true }
  t.equal(await resolve({ entry, keychain, sources: [source] }), image.digest)
  const own = { logins: [{ registry: host, path: '', credential: right, source: 's' }], notes: [] }
  const before = seen.opened
  t.equal(await resolve({ entry, keychain: own, sources: [source] }), image.digest)
  t.equal(seen.opened, before)
  const none = sourceOf('b', [])
  const { message } = await unavailable(resolve({ entry, keychain, sources: [none.source] }))
  t.match(message, /; b has no credential for it \(asked as nobody\); secret "gone" does not exist$/)
})

t.test('a caller keeps his name whatever he holds, and two have two', async t => {
  const scopes = (...sources: readonly CredentialSource[]) => viewOf({ sources }).scopesOf(ref(host, 'acme/app:v1'))
  t.strictSame(scopes(sourceOf('provider:a', [right]).source), scopes(sourceOf('provider:a', [wrong]).source))
  t.strictSame(
    scopes(sourceOf('provider:a', []).source, sourceOf('cloud:aws', []).source, sourceOf('provider:a', []).source),
    [`${host}/acme/app#provider:a`, `${host}/acme/app#cloud:aws`, `${host}/acme/app#anonymous`],
  )
})

t.test('of many only so many are tried', async t => {
  const many = sourceOf('many', [...Array.from({ length: MOST_LOGINS }, (_, n) => password(`${n}`)), right])
  t.equal((await unavailable(resolve({ sources: [many.source] }))).code, 'registry.unauthorized')
  const last = sourceOf('last', [...Array.from({ length: MOST_LOGINS - 1 }, (_, n) => password(`${n}`)), right])
  t.equal(await resolve({ sources: [last.source] }), image.digest)
})

t.test('an identity token is exchanged by POST with the token service of its registry', async t => {
  const forms: string[] = []
  const served: Served = await serve(t, (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers.authorization === 'Bearer x') return answerManifest(request, response)
    if (!request.url?.startsWith('/token')) {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${served.host}/token",service="s"` }).end()
      return
    }
    request.setEncoding('utf8').on('data', (text: string) => forms.push(`${request.method} ${text}`))
    request.on('end', () => response.end('{"access_token":"x"}'))
  })
  const { source } = sourceOf('a', [{ kind: 'token', token: 'identity' }])
  await viewOf({ entry: { host: served.host, plainHttp: true }, sources: [source] }).resolve(
    ref(served.host, 'a:v'),
    patience,
  )
  t.strictSame(forms, [
    'POST service=s&scope=repository%3Aa%3Apull&grant_type=refresh_token&client_id=shedu&refresh_token=identity',
  ])
})

t.test(
  'CVE-2026-48978, GHSA-vh4v-2xq2-g5cg: no realm of the registry’s choice and no redirect sees what a source holds',
  async t => {
    const evil = await serve(t, (_request, response) => response.end('{"token":"x"}'))
    for (const held of [right, { kind: 'token', token: 'identity' } as const]) {
      const { source } = sourceOf('a', [held])
      const luring = await serve(t, (_request, response) =>
        response.writeHead(401, { 'www-authenticate': `Bearer realm="http://localhost:${evil.port}/token"` }).end(),
      )
      const entry = { host: luring.host, plainHttp: true }
      await unavailable(viewOf({ entry, sources: [source] }).resolve(ref(luring.host, 'a:v'), patience))
      t.ok(luring.requests.every(({ headers }) => headers.authorization === undefined))
    }
    t.ok(evil.requests.every(({ headers, method }) => headers.authorization === undefined && method === 'GET'))
    const away = await serve(t, (request, response) => answerManifest(request, response))
    const sending = await serve(t, (request, response) => {
      if (request.headers.authorization !== undefined)
        response.writeHead(307, { location: `http://${away.host}/x` }).end()
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end()
    })
    const registries = [sending, away].map(({ host }) => ({ host, plainHttp: true }))
    const client = makeRegistryClient(
      parseRegistries({ registries }, () => ''),
      {},
      [sourceOf('a', [right]).source],
    )
    t.teardown(() => client.close())
    await client.viewOf(undefined).resolve(ref(sending.host, 'a:v'), patience)
    t.equal(away.requests.length, 1)
    t.equal(away.requests[0]?.headers.authorization, undefined)
  },
)
