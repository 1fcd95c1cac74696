import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { findPolicy, PolicySet } from '#assembly/policy-set.ts'
import { type PoliciesNow, watchPolicies } from '#assembly/policy-watch.ts'
import type { ClusterClient } from '#core/cluster/client.ts'
import { ClusterUnavailable } from '#core/cluster/cluster-error.ts'
import type { ClusterObject } from '#core/cluster/resource.ts'
import type { Change } from '#core/cluster/store.ts'
import type { WatchEvent } from '#core/cluster/watch-stream.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { parsePolicies } from '#policies/load-policies.ts'
import type { Policy } from '#policies/policy.ts'
import { policiesFor } from '#policies/select.ts'

const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' })

let versions = 0

function makeObject(name: string, spec: object = {}, metadata: object = {}): ClusterObject {
  const images = [{ glob: `r.test/${name}/**` }]
  const authorities = [{ key: { data: KEY } }]
  return {
    apiVersion: 'policy.sigstore.dev/v1alpha1',
    kind: 'ClusterImagePolicy',
    metadata: { name, generation: ++versions, resourceVersion: `${versions}`, uid: `of ${name}`, ...metadata },
    spec: { images, authorities, ...spec },
  }
}

const INVALID = { authorities: [{ key: { data: 'no key' } }] }

/** A set, and a hand that does to it what happens in the cluster. */
function makeSet(files: readonly Policy[] = []) {
  const set = new PolicySet(files)
  const found = new Map<string, ReturnType<typeof findPolicy>>()
  const put = (object: ClusterObject) => {
    const key = object.metadata.name
    const item = findPolicy(object, set.fileOf)
    const before = found.get(key)
    found.set(key, item)
    return set.apply([before === undefined ? { type: 'added', key, item } : { type: 'changed', key, item, before }])
  }
  const remove = (key: string) => {
    const before = found.get(key) as ReturnType<typeof findPolicy>
    found.delete(key)
    return set.apply([{ type: 'removed', key, before }])
  }
  const shown = () => set.policies().map(({ name, mode, requires }) => `${name} ${mode} ${requires.kind}`)
  return { set, put, remove, shown }
}

t.test(
  'what is valid is in force, what is changed takes the place of what it was, and what is deleted is gone',
  async t => {
    const { put, remove, shown } = makeSet()
    t.match(put(makeObject('b')), [{ name: 'b', standing: 'valid', faults: [] }])
    put(makeObject('a'))
    t.strictSame(shown(), ['a enforce any-of', 'b enforce any-of'], 'by name')
    put(makeObject('b', { mode: 'warn' }))
    t.strictSame(shown(), ['a enforce any-of', 'b warn any-of'])
    t.strictSame(remove('a'), [{ name: 'a', standing: 'gone' }])
    t.strictSame(shown(), ['b warn any-of'])
  },
)

t.test(
  'one that becomes invalid stays what it was, however often it is written so, until it is valid again',
  async t => {
    const { set, put, shown } = makeSet()
    put(makeObject('a', { mode: 'warn' }))
    for (const round of [1, 2]) {
      t.match(put(makeObject('a', INVALID)), [
        { standing: 'last-valid', faults: [/spec\.authorities\[0\]\.key\.data/] },
      ])
      t.strictSame(shown(), ['a warn any-of'], `${round}`)
    }
    t.equal(set.count('last-valid'), 1)
    t.match(put(makeObject('a')), [{ standing: 'valid' }])
    t.strictSame(shown(), ['a enforce any-of'])
    t.equal(set.count('last-valid'), 0)
  },
)

t.test('one that never was valid refuses what its readable globs name, and nothing else', async t => {
  const { set, put, shown } = makeSet()
  const images = [{ glob: 'r.test/shop/**' }, { glob: 'r.test/[' }, { glob: 7 }]
  t.match(put(makeObject('a', { ...INVALID, images })), [{ standing: 'refusing' }])
  put(makeObject('b'))
  t.strictSame(shown(), ['a enforce invalid', 'b enforce any-of'])
  const named = (image: string) => policiesFor(set.policies(), parseImageRef(image)).map(({ name }) => name)
  t.strictSame(named('r.test/shop/web:v1'), ['a'])
  t.strictSame(named('r.test/b/web:v1'), ['b'])
  put(makeObject('a', { ...INVALID, images: [{ glob: 'r.test/other/**' }] }))
  t.strictSame(named('r.test/shop/web:v1'), [], 'it refuses what it names now')
  t.strictSame(named('r.test/other/web:v1'), ['a'])
})

t.test('one on trial does not begin to refuse by a mistake', async t => {
  const { put, shown } = makeSet()
  put(makeObject('a', { ...INVALID, mode: 'warn' }))
  t.strictSame(shown(), ['a warn invalid'])
})

t.test('nothing stands for one that names no image that can be read', async t => {
  const { set, put, shown } = makeSet()
  t.match(put(makeObject('a', { images: [{ glob: 'r.test/[' }] })), [{ standing: 'nothing' }])
  t.match(put({ metadata: { name: 'b', generation: 1 } }), [{ standing: 'nothing' }])
  t.strictSame(shown(), [])
  t.equal(set.count('nothing'), 2)
})

t.test('one that is made again under its name has no past', async t => {
  const { put, remove, shown } = makeSet()
  put(makeObject('a'))
  remove('a')
  t.match(put(makeObject('a', INVALID)), [{ standing: 'refusing' }])
  t.strictSame(shown(), ['a enforce invalid'])
})

t.test('a status or a label that is written changes nothing and is no news', async t => {
  const { set, put } = makeSet()
  const object = makeObject('a')
  put(object)
  const before = set.policies()
  t.strictSame(put({ ...object, status: { conditions: [] } }), [])
  t.equal(set.policies()[0], before[0])
})

t.test('a policy of a file is not replaced by one of its name, which is told so', async t => {
  const value = makeObject('a', { mode: 'warn' })
  const { put, remove, shown } = makeSet(parsePolicies([{ source: 'policies/a.yaml', value }]).policies)
  const [news] = put(makeObject('a'))
  t.match(news, {
    standing: 'nothing',
    faults: [/^duplicate value: a: metadata\.name: policies\/a\.yaml has a policy/],
  })
  t.strictSame(shown(), ['a warn any-of'])
  put(makeObject('b'))
  remove('a')
  t.strictSame(shown(), ['a warn any-of', 'b enforce any-of'])
})

t.test('a set that was handed out never changes', async t => {
  const { set, put } = makeSet()
  put(makeObject('a'))
  const before = set.policies()
  put(makeObject('b'))
  t.equal(before.length, 1)
  t.equal(set.policies().length, 2)
})

/** A cluster whose events are said one by one. */
function makeCluster(objects: readonly ClusterObject[]) {
  const waiting: (WatchEvent | Error)[] = []
  let wake = () => {}
  let lists = 0
  const client: Pick<ClusterClient, 'list' | 'watch'> = {
    async list() {
      lists++
      return { objects: objects.map(object => ({ object, bytes: 1 })), resourceVersion: '1' }
    },
    async *watch(_resource, _from, signal) {
      signal.addEventListener('abort', () => wake(), { once: true })
      while (!signal.aborted) {
        const next = waiting.shift()
        if (next instanceof Error) throw next
        if (next !== undefined) yield next
        else await new Promise<void>(resolve => (wake = resolve))
      }
    },
  }
  const say = (event: WatchEvent | Error) => {
    waiting.push(event)
    wake()
  }
  return { client, say, lists: () => lists }
}

t.test('the watch tells the whole set at first, even an empty one, and then each that differs', async t => {
  for (const objects of [[], [makeObject('a'), makeObject('b', INVALID)]]) {
    const { client, say } = makeCluster(objects)
    const told: PoliciesNow[] = []
    let next = Promise.withResolvers<void>()
    const onPolicies = (now: PoliciesNow) => {
      told.push(now)
      next.resolve()
    }
    const watch = watchPolicies(client, [], { onPolicies, report: error => t.fail(String(error)) })
    t.teardown(watch.close)
    await next.promise
    t.strictSame(
      told.map(({ inForce }) => inForce.length),
      [objects.length],
    )
    t.equal(told[0]?.count('refusing'), objects.length / 2)
    next = Promise.withResolvers()
    say({ type: 'bookmark', resourceVersion: '8' })
    const object = makeObject('c')
    say({ type: 'set', object, bytes: 1, resourceVersion: '9' })
    await next.promise
    t.match(told, [{}, { news: [{ name: 'c', standing: 'valid' }] }])
    t.equal(told[1]?.inForce.length, objects.length + 1)
    await watch.close()
  }
})

t.test('a cluster that goes away is reported, and says nothing about the set', async t => {
  const { client, say } = makeCluster([makeObject('a')])
  const told: PoliciesNow[] = []
  const reported = Promise.withResolvers<unknown>()
  const seen = Promise.withResolvers<void>()
  const onPolicies = (now: PoliciesNow) => {
    told.push(now)
    seen.resolve()
  }
  const watch = watchPolicies(client, [], { onPolicies, report: reported.resolve })
  t.teardown(watch.close)
  await seen.promise
  say(new ClusterUnavailable('gone'))
  t.match(await reported.promise, { message: 'gone' })
  t.equal(told.length, 1)
  t.ok(watch.staleMs() >= 0)
})

t.test('changes that come together are one set', async t => {
  const set = new PolicySet([])
  const added = (name: string): Change<ReturnType<typeof findPolicy>> => ({
    type: 'added',
    key: name,
    item: findPolicy(makeObject(name), set.fileOf),
  })
  t.equal(set.apply([added('a'), added('b')]).length, 2)
  t.equal(set.policies().length, 2)
})
