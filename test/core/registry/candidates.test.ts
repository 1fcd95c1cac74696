import t from 'tap'
import { MOST_LOGINS } from '#core/registry/candidates.ts'
import type { Credential } from '#core/registry/credential.ts'
import type { Keychain } from '#core/registry/keychain.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makeClient, makeViews, patience, pinned, ref, SIGNATURES, unavailable } from './make-client.ts'
import { answerManifest, serve } from './serve.ts'

const registry = await startRegistry(t)
const { host } = registry
const image = await registry.image({ repository: 'acme/app' })
const listed = { host, plainHttp: true }
t.beforeEach(() => registry.auth({ mode: 'none' }))

function password(password: string, username = 'bob'): Credential {
  return { kind: 'password', username, password }
}

const right = password('hunter2')
const wrong = password('hunter3')

function keychain(...credentials: readonly Credential[]): Keychain {
  const logins = credentials.map((credential, n) => ({ registry: host, path: '', credential, source: `secret ${n}` }))
  return { logins, notes: ['secret "gone" does not exist'] }
}

/** What was asked, by kind of credential and answer. */
async function asked(): Promise<readonly string[]> {
  const requests = await registry.requests()
  await registry.forgetRequests()
  return requests.map(({ authorization, status }) => `${authorization} ${status}`)
}

async function presence(...credentials: readonly Credential[]) {
  const { manifest, places, scope } = makeClient(t, [listed], { keychain: keychain(...credentials) }).discover(
    pinned(host, 'acme/app', image.digest),
    SIGNATURES,
    patience,
  )
  return { manifest: await manifest, places: await Promise.all(places), scope: await scope }
}

for (const mode of ['basic', 'token'] as const) {
  t.test(`with ${mode} authentication a workload's own credential is let in`, async t => {
    await registry.auth({ mode, username: 'bob', password: 'hunter2' })
    const client = makeClient(t, [listed], { keychain: keychain(right) })
    t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
    const seen = await presence(right)
    t.equal(seen.manifest, 'present')
    t.equal(seen.scope, client.scopesOf(ref(host, 'acme/app:v1'))[0])
  })

  t.test(`with ${mode} authentication a wrong credential does not stand in the way of a right one`, async t => {
    await registry.auth({ mode, username: 'bob', password: 'hunter2' })
    const client = makeClient(t, [listed], { keychain: keychain(wrong, right) })
    t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
    const seen = await presence(wrong, right)
    t.equal(seen.manifest, 'present')
    t.equal(seen.scope, client.scopesOf(ref(host, 'acme/app:v1'))[1], 'and the one that was let in is named')
  })

  t.test(`with ${mode} authentication a refusal says who was tried and what is missing, and no secret`, async t => {
    await registry.auth({ mode, username: 'bob', password: 'hunter2' })
    const client = makeClient(t, [listed], { keychain: keychain(wrong) })
    const { code, message } = await unavailable(client.resolve(ref(host, 'acme/app:v1'), patience))
    t.equal(code, 'registry.unauthorized')
    t.match(message, /\(asked as secret 0, nobody\); secret "gone" does not exist$/)
    t.notMatch(message, /hunter|bob/)
    const seen = await presence(wrong)
    t.match(seen, { manifest: { code: 'registry.unauthorized' }, places: [{ silences: [{}] }, { silences: [{}] }] })
  })
}

t.test('a token that one password was given is not used for another password of the same name', async t => {
  await registry.auth({ mode: 'token', username: 'bob', password: 'hunter2' })
  const entry = { ...listed, username: 'bob', passwordFile: 'p', forAllNamespaces: true }
  const client = makeClient(t, [entry], { files: { p: 'hunter2' }, keychain: keychain(wrong) })
  await client.resolve(ref(host, 'acme/app:v1'), patience)
  await registry.forgetRequests()
  await client.resolve(ref(host, 'acme/app:v1'), patience)
  const [first] = await asked()
  t.equal(first, 'basic 401', 'the wrong one has to ask for itself')
})

t.test('who asks for the same at the same time as another shares no answer with him', async t => {
  const { host } = await serve(t, (request, response) => {
    if (request.headers.authorization === undefined)
      response.writeHead(401, { 'www-authenticate': 'Basic realm=x' }).end()
    else setTimeout(() => answerManifest(request, response), 100)
  })
  const viewOf = makeViews(t, [{ host, plainHttp: true }])
  const credential = { kind: 'password', username: 'bob', password: 'hunter2' } as const
  const bob = viewOf({ logins: [{ registry: host, path: '', source: 'of Bob', credential }], notes: [] })
  const nobody = viewOf({ logins: [], notes: [] })
  // From now on it is known what the registry asks for, and Bob is let in by his first request.
  await bob.resolve(ref(host, 'a:v'), patience)
  const [his, ours] = await Promise.allSettled([bob, nobody].map(view => view.resolve(ref(host, 'a:v'), patience)))
  t.equal(his?.status, 'fulfilled')
  t.match(ours, { status: 'rejected', reason: { code: 'registry.unauthorized' } })
})

t.test('of many reasons only the first are said', async t => {
  const view = makeClient(t, [listed], { keychain: { logins: [], notes: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] } })
  t.equal(view.explain(ref(host, 'acme/app:v1'), 'no'), 'no (asked as nobody); a; b; c; d; e; and 2 more')
})

t.test('an image that is open is read as nobody when every credential is refused', async t => {
  await registry.auth({ mode: 'anonymous-token', username: 'bob', password: 'hunter2' })
  const client = makeClient(t, [listed], { keychain: keychain(wrong) })
  t.equal(await client.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
})

t.test('403 is a refusal of the credential, 404 and silence are answers', async t => {
  const client = makeClient(t, [listed], { keychain: keychain(wrong, right) })
  for (const [status, count] of [
    [403, 3],
    [404, 1],
    [500, 1],
    [429, 1],
  ] as const) {
    await registry.faults([{ kind: 'manifest', fault: { status } }])
    await registry.forgetRequests()
    await client.resolve(ref(host, 'acme/app:v1'), patience).catch(() => {})
    t.equal((await asked()).length, count, `${status}`)
  }
  await registry.faults([])
})

t.test('the gate’s own credential is for a workload only where it is for all namespaces', async t => {
  await registry.auth({ mode: 'basic', username: 'bob', password: 'hunter2' })
  const files = { p: 'hunter2' }
  const entry = { ...listed, username: 'bob', passwordFile: 'p' }
  const own = makeClient(t, [entry], { files, keychain: keychain() })
  t.equal((await unavailable(own.resolve(ref(host, 'acme/app:v1'), patience))).code, 'registry.unauthorized')
  t.strictSame(
    (await asked()).filter(one => one.startsWith('basic')),
    [],
  )
  const shared = makeClient(t, [{ ...entry, forAllNamespaces: true }], { files, keychain: keychain(wrong) })
  t.equal(await shared.resolve(ref(host, 'acme/app:v1'), patience), image.digest)
  const all = makeClient(t, [entry], { files })
  t.equal(await all.resolve(ref(host, 'acme/app:v1'), patience), image.digest, 'without a keychain it is for all')
})

t.test('a registry on another host sees no credential, and no realm of its choice does', async t => {
  const evil = await serve(t, (_request, response) =>
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
  )
  const client = makeClient(t, [listed, { host: evil.host, plainHttp: true }], { keychain: keychain(right) })
  await unavailable(client.resolve(ref(evil.host, 'acme/app:v1'), patience))
  t.ok(evil.requests.length > 0)
  t.ok(evil.requests.every(({ headers }) => headers.authorization === undefined))
  const elsewhere = await serve(t, (_request, response) => response.end('{"token":"x"}'))
  const luring = await serve(t, (_request, response) =>
    response.writeHead(401, { 'www-authenticate': `Bearer realm="http://localhost:${elsewhere.port}/"` }).end(),
  )
  const lured = { logins: [{ registry: luring.host, path: '', credential: right, source: 's' }], notes: [] }
  const view = makeClient(t, [{ host: luring.host, plainHttp: true }], { keychain: lured })
  await unavailable(view.resolve(ref(luring.host, 'acme/app:v1'), patience))
  t.strictSame(elsewhere.requests, [], 'CVE-2026-48978')
})

t.test('one credential in two Secrets is tried once, and of many only the first', async t => {
  await registry.auth({ mode: 'basic', username: 'bob', password: 'hunter2' })
  const scopes = (...credentials: readonly Credential[]) =>
    makeClient(t, [listed], { keychain: keychain(...credentials) }).scopesOf(ref(host, 'acme/app:v1'))
  t.equal(scopes(wrong, password('hunter3'), wrong).length, 2)
  const many = Array.from({ length: MOST_LOGINS + 1 }, (_, n) => password(`${n}`))
  t.equal(scopes(...many).length, MOST_LOGINS + 1, 'and nobody')
  t.match(scopes(...many).at(-1), /#anonymous$/)
})
