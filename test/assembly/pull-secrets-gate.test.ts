/** The whole gate with a registry that asks for credentials, and an API server that holds the Secrets of two namespaces. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { assembleGate } from '#assembly/assemble-gate.ts'
import type { Verdict } from '#core/domain/verdict.ts'
import type { Gate } from '#core/gate/gate.ts'
import { preflight } from '#core/gate/preflight.ts'
import type { Environment } from '#core/runtime/settings.ts'
import { makePrograms, says } from '#test/core/credentials/make-programs.ts'
import { makeAuthority } from '#test/core/registry/make-certificate.ts'
import { serve } from '#test/core/registry/serve.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makePod, makeSubject } from '#test/support/make-subject.ts'
import { makeKeyPolicy } from '#test/support/webhook-process.ts'

const never = new AbortController().signal
const login = { username: 'bob', password: 'hunter2' }

const registry = await startRegistry(t)
const data = await registry.key('release')
const { digest } = await registry.image({ repository: 'app' })
await registry.sign({ repository: 'app', digest, key: 'release' })
const image = `${registry.host}/app@${digest}`
const authority = await makeAuthority()
const identity = await authority.issue({ ip: '127.0.0.1' })

function makeSecret(username: string, password: string, host = registry.host): object {
  const file = JSON.stringify({ auths: { [host]: { username, password } } })
  return {
    metadata: { name: 'x' },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(file).toString('base64') },
  }
}

/** An API server that holds these, under `namespace/plural/name`, and a ServiceAccount in each namespace. */
async function startApiServer(t: Test, objects: Readonly<Record<string, object>>) {
  return serve(
    t,
    ({ url = '' }, response) => {
      const key = url.replace('/api/v1/namespaces/', '')
      const found = objects[key] ?? (key.endsWith('/serviceaccounts/default') ? { metadata: { name: 'd' } } : undefined)
      response.writeHead(found === undefined ? 404 : 200).end(JSON.stringify(found ?? { kind: 'Status' }))
    },
    identity,
  )
}

type More = { readonly listed?: readonly object[]; readonly dockerConfig?: object; readonly environment?: Environment }

/** A gate that has just started: nothing is remembered, and no challenge is known. */
async function makeGate(t: Test, server: string, entry: object = {}, more: More = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'shedu-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = (name: string) => join(folder, name)
  mkdirSync(path('policies'))
  writeFileSync(path('policies/p.json'), JSON.stringify(makeKeyPolicy('p', `${registry.host}/**`, [{ data }])))
  writeFileSync(path('password'), 'hunter2')
  const registries = [{ host: registry.host, plainHttp: true, ...entry }, ...(more.listed ?? [])]
  if (more.dockerConfig !== undefined) writeFileSync(path('docker.json'), JSON.stringify(more.dockerConfig))
  writeFileSync(path('registries.json'), JSON.stringify({ registries }).replace('PASSWORD', path('password')))
  const kubeconfig = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [
      { name: 'c', cluster: { server: `https://${server}`, 'certificate-authority-data': btoa(authority.pem) } },
    ],
    users: [{ name: 'u', user: { token: 't' } }],
  }
  writeFileSync(path('kubeconfig'), JSON.stringify(kubeconfig))
  const { gate, close } = await assembleGate({
    policiesDir: path('policies'),
    registriesFile: path('registries.json'),
    noMatch: 'deny',
    cacheBytes: 1024 * 1024,
    pullSecrets: 'workload',
    kubeconfig: path('kubeconfig'),
    dockerConfigFile: more.dockerConfig === undefined ? undefined : path('docker.json'),
    environment: more.environment,
  })
  t.teardown(close)
  return gate
}

/** Mutates and judges a Pod of this namespace with these pull secrets. */
async function create(gate: Gate, namespace: string, secrets: readonly string[] = [], text = image): Promise<Verdict> {
  const pod = makePod(text)
  const spec = { ...(pod['spec'] as object), imagePullSecrets: secrets.map(name => ({ name })) }
  return (await preflight(makeSubject({ namespace, object: { ...pod, spec } }), gate, 'matched', never)).verdict
}

function said(verdict: Verdict): string {
  if (verdict.outcome === 'allow') return 'allow'
  return `${verdict.outcome} ${verdict.objections.map(({ because }) => `${because.code}: ${because.detail}`).join()}`
}

for (const mode of ['basic', 'token'] as const) {
  t.test(
    `with ${mode} authentication a Pod is admitted by its pull secret, and nobody else by it, cold or warm`,
    async t => {
      await registry.auth({ mode, ...login })
      const server = await startApiServer(t, {
        'shop/secrets/pull': makeSecret('bob', 'hunter2'),
        'other/secrets/pull': makeSecret('bob', 'hunter3'),
        'other/secrets/elsewhere': makeSecret('bob', 'hunter2', 'r.test'),
      })
      const gate = await makeGate(t, server.host)
      const others = async (when: string) => {
        const verdicts = [
          await create(gate, 'other'),
          await create(gate, 'other', ['pull', 'elsewhere']),
          await create(gate, 'shop'),
          await create(gate, 'other', [], `${registry.host}/app:v1`),
        ]
        for (const verdict of verdicts) {
          t.match(said(verdict), /^undecided .*registry\.unauthorized/, when)
          t.notMatch(said(verdict), /hunter|proof/, when)
        }
      }
      await others('cold')
      t.equal(
        said(await create(gate, 'shop', ['pull'], `${registry.host}/app:v1`)),
        'allow',
        'a tag is pinned with it, too',
      )
      t.equal(said(await create(gate, 'shop', ['pull'])), 'allow')
      await others('warm')
      await registry.forgetRequests()
      t.equal(said(await create(gate, 'shop', ['pull'])), 'allow')
      t.strictSame(await registry.requests(), [], 'and what was proven is remembered')
      const byName = /^.api.v1.namespaces.(shop|other).(secrets|serviceaccounts).[a-z]+$/
      t.ok(server.requests.every(({ url = '' }) => byName.test(url)))
    },
  )
}

t.test('a wrong first pull secret is followed by the right second', async t => {
  await registry.auth({ mode: 'basic', ...login })
  const { host } = await startApiServer(t, {
    'shop/secrets/wrong': makeSecret('bob', 'hunter3'),
    'shop/secrets/right': makeSecret('bob', 'hunter2'),
    'shop/serviceaccounts/default': { metadata: { name: 'default' }, imagePullSecrets: [{ name: 'right' }] },
  })
  const gate = await makeGate(t, host)
  t.equal(said(await create(gate, 'shop', ['wrong', 'right'])), 'allow')
  t.equal(said(await create(await makeGate(t, host), 'shop', ['wrong'])), 'allow', 'by the ServiceAccount')
})

t.test('a pull secret that is missing is named where it is missed', async t => {
  await registry.auth({ mode: 'basic', ...login })
  const { host } = await startApiServer(t, {})
  const gate = await makeGate(t, host)
  t.match(said(await create(gate, 'shop', ['gone'])), 'pull secret "gone" does not exist in namespace "shop"')
  await registry.auth({ mode: 'none' })
  t.equal(said(await create(gate, 'shop', ['gone'])), 'allow', 'and not where it is not')
})

t.test('an API server that does not answer leaves open only what needs it', async t => {
  const gate = await makeGate(t, '127.0.0.1:1')
  await registry.auth({ mode: 'none' })
  t.equal(said(await create(gate, 'shop', ['pull'])), 'allow')
  await registry.auth({ mode: 'basic', ...login })
  const fresh = await makeGate(t, '127.0.0.1:1')
  t.match(said(await create(fresh, 'shop', ['pull'])), /^undecided .*the API server did not answer/)
  const configured = { username: 'bob', passwordFile: 'PASSWORD', forAllNamespaces: true }
  t.equal(said(await create(await makeGate(t, '127.0.0.1:1', configured), 'shop', ['pull'])), 'allow')
})

t.test('a configured credential has to say whether every namespace may see what it sees', async t => {
  const refused = makeGate(t, '127.0.0.1:1', { username: 'bob', passwordFile: 'PASSWORD' })
  await t.rejects(refused, /registries\.json: 127\.0\.0\.1:[0-9]+ has a credential: .*forAllNamespaces: true/)
})

t.test(
  'what a helper opens is for all namespaces where the list says so, and otherwise for none of them, cold or warm',
  async t => {
    await registry.auth({ mode: 'basic', ...login })
    const programs = makePrograms(t)
    programs.write('docker-credential-store', says({ Username: 'bob', Secret: 'hunter2' }))
    const server = await startApiServer(t, { 'shop/secrets/pull': makeSecret('bob', 'hunter2') })
    const more = {
      listed: [{ host: 'elsewhere.test', forAllNamespaces: true }],
      dockerConfig: { credsStore: 'store' },
      environment: { PATH: `${programs.folder}:/usr/bin:/bin` },
    }
    const closed = await makeGate(t, server.host, {}, more)
    t.match(said(await create(closed, 'other')), /^undecided .*registry\.unauthorized/)
    t.equal(said(await create(closed, 'shop', ['pull'])), 'allow')
    t.match(
      said(await create(closed, 'other')),
      /^undecided .*registry\.unauthorized/,
      'what shop was told is not told',
    )
    t.strictSame(programs.runs('docker-credential-store'), [], 'the helper is not even asked')
    const open = await makeGate(t, server.host, { forAllNamespaces: true }, more)
    for (const namespace of ['shop', 'other']) t.equal(said(await create(open, namespace)), 'allow', namespace)
    t.strictSame(programs.runs('docker-credential-store'), [registry.host])
  },
)
