import { readFile, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { AssembledGate, GateSettings } from '#assembly/assemble-gate.ts'
import type { PolicyListener, PolicyWatch } from '#assembly/policy-watch.ts'
import { issueServingCertificate } from '#certs/presented/issue.ts'
import type { ClusterEvent } from '#core/cluster/events.ts'
import { InputError } from '#core/domain/input-error.ts'
import { refusal } from '#core/domain/refusal.ts'
import { parseImageGlob } from '#policies/image-glob.ts'
import type { Policy } from '#policies/policy.ts'
import { DIGEST, makeGate, makePod, makeProof } from '#test/support/make-subject.ts'
import { readConfig } from '#webhook/config.ts'
import { type Program, type ProgramDeps, startProgram } from '#webhook/program.ts'
import { bytesOf, makeDeps, makeRequest, makeReview, UID } from './make-review.ts'

const REVIEW = bytesOf(makeReview(makeRequest({ object: makePod(`r.test/app@${DIGEST}`) })))

type Setup = {
  readonly env?: Record<string, string>
  readonly assemble?: ProgramDeps['assemble']
  readonly watchPolicies?: ProgramDeps['watchPolicies']
  readonly openEvents?: ProgramDeps['openEvents']
}

const noWatch: ProgramDeps['watchPolicies'] = () => Promise.reject(new Error('not to be called'))
const noEvents: ProgramDeps['openEvents'] = () => Promise.reject(new Error('not to be called'))

/** A program on free ports with a gate that admits what it is shown. */
async function start(
  t: Test,
  { env = {}, assemble = async () => assembled(), watchPolicies = noWatch, openEvents = noEvents }: Setup = {},
) {
  const { deps, logged, metrics } = makeDeps()
  const ca = join(t.testdir(), 'ca.pem')
  const ports = { SHEDU_PORT: '0', SHEDU_OPS_PORT: '0', SHEDU_DRAIN_MS: '0', SHEDU_TLS_CA_OUT: ca }
  const config = readConfig({ ...ports, ...env })
  const program = await startProgram(config, { assemble, watchPolicies, openEvents, log: deps.log, metrics })
  program.ready.catch(() => {})
  t.teardown(program.drain)
  return { program, logged, ca }
}

function assembled(overrides: Partial<AssembledGate> = {}): AssembledGate {
  return {
    gate: makeGate(),
    over: () => makeGate(),
    policies: [],
    explain: () => Promise.reject(new Error('not to be called')),
    trustRoots: () => new Map(),
    verifierQueue: () => 0,
    warnings: [],
    close: async () => {},
    ...overrides,
  }
}

async function ops(program: Program, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${program.opsPort}${path}`, { headers: { connection: 'close' } })
  return `${response.status} ${(await response.text()).trim()}`
}

/** Posts the review and gives the response member of the answer. */
async function ask(
  program: Program,
  ca: string,
  options: https.RequestOptions = {},
  review = REVIEW,
): Promise<Record<string, unknown>> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const headers = { 'content-type': 'application/json' }
  const target = { host: '127.0.0.1', port: program.port, path: '/validate', method: 'POST', ca: await readFile(ca) }
  https
    .request({ ...target, headers, ...options }, resolve)
    .on('error', reject)
    .end(review)
  let text = ''
  for await (const chunk of (await promise).setEncoding('utf8')) text += chunk
  return (JSON.parse(text) as { response: Record<string, unknown> }).response
}

t.test('it listens before it is ready, says why it is not, and answers closed meanwhile', async t => {
  const assembling = Promise.withResolvers<AssembledGate>()
  const { program, logged, ca } = await start(t, { assemble: () => assembling.promise })
  t.match(logged, [{ msg: 'listening', port: program.port, opsPort: program.opsPort }])
  t.equal(await ops(program, '/healthz'), '200 ok')
  t.equal(await ops(program, '/readyz'), '503 starting: policies are not loaded yet')
  t.match(await ask(program, ca), {
    uid: UID,
    allowed: false,
    status: { code: 503, message: /not loaded its policies/ },
  })
  assembling.resolve(assembled({ warnings: ['the glob matches nothing'] }))
  await program.ready
  t.equal(await ops(program, '/readyz'), '200 ok')
  t.match(await ask(program, ca), { uid: UID, allowed: true })
  t.match(logged.at(-2), { msg: 'ready' })
  t.ok(logged.some(({ warning }) => warning === 'the glob matches nothing'))
})

t.test('the metrics tell readiness, policies and the life of the certificate', async t => {
  const { program } = await start(t)
  await program.ready
  const text = await ops(program, '/metrics')
  t.match(text, /\nshedu_ready 1\n/)
  const seconds = Number(/\nshedu_certificate_expiry_timestamp_seconds (\S+)/.exec(text)?.[1])
  t.ok(Math.abs(seconds * 1000 - Date.now() - 30 * 24 * 60 * 60 * 1000) < 60_000)
  t.equal(await ops(program, '/validate').then(text => text.slice(0, 3)), '404')
})

t.test('the settings of the gate reach whoever assembles it', async t => {
  const seen: GateSettings[] = []
  const env = {
    SHEDU_POLICIES_DIR: '/p',
    SHEDU_REGISTRIES_FILE: '/r',
    SHEDU_NO_MATCH: 'warn',
    SHEDU_CACHE_BYTES: '1Mi',
  }
  await start(t, {
    env,
    assemble: async settings => {
      seen.push(settings)
      return assembled()
    },
  })
  t.match(seen, [{ policiesDir: '/p', registriesFile: '/r', noMatch: 'warn', cacheBytes: 1_048_576 }])
})

t.test('what cannot be assembled is heard of, and until then nothing is admitted', async t => {
  const { program, ca } = await start(t, { assemble: () => Promise.reject(new InputError('no policy in "/p"')) })
  await t.rejects(program.ready, new InputError('no policy in "/p"'))
  t.match(await ops(program, '/readyz'), /^503/)
  t.match(await ask(program, ca), { allowed: false })
})

t.test('draining says so, still answers, then closes both ports and the gate, in that order', async t => {
  const order: string[] = []
  const asked = Promise.withResolvers<void>()
  const proceed = Promise.withResolvers<void>()
  const gate = makeGate({
    prove: async (_image, demands) => {
      asked.resolve()
      await proceed.promise
      order.push('answered')
      return demands.map(() => makeProof())
    },
  })
  const close = async () => void order.push('gate closed')
  const { program, ca, logged } = await start(t, {
    env: { SHEDU_DRAIN_MS: '100' },
    assemble: async () => assembled({ gate, close }),
  })
  await program.ready
  const pending = ask(program, ca)
  await asked.promise
  const drained = program.drain()
  t.equal(await ops(program, '/readyz'), '503 draining: this process is about to end')
  const late = ask(program, ca)
  await new Promise(resolve => setTimeout(resolve, 150))
  await t.rejects(ask(program, ca), { code: 'ECONNREFUSED' }, 'nothing new is accepted')
  proceed.resolve()
  t.match(await pending, { uid: UID, allowed: true })
  t.match(await late, { uid: UID, allowed: true }, 'what came while draining is judged')
  await drained
  t.strictSame(order, ['answered', 'answered', 'gate closed'])
  await t.rejects(ops(program, '/readyz'))
  t.match(logged.at(-1), { msg: 'ended' })
})

t.test('a program that never was ready does not wait for anyone when it ends', async t => {
  const assembling = Promise.withResolvers<AssembledGate>()
  const { program } = await start(t, { env: { SHEDU_DRAIN_MS: '60000' }, assemble: () => assembling.promise })
  let closed = false
  const drained = program.drain()
  assembling.resolve(assembled({ close: async () => void (closed = true) }))
  await drained
  t.ok(closed, 'a gate that arrives late is closed all the same')
})

t.test('a port that is taken is an error, and leaves nothing listening', async t => {
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => other.close())
  const { port } = other.address() as { port: number }
  await t.rejects(start(t, { env: { SHEDU_PORT: String(port) } }), { code: 'EADDRINUSE' })
})

t.test('a certificate authority that cannot be written is a mistake in the settings', async t => {
  await t.rejects(start(t, { env: { SHEDU_TLS_CA_OUT: '/dev/null/ca.pem' } }), InputError)
})

t.test('files of the administrator are shown in place of an issued certificate', async t => {
  const env = { SHEDU_TLS_CERT_FILE: '/none.crt', SHEDU_TLS_KEY_FILE: '/none.key' }
  const { deps, metrics } = makeDeps()
  const config = readConfig({ SHEDU_PORT: '0', SHEDU_OPS_PORT: '0', ...env })
  await t.rejects(
    startProgram(config, {
      assemble: async () => assembled(),
      watchPolicies: noWatch,
      openEvents: noEvents,
      log: deps.log,
      metrics,
    }),
    /cannot read the certificate "\/none\.crt"/,
  )
})

/** A watch in the hands of the test. */
function makeWatch() {
  const opened = Promise.withResolvers<PolicyListener>()
  const asked: unknown[] = []
  let closed = 0
  const watch: PolicyWatch = { staleMs: () => 4000, close: async () => void closed++ }
  const watchPolicies: ProgramDeps['watchPolicies'] = async (kubeconfig, files, listener) => {
    asked.push(kubeconfig, files.length)
    opened.resolve(listener)
    return watch
  }
  return { watchPolicies, listener: opened.promise, asked, closed: () => closed }
}

function makePolicy(name: string): Policy {
  const requires = { kind: 'invalid', detail: '' } as const
  return { name, source: name, mode: 'enforce', images: [parseImageGlob('**')], requires }
}

const CLUSTER = { SHEDU_POLICIES_FROM: 'cluster', SHEDU_POLICIES_DIR: '/not/read', SHEDU_KUBECONFIG: '/k' }

/** Admits while there is a policy. */
function over(policies: readonly Policy[]) {
  return policies.length > 0 ? makeGate() : DENYING
}

const DENYING = makeGate({
  judge: () => ({ outcome: 'deny', objections: [], policies: [], warnings: [], unmatched: [] }),
})

t.test('with policies from the cluster it is ready when all have been seen, even if there are none', async t => {
  const { watchPolicies, listener, asked, closed } = makeWatch()
  const settings: GateSettings[] = []
  const assemble = async (given: GateSettings) => (settings.push(given), assembled({ over }))
  const { program, ca, logged } = await start(t, { env: CLUSTER, assemble, watchPolicies })
  const { onPolicies, report } = await listener
  t.match(settings, [{ policiesDir: undefined }])
  t.strictSame(asked, ['/k', 0])
  report(new Error('gone'))
  t.equal(await ops(program, '/readyz'), '503 starting: policies are not loaded yet')
  t.match(await ask(program, ca), { allowed: false, status: { code: 503 } })
  onPolicies({ inForce: [], news: [], count: () => 0 })
  await program.ready
  t.equal(await ops(program, '/readyz'), '200 ok')
  t.match(await ask(program, ca), { allowed: false, status: { code: 403 } })
  onPolicies({
    inForce: [makePolicy('a')],
    news: [
      { name: 'a', standing: 'valid', faults: [], warnings: ['odd'] },
      { name: 'b', standing: 'refusing', faults: ['f'], warnings: [] },
      { name: 'c', standing: 'gone' },
    ],
    count: standing => (standing === 'refusing' ? 1 : 0),
  })
  t.match(await ask(program, ca), { allowed: true })
  const metrics = await ops(program, '/metrics')
  t.match(metrics, /shedu_policies 1\n/)
  t.match(metrics, /shedu_policies_invalid\{in_place="refusing"\} 1\n/)
  t.match(metrics, /^shedu_policies_stale_seconds 4$/m)
  const said = [
    'policy is in force',
    'policy warning',
    'policy is not valid, the images it names are refused',
    'policy is gone',
  ]
  for (const msg of said)
    t.ok(
      logged.some(event => event['msg'] === msg),
      msg,
    )
  await program.drain()
  t.equal(closed(), 1)
})

t.test('an admission ends with the policies it began with', async t => {
  const { watchPolicies, listener } = makeWatch()
  const asked = Promise.withResolvers<void>()
  const proceed = Promise.withResolvers<void>()
  const slow = makeGate({
    prove: async (_image, demands) => {
      asked.resolve()
      await proceed.promise
      return demands.map(() => makeProof())
    },
  })
  const assemble = async () => assembled({ over: policies => (policies.length > 0 ? slow : DENYING) })
  const { program, ca } = await start(t, { env: CLUSTER, assemble, watchPolicies })
  const { onPolicies } = await listener
  const none = { inForce: [], news: [], count: () => 0 }
  onPolicies({ ...none, inForce: [makePolicy('a')] })
  await program.ready
  const begun = ask(program, ca)
  await asked.promise
  onPolicies(none)
  t.match(await ask(program, ca), { allowed: false })
  proceed.resolve()
  t.match(await begun, { allowed: true })
})

t.test(
  'with policies from both, those of files are handed on, and a cluster that cannot be opened is heard of',
  async t => {
    const { watchPolicies, listener, asked } = makeWatch()
    const env = { ...CLUSTER, SHEDU_POLICIES_FROM: 'both' }
    const assemble = async () => assembled({ over, policies: [makePolicy('a')] })
    await start(t, { env, assemble, watchPolicies })
    await listener
    t.strictSame(asked, ['/k', 1])
    const { program } = await start(t, {
      env,
      assemble,
      watchPolicies: () => Promise.reject(new InputError('no file')),
    })
    await t.rejects(program.ready, new InputError('no file'))
  },
)

t.test('it ends while the cluster has not answered yet', async t => {
  const { watchPolicies, listener, closed } = makeWatch()
  const { program } = await start(t, { env: CLUSTER, assemble: async () => assembled({ over }), watchPolicies })
  await listener
  await program.drain()
  t.equal(closed(), 1)
})

t.test('is not ready any more once the serving certificate has ended', async t => {
  const dir = t.testdir()
  const issued = await issueServingCertificate(['127.0.0.1'], 3000, new Date())
  const env = { SHEDU_TLS_CERT_FILE: join(dir, 'tls.crt'), SHEDU_TLS_KEY_FILE: join(dir, 'tls.key') }
  await writeFile(env.SHEDU_TLS_CERT_FILE, issued.cert)
  await writeFile(env.SHEDU_TLS_KEY_FILE, issued.key)
  const config = readConfig({ SHEDU_PORT: '0', SHEDU_OPS_PORT: '0', SHEDU_DRAIN_MS: '0', ...env })
  const { deps, metrics } = makeDeps()
  const assemble = async () => assembled()
  const program = await startProgram(config, {
    assemble,
    watchPolicies: noWatch,
    openEvents: noEvents,
    log: deps.log,
    metrics,
  })
  t.teardown(program.drain)
  await program.ready
  while ((await ops(program, '/readyz')).startsWith('200')) await new Promise(resolve => setTimeout(resolve, 50))
  t.match(await ops(program, '/readyz'), /^503 expired: the serving certificate ended at/)
  t.ok(Date.now() >= issued.notAfter.getTime() - 1000, 'certificates know whole seconds')
})

t.test('a refusal is recorded about the controller of what was refused, where events are on', async t => {
  const recorded: ClusterEvent[] = []
  const order: string[] = []
  const openEvents: ProgramDeps['openEvents'] = async kubeconfig => {
    order.push(`opened ${kubeconfig}`)
    const close = async () => void order.push('closed')
    return { record: event => void recorded.push(event), dropped: () => 5, close }
  }
  const gate = makeGate({ prove: async () => [refusal('image.unsigned', 'nothing there')] })
  const env = { SHEDU_EVENTS: 'on', SHEDU_KUBECONFIG: '/a/kubeconfig' }
  const { program, ca } = await start(t, { env, openEvents, assemble: async () => assembled({ gate }) })
  await program.ready
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'u', controller: true }
  const owned = { ...makePod(`r.test/app@${DIGEST}`), metadata: { ownerReferences: [owner] } }
  const reviewOf = (request: object) => bytesOf(makeReview(makeRequest({ object: owned, ...request })))
  t.match(await ask(program, ca, {}, reviewOf({})), { allowed: false })
  await ask(program, ca, {}, reviewOf({ dryRun: true }))
  await ask(program, ca)
  t.match(recorded, [{ reason: 'ImageRefused', note: /image\.unsigned/, regarding: { name: 'web-1' } }])
  t.equal(recorded.length, 1)
  t.match(await ops(program, '/metrics'), 'shedu_events_dropped_total 5\n')
  await program.drain()
  t.strictSame(order, ['opened /a/kubeconfig', 'closed'])
})

t.test('the metrics tell which trust roots are in force, until when, and what could not be taken', async t => {
  const soon = Date.now() + 60_000
  const log = { baseUrl: '', id: '', keyHint: '', key: { fingerprint: '', spki: '' } }
  const ends = [undefined, soon + 5000, soon, Date.now() - 60_000]
  const logs = ends.map(until => ({ ...log, validFor: { from: 0, until } }))
  const none = { authorities: [], timestampAuthorities: [], certificateLogs: [] }
  const root = { ...none, name: 'default', version: 'abcdef0123456789', logs }
  const assemble: ProgramDeps['assemble'] = async (_settings, listener) => {
    listener?.onTrustRoots({ roots: new Map([['default', root]]), ignored: [] })
    listener?.report(new InputError('no JSON'))
    return assembled()
  }
  const { program, logged, ca } = await start(t, { assemble })
  await program.ready
  const text = await ops(program, '/metrics')
  t.match(text, 'shedu_trust_roots 1\n')
  t.match(text, `shedu_trust_roots_expiry_timestamp_seconds ${soon / 1000}\n`)
  t.match(text, 'shedu_trust_root_reloads_total{result="taken"} 1\n')
  t.match(text, 'shedu_trust_root_reloads_total{result="failed"} 1')
  await ask(program, ca)
  t.match(logged.at(-1), { msg: 'admission decided', trustRoots: { default: 'abcdef012345' } })
})
