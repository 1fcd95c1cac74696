/** One admission through the whole pipeline, and what is seen of it: its event, its counts, its spans. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace'
import t, { type Test } from 'tap'
import { assembleGate } from '#assembly/assemble-gate.ts'
import type { KubeObject } from '#core/domain/subject.ts'
import { makeLog } from '#core/runtime/log.ts'
import { makeMetrics } from '#core/runtime/make-metrics.ts'
import { openSpans } from '#core/runtime/otlp.ts'
import { makeSight } from '#core/runtime/sight.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makePod } from '#test/support/make-subject.ts'
import { buildServer } from '#webhook/server.ts'
import { bytesOf, makeDeps, makeRequest, makeReview } from './make-review.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const CI = { issuer: 'https://token.ci.test', subject: 'https://ci.test/acme/app/release.yml@refs/heads/main' }
const PASSWORD = 's3cret-p4ssw0rd'

const registry = await startRegistry(t)
const root = await registry.sigstore({ name: 'acme' })
const { digest } = await registry.image({ repository: 'app' })
const order = { repository: 'app', digest, keyless: { sigstore: 'acme', ...CI }, log: 'rekor1' } as const
await registry.sign({ ...order, layout: 'bundle' })

/** A gate over a registry that wants a password, an image that is signed without a key, and everything that looks on. */
async function open(t: Test) {
  await registry.faults([])
  await registry.auth({ mode: 'token', username: 'robot', password: PASSWORD })
  await registry.forgetRequests()
  const folder = t.testdir()
  const settings = writeSettings(folder)
  const file = join(folder, 'log')
  const { log, close: closeLog } = makeLog('info', file)
  const exporter = new InMemorySpanExporter()
  const { tracing } = openSpans(new SimpleSpanProcessor({ exporter }), 100, 'pod-0')
  const metrics = makeMetrics()
  const sight = makeSight(metrics, tracing)
  const assembled = await assembleGate({ ...settings, noMatch: 'deny', cacheBytes: 1024 * 1024 }, undefined, sight)
  t.teardown(assembled.close)
  const { deps } = makeDeps({}, { gate: () => assembled.gate, metrics, sight, log })
  const server = buildServer({ ...deps, trustRoots: () => ({ default: 'abc' }) })
  t.teardown(() => server.close())
  const ask = async (path: 'mutate' | 'validate', object: KubeObject) => {
    const payload = bytesOf(makeReview(makeRequest({ object })))
    const headers = { 'content-type': 'application/json', traceparent: `00-${TRACE}-${SPAN}-01` }
    const reply = await server.inject({ method: 'POST', url: `/${path}?timeout=10s`, payload, headers })
    return (JSON.parse(reply.payload) as { readonly response: { readonly allowed: boolean } }).response
  }
  const events = async () => {
    await closeLog()
    const lines = (await readFile(file, 'utf8')).trim().split('\n')
    return lines.map(line => JSON.parse(line) as Record<string, unknown>)
  }
  const image = `${registry.host}/app:v1@${digest}`
  return { metrics, image, ask, events, spans: () => exporter.getFinishedSpans() }
}

function writeSettings(folder: string) {
  const [policiesDir, trustRootsDir] = [join(folder, 'policies'), join(folder, 'roots')]
  mkdirSync(policiesDir, { recursive: true })
  mkdirSync(trustRootsDir, { recursive: true })
  const [registriesFile, passwordFile] = [join(folder, 'registries.json'), join(folder, 'password')]
  const spec = { images: [{ glob: `${registry.host}/**` }], authorities: [{ keyless: { identities: [CI] } }] }
  const policy = {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'p' },
    spec,
  }
  writeFileSync(join(policiesDir, 'p.json'), JSON.stringify(policy))
  writeFileSync(join(trustRootsDir, 'default.json'), JSON.stringify(root))
  writeFileSync(passwordFile, PASSWORD)
  const entry = { host: registry.host, plainHttp: true, username: 'robot', passwordFile }
  writeFileSync(registriesFile, JSON.stringify({ registries: [entry] }))
  return { policiesDir, trustRootsDir, registriesFile }
}

/** Names of the spans, each below its parent, in the order in which they began. */
function treeOf(spans: readonly ReadableSpan[], parent: string): readonly string[] {
  const children = spans.filter(span => span.parentSpanContext?.spanId === parent)
  const startOf = ({ startTime: [seconds, nanos] }: ReadableSpan) => seconds * 1e9 + nanos
  return children
    .toSorted((a, b) => startOf(a) - startOf(b))
    .flatMap(span => {
      const thing = span.attributes['shedu.thing']
      const name = typeof thing === 'string' ? `${span.name}: ${thing}` : span.name
      return [name, ...treeOf(spans, span.spanContext().spanId).map(line => `  ${line}`)]
    })
}

t.test('one admission is one tree of spans, in the trace of the API server', async t => {
  const { ask, image, spans, events } = await open(t)
  t.match(await ask('validate', makePod(image)), { allowed: true })
  const cold = spans()
  const tree = treeOf(cold, SPAN)
  t.comment(tree.join('\n'))
  t.equal(tree[0], 'validate')
  t.strictSame(
    tree.filter(line => /^ {2}\S/.test(line)),
    ['  plan', '  gather', '  judge'],
  )
  for (const line of [
    '    discover',
    '    verify',
    '      registry request: manifest',
    '      registry request: token',
  ])
    t.ok(tree.includes(line), line)
  t.ok(cold.every(span => span.spanContext().traceId === TRACE))
  const requests = cold.filter(({ name }) => name === 'registry request')
  t.equal(requests.length, (await registry.requests()).length)
  for (const { attributes } of requests)
    t.match(attributes, { 'server.address': registry.host, 'shedu.answer': String })
  const text = JSON.stringify(cold.map(({ name, attributes, events, status }) => [name, attributes, events, status]))
  for (const hidden of [PASSWORD, 'Bearer', 'service=', '/v2/', 'eyJ']) t.notMatch(text, hidden)
  const warmAt = cold.length
  await ask('validate', makePod(image))
  t.strictSame(treeOf(spans().slice(warmAt), SPAN), ['validate', '  plan', '  gather', '  judge'])
  t.match(await events(), [{ traceId: TRACE }, { traceId: TRACE }])
})

t.test('a tag is resolved under its own span', async t => {
  const { ask, spans } = await open(t)
  await ask('mutate', makePod(`${registry.host}/app:v1`))
  const tree = treeOf(spans(), SPAN)
  t.strictSame(tree.slice(0, 3), ['mutate', '  plan', '  resolve'])
  t.ok(tree.includes('    registry request: manifest'))
})

t.test('the event of a decision says what was decided about what, on what grounds, and what it took', async t => {
  const { ask, image, events } = await open(t)
  await ask('validate', makePod(image))
  const asked = (await registry.requests()).length
  await ask('validate', makePod(image))
  await ask('validate', makePod(`${registry.host}/unsigned@${digest}`))
  const [cold, warm, refused] = await events()
  const decided = {
    review: 'validate',
    group: '',
    kind: 'Pod',
    namespace: 'shop',
    name: 'web',
    operation: 'CREATE',
    user: 'someone',
    isDryRun: false,
    outcome: 'allow',
    codes: [],
    policies: ['p'],
    images: [image],
    trustRoots: { default: 'abc' },
    findings: { proof: 1, refusal: 0, silence: 0 },
    proofs: [{ proves: 'signature', digest, layout: 'bundle', signer: new RegExp(CI.issuer) }],
  }
  t.match(cold, { ...decided, cache: { hit: 0, miss: 1, shared: 0 }, registryRequests: asked })
  t.strictSame(
    new Set(Object.keys(cold?.['msOf'] as object)),
    new Set(['plan', 'gather', 'discover', 'registry', 'verify', 'judge']),
  )
  t.match(warm, { ...decided, cache: { hit: 1, miss: 0, shared: 0 }, registryRequests: 0 })
  t.match(refused, { outcome: 'deny', codes: [String], images: [`${registry.host}/unsigned@${digest}`], proofs: [] })
})

t.test('who waits for an answer that somebody else has asked for has asked for nothing', async t => {
  const { ask, image, events, metrics } = await open(t)
  await Promise.all(Array.from({ length: 5 }, () => ask('validate', makePod(image))))
  const all = (await events()).map(event => event['cache'] as Record<string, number>)
  const sum = (result: string) => all.reduce((sum, cache) => sum + (cache[result] ?? 0), 0)
  t.strictSame([sum('miss'), sum('shared') + sum('hit')], [1, 4])
  const text = await metrics.registry.metrics()
  t.match(text, 'shedu_cache_lookups_total{tier="memory",result="miss"} 1\n')
  t.match(text, 'shedu_verify_duration_seconds_count{kind="witnessed",place="inline"} 1\n')
  t.match(text, /shedu_registry_requests_total\{outcome="ok"\} [1-9]/)
})

t.test('neither passwords nor tokens get into the log, whatever is asked and whatever fails', async t => {
  const { ask, events } = await open(t)
  const token = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(`{"sub":"${PASSWORD}"}`).toString('base64url')}.c2ln`
  const images = [
    `https://robot:${PASSWORD}@${registry.host}/app:v1`,
    `robot:${PASSWORD}@${registry.host}/app:v1`,
    `${registry.host}/app@${digest}?token=${PASSWORD}`,
    `${registry.host}/${token}`,
  ]
  for (const image of images) await ask('validate', makePod(image))
  await registry.faults([{ fault: { status: 500, body: PASSWORD } }])
  await ask('validate', makePod(`${registry.host}/other@${digest}`))
  await registry.auth({ mode: 'token', username: 'robot', password: 'another' })
  await ask('validate', makePod(`${registry.host}/third@${digest}`))
  const object = { ...makePod('a'), metadata: { annotations: { password: PASSWORD } }, spec: { containers: PASSWORD } }
  await ask('validate', object)
  const all = await events()
  t.equal(all.length, images.length + 3)
  const text = JSON.stringify(all)
  for (const hidden of [PASSWORD, Buffer.from(`robot:${PASSWORD}`).toString('base64'), token]) t.notMatch(text, hidden)
})
