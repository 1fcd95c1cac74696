import t from 'tap'
import { ClusterError } from '#core/cluster/cluster-error.ts'
import type { Listed } from '#core/cluster/list.ts'
import { Store } from '#core/cluster/store.ts'

const MOST = { objects: 3, bytes: 100 }

type Given = { readonly name: string; readonly uid?: string; readonly version?: string; readonly bytes?: number }

function listed({ name, uid = 'a', version = '1', bytes = 10 }: Given): Listed {
  return { object: { metadata: { name, namespace: 'shop', uid, resourceVersion: version } }, bytes }
}

function makeStore(refused: readonly string[] = []): { readonly store: Store<string>; readonly errors: unknown[] } {
  const errors: unknown[] = []
  const parse = ({ metadata: { name, resourceVersion = '' } }: Listed['object']) => {
    if (refused.includes(resourceVersion)) throw new Error('refused')
    return `${name}@${resourceVersion}`
  }
  return { store: new Store(parse, MOST, error => void errors.push(error)), errors }
}

function list(...given: readonly Given[]) {
  return { objects: given.map(listed), resourceVersion: '9' }
}

t.test('a list adds, changes and removes, and is silent about what is as it was', async t => {
  const { store } = makeStore()
  store.replace(list({ name: 'stays' }, { name: 'changes' }, { name: 'goes' }))
  t.strictSame(store.replace(list({ name: 'stays' }, { name: 'changes', version: '2' }, { name: 'new' })), [
    { type: 'removed', key: 'shop/goes', before: 'goes@1' },
    { type: 'changed', key: 'shop/changes', item: 'changes@2', before: 'changes@1' },
    { type: 'added', key: 'shop/new', item: 'new@1' },
  ])
  t.strictSame([...store.items.keys()].toSorted(), ['shop/changes', 'shop/new', 'shop/stays'])
})

t.test('an object of the same name and another uid is another object', async t => {
  const { store } = makeStore()
  store.set(listed({ name: 'one', uid: 'a', version: '1' }))
  t.strictSame(store.set(listed({ name: 'one', uid: 'b', version: '1' })), [
    { type: 'removed', key: 'shop/one', before: 'one@1' },
    { type: 'added', key: 'shop/one', item: 'one@1' },
  ])
  t.strictSame(store.remove(listed({ name: 'one', uid: 'a' }).object), [], 'its predecessor is gone already')
  t.strictSame(store.remove(listed({ name: 'one', uid: 'b' }).object), [
    { type: 'removed', key: 'shop/one', before: 'one@1' },
  ])
})

t.test('what cannot be read is reported, and what it was before is not kept in its place', async t => {
  const { store, errors } = makeStore(['2'])
  store.set(listed({ name: 'one', version: '1' }))
  t.strictSame(store.set(listed({ name: 'one', version: '2' })), [
    { type: 'removed', key: 'shop/one', before: 'one@1' },
  ])
  t.match(errors, [{ message: /"shop\/one"/, cause: { message: 'refused' } }])
  t.strictSame(store.set(listed({ name: 'one', version: '3' })), [{ type: 'added', key: 'shop/one', item: 'one@3' }])
})

t.test('holds objects up to its bound and refuses one more, unchanged', async t => {
  const { store } = makeStore()
  for (const name of ['one', 'two', 'three']) store.set(listed({ name }))
  t.throws(() => store.set(listed({ name: 'four' })), ClusterError)
  t.equal(store.items.size, 3)
  store.set(listed({ name: 'three', version: '2' }))
  store.remove(listed({ name: 'one' }).object)
  t.equal(store.set(listed({ name: 'four' })).length, 1)
})

t.test(
  'holds bytes up to its bound and refuses one more, unchanged; what is replaced or removed counts no longer',
  async t => {
    const { store } = makeStore()
    store.set(listed({ name: 'one', bytes: 60 }))
    store.set(listed({ name: 'two', bytes: 40 }))
    t.throws(() => store.set(listed({ name: 'two', version: '2', bytes: 41 })), ClusterError)
    t.equal(store.items.get('shop/two'), 'two@1')
    store.set(listed({ name: 'one', version: '2', bytes: 59 }))
    store.set(listed({ name: 'two', version: '2', bytes: 41 }))
    store.remove(listed({ name: 'one' }).object)
    t.equal(store.set(listed({ name: 'one', version: '3', bytes: 59 })).length, 1)
    t.throws(() => store.set(listed({ name: 'three', bytes: 1 })), ClusterError)
  },
)
