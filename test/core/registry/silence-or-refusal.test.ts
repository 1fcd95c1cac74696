import t from 'tap'
import { Unavailable } from '#core/domain/unavailable.ts'
import { FAILURES_IN_A_ROW } from '#core/registry/breaker.ts'
import { deadline } from '#core/runtime/deadline.ts'
import type { Fault } from '#test/support/embedded-registry.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makeAuthority } from './make-certificate.ts'
import { makeClient, patience, pinned, ref, SIGNATURES } from './make-client.ts'
import { answerManifest, serve, serveNothing } from './serve.ts'

const registry = await startRegistry(t)
const { host } = registry
const listed = { host, plainHttp: true }
const { digest } = await registry.image({ repository: 'acme/app' })
const other = await registry.image({ repository: 'acme/app', tag: 'other', contents: 'something else' })
await registry.key('k')
await registry.sign({ repository: 'acme/app', digest, key: 'k' })
t.afterEach(() => registry.faults([]))

type Client = ReturnType<typeof makeClient>
const SILENCE_MS = 400

/** What became of asking for the image by its digest: `present`, or kind and code. */
async function byDigest(client: Client, at: string, signal: AbortSignal): Promise<string> {
  const presence = await client.discover(pinned(at, 'acme/app', digest), SIGNATURES, signal).manifest
  return presence === 'present' ? presence : `${presence.kind} ${presence.code}`
}

async function byTag(client: Client, at: string, signal: AbortSignal): Promise<string> {
  try {
    const found = await client.resolve(ref(at, 'acme/app:v1'), signal)
    return typeof found === 'string' ? found : `${found.kind} ${found.code}`
  } catch (error) {
    if (error instanceof Unavailable) return `silence ${error.code}`
    throw error
  }
}

/** The world did not answer: nothing is known, and it is never said that the image is at fault. */
const SILENT: readonly [string, Fault, string][] = [
  ['no answer at all', { hang: true }, 'registry.unreachable'],
  ['a first byte that comes too late', { latencyMs: 4 * SILENCE_MS }, 'registry.unreachable'],
  ['a connection that is broken off', { disconnect: true }, 'registry.unreachable'],
  ['fewer bytes than were promised', { lieLength: 100 }, 'registry.unreachable'],
  ['a server error', { status: 500 }, 'registry.unreachable'],
  ['a bad gateway', { status: 502 }, 'registry.unreachable'],
  ['a service that is down', { status: 503 }, 'registry.unreachable'],
  ['a gateway that waited too long', { status: 504 }, 'registry.unreachable'],
  ['a status that means nothing here', { status: 418 }, 'registry.unreachable'],
  ['a service that is down for a while', { status: 503, retryAfterSeconds: 30 }, 'registry.throttled'],
  ['too many requests', { status: 429 }, 'registry.throttled'],
  ['too many requests, for a while', { status: 429, retryAfterSeconds: 30 }, 'registry.throttled'],
  ['a credential that is wanted', { status: 401 }, 'registry.unauthorized'],
  ['a door that is shut', { status: 403 }, 'registry.unauthorized'],
  ['a redirect to nowhere', { redirectTo: 'http://registry.invalid/' }, 'registry.unreachable'],
  ['a redirect to a metadata service', { redirectTo: 'http://169.254.169.254/' }, 'registry.unreachable'],
  ['an encoding that nobody asked for', { headers: { 'content-encoding': 'gzip' } }, 'registry.unreachable'],
]

/** The registry answered, and what it said cannot be right. */
const REFUSED: readonly [string, Fault, string][] = [
  ['content that was changed', { corruptByte: 9 }, 'image.digest-mismatch'],
  ['a digest in a header that is not the content’s', { wrongDigestHeader: other.digest }, 'image.digest-mismatch'],
  ['content that is cut off, by a length that says so', { lieLength: -10 }, 'image.digest-mismatch'],
  ['more than is read', { oversizeBytes: 2 * 1024 * 1024 }, 'limit.exceeded'],
  ['a type that fits no image', { contentType: 'text/html' }, 'image.ambiguous-manifest'],
  ['nothing there', { status: 404 }, 'image.not-found'],
]

t.test('a fault of the world is silence and a fault of the content a refusal, by digest and by tag', async t => {
  for (const [kind, cases] of [
    ['silence', SILENT],
    ['refusal', REFUSED],
  ] as const) {
    for (const [what, fault, code] of cases) {
      await registry.faults([{ kind: 'manifest', fault }])
      const client = () => makeClient(t, [listed], { limits: { silenceMs: SILENCE_MS } })
      t.equal(await byDigest(client(), host, patience), `${kind} ${code}`, `${what}, by digest`)
      t.equal(await byTag(client(), host, patience), `${kind} ${code}`, `${what}, by tag`)
    }
  }
})

t.test('the same faults of what is attached leave the image unproven and say which it was', async t => {
  // A length that is not the descriptor's is not believed to begin with, and is no silence there.
  for (const [what, fault, code] of SILENT.filter(([, { lieLength }]) => lieLength === undefined)) {
    await registry.faults([{ kind: 'blob', fault }])
    const client = makeClient(t, [listed], { limits: { silenceMs: SILENCE_MS } })
    const place = await client.discover(pinned(host, 'acme/app', digest), SIGNATURES, patience).places[0]
    t.strictSame(place?.artefacts, [], what)
    t.equal(place?.silences[0]?.code, code, what)
    t.strictSame(place?.refusals, [], what)
  }
  for (const fault of [{ corruptByte: 3 }, { lieLength: 100 }, { lieLength: -10 }, { oversizeBytes: 1_000_000 }]) {
    await registry.faults([{ kind: 'blob', fault }])
    const client = makeClient(t, [listed])
    const place = await client.discover(pinned(host, 'acme/app', digest), SIGNATURES, patience).places[0]
    t.match(
      place,
      { artefacts: [], silences: [], refusals: [{ code: 'image.digest-mismatch' }] },
      JSON.stringify(fault),
    )
  }
})

t.test('a slow-loris that sends a byte now and then is given up when the time is, and is silence', async t => {
  await registry.faults([{ kind: 'manifest', fault: { dripMs: 50 } }])
  const client = makeClient(t, [listed], { limits: { silenceMs: SILENCE_MS } })
  for (const ask of [byDigest, byTag]) {
    using limit = deadline(300)
    const begun = performance.now()
    t.equal(await ask(client, host, limit.signal), 'silence deadline.exceeded')
    t.ok(performance.now() - begun < 2000)
  }
})

t.test(
  'a name that leads nowhere, a port where nobody is, and a certificate by nobody we know are silence',
  async t => {
    const authority = await makeAuthority()
    const { host: foreign } = await serve(t, answerManifest, await authority.issue({ ip: '127.0.0.1' }))
    for (const [at, plainHttp] of [
      ['registry.invalid', false],
      [await serveNothing(), true],
      [foreign, false],
      [host, false],
    ] as const) {
      const client = makeClient(t, [{ host: at, plainHttp }])
      t.equal(await byDigest(client, at, patience), 'silence registry.unreachable', at)
      t.equal(await byTag(client, at, patience), 'silence registry.unreachable', at)
    }
  },
)

t.test(
  'a registry that is left alone because it failed is silence, and a signature that lies there no refusal',
  async t => {
    const client = makeClient(t, [listed])
    await registry.faults([{ fault: { disconnect: true } }])
    for (let n = 0; n < FAILURES_IN_A_ROW; n++) await byTag(client, host, patience)
    await registry.faults([])
    t.equal(await byDigest(client, host, patience), 'silence registry.unreachable')
    const { places } = client.discover(pinned(host, 'acme/app', digest), SIGNATURES, patience)
    for (const { refusals, silences } of await Promise.all(places)) {
      t.strictSame(refusals, [])
      t.match(silences[0], { code: 'registry.unreachable', detail: /not asked, because/ })
    }
  },
)
