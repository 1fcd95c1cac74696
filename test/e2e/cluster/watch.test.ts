import t from 'tap'
import { type ClusterClient, makeClusterClient } from '#core/cluster/client.ts'
import { ClusterError } from '#core/cluster/cluster-error.ts'
import type { ClusterObject, Resource } from '#core/cluster/resource.ts'
import type { Change } from '#core/cluster/store.ts'
import { type Watch, type WatchOptions, watchKind } from '#core/cluster/watch.ts'
import type { WatchFrom } from '#core/cluster/watch-stream.ts'
import { startControlPlane } from '#test/stack/control-plane.ts'
import { eventually } from '#test/stack/eventually.ts'
import type { Owner } from '#test/stack/owner.ts'
import { makeCountingProxy } from './counting-proxy.ts'
import { makeTrouble } from './trouble.ts'

t.setTimeout(300_000)

const CONFIG_MAPS: Resource = { group: '', version: 'v1', plural: 'configmaps' }

/** What every namespace is given; it is not what these tests are about. */
const OURS = { fieldSelector: 'metadata.name!=kube-root-ca.crt' }

const plane = await startControlPlane(t)
const trouble = await makeTrouble(t, plane)
const client = open(plane.kubeconfig)
const { signal } = new AbortController()

type Seen = {
  readonly watch: Watch<string>
  readonly changes: Change<string>[]
  readonly errors: unknown[]
  /** Waits until the items are these. */
  readonly shows: (items: Readonly<Record<string, string>>) => Promise<void>
}

function open(kubeconfig: string): ClusterClient {
  const client = makeClusterClient({ from: 'kubeconfig', file: kubeconfig })
  t.teardown(() => client.close())
  return client
}

/** Watches the value of each ConfigMap, and gives up waiting for trouble to pass sooner than the product does. */
function watchValues(
  t: Owner,
  namespace: string,
  through: Pick<ClusterClient, 'list' | 'watch'> = client,
  options: Partial<WatchOptions<string>> = {},
): Seen {
  const changes: Change<string>[] = []
  const errors: unknown[] = []
  const watch = watchKind(through, CONFIG_MAPS, valueOf, {
    onChange: some => void changes.push(...some),
    report: error => void errors.push(error),
    scope: { namespace, ...OURS },
    // Waits are tested on their own.
    random: () => 1,
    ...options,
  })
  t.teardown(() => watch.close())
  const shows = async (items: Readonly<Record<string, string>>) => {
    const wanted = JSON.stringify(sorted(items))
    await eventually(wanted, async () => {
      const found = Object.fromEntries([...watch.items()].map(([key, item]) => [key.split('/')[1], item]))
      if (!watch.hasSynced() || JSON.stringify(sorted(found)) !== wanted) throw new Error(JSON.stringify(found))
      return true
    })
  }
  return { watch, changes, errors, shows }
}

function sorted(items: Readonly<Record<string, string>>): unknown {
  return Object.entries(items).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function valueOf(object: ClusterObject): string {
  const { value } = (object['data'] ?? {}) as { readonly value?: string }
  if (value === 'poison') throw new Error('poison')
  return value ?? ''
}

function configMap(namespace: string, name: string, value: string): ClusterObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data: { value } }
}

async function put(namespace: string, name: string, value: string): Promise<ClusterObject> {
  return client.apply(CONFIG_MAPS, configMap(namespace, name, value), 'take', signal)
}

async function remove(namespace: string, name: string): Promise<void> {
  await client.delete({ resource: CONFIG_MAPS, namespace, name }, signal)
}

t.test('knows what was there, and follows what is made, changed and deleted', async t => {
  const namespace = await plane.makeNamespace()
  await put(namespace, 'before', '1')
  const { watch, changes, shows } = watchValues(t, namespace)
  t.equal(watch.hasSynced(), false)
  await shows({ before: '1' })
  await put(namespace, 'after', '1')
  await put(namespace, 'before', '2')
  await shows({ before: '2', after: '1' })
  await remove(namespace, 'before')
  await shows({ after: '1' })
  const key = (name: string) => `${namespace}/${name}`
  t.strictSame(changes, [
    { type: 'added', key: key('before'), item: '1' },
    { type: 'added', key: key('after'), item: '1' },
    { type: 'changed', key: key('before'), item: '2', before: '1' },
    { type: 'removed', key: key('before'), before: '2' },
  ])
})

t.test('says when all has been seen, even if there is nothing', async t => {
  const namespace = await plane.makeNamespace()
  const { promise, resolve } = Promise.withResolvers<readonly Change<string>[]>()
  const { watch } = watchValues(t, namespace, client, { onChange: resolve })
  t.strictSame(await promise, [])
  t.equal(watch.hasSynced(), true)
})

t.test('goes on from where it was when the server ends the stream', async t => {
  const namespace = await plane.makeNamespace()
  let lists = 0
  let streams = 0
  const counting: Pick<ClusterClient, 'list' | 'watch'> = {
    list: (...args) => (lists++, client.list(...args)),
    watch: (...args) => (streams++, client.watch(...args)),
  }
  const { shows, errors } = watchValues(t, namespace, counting, { serverSeconds: 1, random: () => 0 })
  for (const value of ['1', '2', '3']) {
    const before = streams
    await eventually('another stream', async () => (streams > before ? true : undefined))
    await put(namespace, 'one', value)
    await shows({ one: value })
  }
  t.equal(lists, 1)
  t.strictSame(errors, [])
})

t.test('notices what happened while its connections were broken, deleted and made again included', async t => {
  const namespace = await plane.makeNamespace()
  const proxy = await makeCountingProxy(t, plane)
  for (const name of ['stays', 'goes', 'again']) await put(namespace, name, '1')
  const gate = Promise.withResolvers<void>()
  const through = open(proxy.kubeconfig)
  let lists = 0
  // The second list waits until all has happened, so that none of it is seen by an event.
  const held: Pick<ClusterClient, 'list' | 'watch'> = {
    list: async (...args) => (lists++ > 0 ? await gate.promise : undefined, through.list(...args)),
    watch: (...args) => through.watch(...args),
  }
  const { changes, shows, errors } = watchValues(t, namespace, held)
  await shows({ stays: '1', goes: '1', again: '1' })
  await eventually('the stream', async () => (proxy.connections() > 1 ? true : undefined))
  changes.length = 0
  proxy.breakAll()
  await eventually('an error', async () => errors[0])
  await remove(namespace, 'goes')
  await remove(namespace, 'again')
  await put(namespace, 'again', '1')
  await put(namespace, 'new', '1')
  gate.resolve()
  await shows({ stays: '1', again: '1', new: '1' })
  const told = changes.map(({ type, key }) => `${type} ${key.split('/')[1]}`)
  t.strictSame(told.toSorted(), ['added again', 'added new', 'removed again', 'removed goes'])
  t.ok(told.indexOf('removed again') < told.indexOf('added again'))
})

t.test('a version that the server has forgotten is expired, and everything is listed again', async t => {
  const namespace = await plane.makeNamespace()
  const { metadata } = await put(namespace, 'one', '1')
  await put(namespace, 'one', '2')
  await trouble.compact()
  await trouble.kill()
  await trouble.start()
  let streams = 0
  const forgetful: Pick<ClusterClient, 'list' | 'watch'> = {
    list: client.list,
    watch: (resource, from, signal) => {
      const old: WatchFrom = { ...from, resourceVersion: metadata.resourceVersion ?? '' }
      return client.watch(resource, streams++ === 0 ? { ...from, ...old } : from, signal)
    },
  }
  const { errors, shows } = watchValues(t, namespace, forgetful)
  const error = await eventually('an error', async () => errors[0])
  t.type(error, ClusterError)
  t.match(error, { code: 'expired' })
  await put(namespace, 'one', '3')
  await shows({ one: '3' })
  t.equal(errors.length, 1)
})

t.test('misses nothing when the server is killed and comes back at the same address', async t => {
  const namespace = await plane.makeNamespace()
  await put(namespace, 'one', '1')
  const { watch, shows, errors } = watchValues(t, namespace)
  await shows({ one: '1' })
  for (const value of ['2', '3']) {
    await put(namespace, `before-${value}`, value)
    await trouble.kill()
    t.equal(watch.hasSynced(), true, 'what was known is still known')
    await trouble.start()
    await put(namespace, 'one', value)
    await eventually('the change', async () => (watch.items().get(`${namespace}/one`) === value ? true : undefined))
  }
  await shows({ one: '3', 'before-2': '2', 'before-3': '3' })
  t.ok(errors.length > 0)
})

t.test('a paused server is noticed by its silence, and what it knows grows old until it goes on', async t => {
  const namespace = await plane.makeNamespace()
  const { watch, shows, errors } = watchValues(t, namespace, client, { silenceMs: 1_000, serverSeconds: 60 })
  await put(namespace, 'one', '1')
  await shows({ one: '1' })
  await trouble.pause()
  t.teardown(trouble.resume)
  const before = errors.length
  await eventually('the silence to be noticed', async () => errors[before])
  await eventually('its age', async () => (watch.staleMs() > 1_500 ? true : undefined))
  t.equal(watch.items().get(`${namespace}/one`), '1')
  trouble.resume()
  await put(namespace, 'one', '2')
  await shows({ one: '2' })
  await eventually('new proof', async () => (watch.staleMs() < 1_000 ? true : undefined))
})

t.test('what the listener throws, at once or later, and what cannot be read is reported and stops nothing', async t => {
  const namespace = await plane.makeNamespace()
  const later = new Error('later')
  const { shows, errors } = watchValues(t, namespace, client, {
    onChange: changes => {
      if (changes.some(({ key }) => key.endsWith('/now'))) throw new Error('at once')
      // The type allows it: a function that returns a promise is one whose answer nobody looks at.
      return changes.some(({ key }) => key.endsWith('/later')) ? (Promise.reject(later) as never) : undefined
    },
  })
  for (const name of ['now', 'later', 'one']) await put(namespace, name, '1')
  await put(namespace, 'one', 'poison')
  await shows({ now: '1', later: '1' })
  await put(namespace, 'one', '2')
  await shows({ now: '1', later: '1', one: '2' })
  t.match(errors, [{ message: 'at once' }, later, { message: /one/, cause: { message: 'poison' } }])
})

t.test('beyond its bound it holds what it had, says so and grows old; below it again it goes on', async t => {
  const namespace = await plane.makeNamespace()
  for (const name of ['one', 'two']) await put(namespace, name, '1')
  const most = { objects: 2, bytes: 1_000_000 }
  const { watch, shows, errors } = watchValues(t, namespace, client, { most })
  await shows({ one: '1', two: '1' })
  await put(namespace, 'three', '1')
  await eventually('the limit', async () => errors.find(error => (error as ClusterError).code === 'limit'))
  t.equal(watch.items().size, 2)
  await remove(namespace, 'one')
  await shows({ two: '1', three: '1' })
})

t.test('after it is closed nothing is called any more', async t => {
  const namespace = await plane.makeNamespace()
  const { watch, changes, errors, shows } = watchValues(t, namespace)
  await put(namespace, 'one', '1')
  await shows({ one: '1' })
  await watch.close()
  const other = watchValues(t, namespace)
  await put(namespace, 'one', '2')
  await other.shows({ one: '2' })
  t.equal(changes.length, 1)
  t.strictSame(errors, [])
})
