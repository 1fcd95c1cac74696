import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { type ClusterClient, makeClusterClient } from '#core/cluster/client.ts'
import { ClusterError, ClusterUnavailable } from '#core/cluster/cluster-error.ts'
import type { ClusterObject, Resource } from '#core/cluster/resource.ts'
import { InputError } from '#core/domain/input-error.ts'
import { deadline } from '#core/runtime/deadline.ts'
import { startControlPlane } from '#test/stack/control-plane.ts'
import { eventually } from '#test/stack/eventually.ts'
import { makeCountingProxy } from './counting-proxy.ts'
import { makeTrouble } from './trouble.ts'

t.setTimeout(300_000)

const CONFIG_MAPS: Resource = { group: '', version: 'v1', plural: 'configmaps' }
const THINGS: Resource = { group: 'test.shedu.dev', version: 'v1', plural: 'things' }

const THING_KIND = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.test.shedu.dev' },
  spec: {
    group: 'test.shedu.dev',
    scope: 'Namespaced',
    names: { plural: 'things', singular: 'thing', kind: 'Thing' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
}

const plane = await startControlPlane(t)
const trouble = await makeTrouble(t, plane)
const { signal } = new AbortController()

function open(kubeconfig: string): ClusterClient {
  const client = makeClusterClient({ from: 'kubeconfig', file: kubeconfig })
  t.teardown(() => client.close())
  return client
}

const client = open(plane.kubeconfig)

function configMap(namespace: string, name: string, data: Readonly<Record<string, string>> = {}): ClusterObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data }
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

t.test('creates, reads, replaces and deletes an object; one that is not there is undefined, not an error', async t => {
  const namespace = await plane.makeNamespace()
  const ref = { resource: CONFIG_MAPS, namespace, name: 'one' }
  t.equal(await client.get(ref, signal), undefined)
  await client.create(CONFIG_MAPS, configMap(namespace, 'one', { a: '1' }), signal)
  const found = await client.get(ref, signal)
  t.match(found, { metadata: { namespace, name: 'one', uid: String, resourceVersion: String }, data: { a: '1' } })
  await client.replace(CONFIG_MAPS, { ...(found as ClusterObject), data: { a: '2' } }, signal)
  t.match(await client.get(ref, signal), { data: { a: '2' } })
  await client.delete(ref, signal)
  await client.delete(ref, signal)
  t.equal(await client.get(ref, signal), undefined)
})

t.test('each refusal of the API server has its code', async t => {
  const namespace = await plane.makeNamespace()
  const made = await client.create(CONFIG_MAPS, configMap(namespace, 'one'), signal)
  await client.replace(CONFIG_MAPS, { ...made, data: { a: '1' } }, signal)
  const nowhere: Resource = { group: 'nowhere.test', version: 'v1', plural: 'things' }
  const refused = {
    exists: () => client.create(CONFIG_MAPS, configMap(namespace, 'one'), signal),
    conflict: () => client.replace(CONFIG_MAPS, { ...made, data: { a: '2' } }, signal),
    invalid: () => client.create(CONFIG_MAPS, configMap(namespace, 'NOT A NAME'), signal),
    'not-found': () => client.list(nowhere, {}, signal),
  }
  for (const [code, ask] of Object.entries(refused)) {
    const error = await errorOf(ask())
    t.type(error, ClusterError)
    t.match(error, { code })
  }
  const stranger = await strangerTo(namespace)
  t.match(await errorOf(stranger.list(CONFIG_MAPS, { namespace }, signal)), { code: 'forbidden' })
})

/** A client that comes with the token of a service account without rights. */
async function strangerTo(namespace: string): Promise<ClusterClient> {
  const { stdout } = await plane.kubectl(['create', 'token', 'default', '--namespace', namespace])
  const file = join(dirname(plane.kubeconfig), `${namespace}.kubeconfig`)
  const cluster = { server: plane.url, 'certificate-authority-data': Buffer.from(plane.ca).toString('base64') }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'stack', cluster }],
    users: [{ name: 'stranger', user: { token: stdout.trim() } }],
    contexts: [{ name: 'main', context: { cluster: 'stack', user: 'stranger' } }],
    'current-context': 'main',
  }
  await writeFile(file, JSON.stringify(config))
  return open(file)
}

t.test('lists page by page, up to the bound and not one object beyond', async t => {
  const namespace = await plane.makeNamespace()
  const count = 501
  const items = Array.from({ length: count }, (_, index) => configMap(namespace, `map-${index}`))
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
  await plane.kubectl(['create', '--filename=-'], { input })
  const scope = { namespace, fieldSelector: 'metadata.name!=kube-root-ca.crt' }
  const { objects, resourceVersion } = await client.list(CONFIG_MAPS, scope, signal)
  t.equal(new Set(objects.map(({ object }) => object.metadata.name)).size, count)
  t.match(objects[0]?.object, { apiVersion: 'v1', kind: 'ConfigMap' })
  t.match(resourceVersion, /^[0-9]+$/)
  const most = { objects: count, bytes: 10_000_000 }
  t.equal((await client.list(CONFIG_MAPS, { ...scope, most }, signal)).objects.length, count)
  const fewer = { ...most, objects: count - 1 }
  t.match(await errorOf(client.list(CONFIG_MAPS, { ...scope, most: fewer }, signal)), { code: 'limit' })
  const total = objects.reduce((sum, { bytes }) => sum + bytes, 0)
  const shorter = { ...most, bytes: Math.floor(total * 0.9) }
  t.match(await errorOf(client.list(CONFIG_MAPS, { ...scope, most: shorter }, signal)), { code: 'limit' })
})

t.test('a thousand requests take no more connections than the pool holds', async t => {
  const { kubeconfig, connections } = await makeCountingProxy(t, plane)
  const many = open(kubeconfig)
  const ref = { resource: CONFIG_MAPS, namespace: 'default', name: 'kube-root-ca.crt' }
  for (let index = 0; index < 500; index++) await many.get(ref, signal)
  t.ok(connections() <= 2, `${connections()}`)
  await Promise.all(Array.from({ length: 500 }, () => many.get(ref, signal)))
  t.ok(connections() <= 8, `${connections()}`)
})

t.test(
  'what is applied is owned: a field of another is refused or taken, and what is no longer named goes',
  async t => {
    const namespace = await plane.makeNamespace()
    const ref = { resource: CONFIG_MAPS, namespace, name: 'one' }
    const input = JSON.stringify(configMap(namespace, 'one', { theirs: 'a', shared: 'a' }))
    await plane.kubectl(['apply', '--server-side', '--field-manager=somebody', '--filename=-'], { input })
    const ours = configMap(namespace, 'one', { ours: 'b', shared: 'b' })
    const conflict = await errorOf(client.apply(CONFIG_MAPS, ours, 'refuse', signal))
    t.match(conflict, { code: 'conflict', message: /somebody/ })
    t.match((await client.get(ref, signal))?.['data'], { theirs: 'a', shared: 'a' })
    const applied = await client.apply(CONFIG_MAPS, ours, 'take', signal)
    t.strictSame(applied['data'], { theirs: 'a', ours: 'b', shared: 'b' })
    const fields = applied.metadata['managedFields'] as readonly {
      manager: string
      operation: string
      fieldsV1: object
    }[]
    const own = fields.find(({ manager }) => manager === 'shedu')
    t.match(own, { operation: 'Apply', fieldsV1: { 'f:data': { 'f:ours': {}, 'f:shared': {} } } })
    const less = await client.apply(CONFIG_MAPS, configMap(namespace, 'one', { shared: 'b' }), 'refuse', signal)
    t.strictSame(less['data'], { theirs: 'a', shared: 'b' })
  },
)

t.test('an applied status leaves the rest alone, and an applied object leaves the status alone', async t => {
  await plane.kubectl(['apply', '--filename=-'], { input: JSON.stringify(THING_KIND) })
  const namespace = await plane.makeNamespace()
  const thing = { apiVersion: 'test.shedu.dev/v1', kind: 'Thing', metadata: { namespace, name: 'one' } }
  await eventually('the kind', () => client.apply(THINGS, { ...thing, spec: { size: 1 } }, 'refuse', signal))
  await client.applyStatus(THINGS, { ...thing, status: { ready: true }, spec: { size: 9 } }, 'refuse', signal)
  await client.apply(THINGS, { ...thing, spec: { size: 2 }, status: { ready: false } }, 'refuse', signal)
  const found = await client.get({ resource: THINGS, namespace, name: 'one' }, signal)
  t.match(found, { spec: { size: 2 }, status: { ready: true } })
})

t.test('a name that would be another path is refused before anything is sent', async t => {
  for (const name of ['', '.', '..', '../secrets/one'])
    t.type(await errorOf(client.get({ resource: CONFIG_MAPS, namespace: 'default', name }, signal)), InputError)
})

t.test('a configuration that cannot be used safely is an InputError', async t => {
  t.throws(() => makeClusterClient({ from: 'kubeconfig', file: '/nowhere' }), InputError)
  t.throws(() => makeClusterClient({ from: 'kubeconfig', file: plane.kubeconfig, context: 'none' }), InputError)
  t.throws(() => makeClusterClient({ from: 'service-account' }), InputError)
})

t.test('a paused server costs a caller its deadline and no more', async t => {
  const ref = { resource: CONFIG_MAPS, namespace: 'default', name: 'kube-root-ca.crt' }
  await client.get(ref, signal)
  await trouble.pause()
  t.teardown(trouble.resume)
  using limit = deadline(300)
  t.match(await errorOf(client.get(ref, limit.signal)), { code: 'deadline.exceeded' })
  trouble.resume()
  t.ok(await client.get(ref, signal))
})

t.test('a server that is gone is unavailable, and the same client finds it when it is back', async t => {
  const ref = { resource: CONFIG_MAPS, namespace: 'default', name: 'kube-root-ca.crt' }
  await trouble.kill()
  t.type(await errorOf(client.get(ref, signal)), ClusterUnavailable)
  await trouble.start()
  t.ok(await client.get(ref, signal))
})
