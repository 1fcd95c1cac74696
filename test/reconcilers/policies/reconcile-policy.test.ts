import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { ClusterError, ClusterUnavailable } from '#core/cluster/cluster-error.ts'
import type { ClusterEvent } from '#core/cluster/events.ts'
import type { ClusterObject } from '#core/cluster/resource.ts'
import { reconcilePolicy } from '#reconcilers/policies/reconcile-policy.ts'
import { seePolicy } from '#reconcilers/policies/seen-policy.ts'

const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' })
const NOW = new Date('2026-11-21T10:00:00.123Z')
const { signal } = new AbortController()

type Condition = Readonly<Record<string, unknown>>
type Status = { readonly observedGeneration: number; readonly conditions: readonly Condition[] }

function makeObject(data: string, { generation = 1, status = {}, glob = 'r.test/**' } = {}): ClusterObject {
  return {
    apiVersion: 'policy.sigstore.dev/v1alpha1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'a', uid: 'u', generation },
    spec: { images: [{ glob }], authorities: [{ key: { data } }] },
    status,
  }
}

type Setup = { readonly file?: string; readonly isLeading?: boolean; readonly fail?: Error; readonly now?: Date }

/** Reconciles once; gives the result, the status that was written and the events that were recorded. */
async function run(object: ClusterObject | undefined, { file, isLeading = true, fail, now = NOW }: Setup = {}) {
  const written: ClusterObject[] = []
  const events: ClusterEvent[] = []
  const deps = {
    client: {
      applyStatus: async (_resource: unknown, applied: ClusterObject) => {
        if (fail !== undefined) throw fail
        written.push(applied)
        return applied
      },
    },
    find: () => (object === undefined ? undefined : seePolicy(object, () => file)),
    record: (event: ClusterEvent) => void events.push(event),
    isLeading: () => isLeading,
    now: () => now,
  }
  const result = await reconcilePolicy('a', deps, signal)
  const status = written[0]?.['status'] as Status | undefined
  return { result, written, events, status, ready: status?.conditions[0] }
}

t.test('a valid policy is told so', async t => {
  const { result, written, status, events } = await run(makeObject(KEY as string, { generation: 3 }))
  t.strictSame(result, { next: 'settled' })
  t.match(written, [{ apiVersion: 'policy.sigstore.dev/v1alpha1', kind: 'ClusterImagePolicy', metadata: { uid: 'u' } }])
  const condition = { type: 'Ready', status: 'True', reason: 'Valid', message: 'the policy is in force' }
  const since = { observedGeneration: 3, lastTransitionTime: '2026-11-21T10:00:00Z' }
  t.strictSame(status, { observedGeneration: 3, conditions: [{ ...condition, ...since }] })
  t.strictSame(events, [], 'one that is valid from the beginning is no news')
})

t.test('what is odd about a valid policy is told too', async t => {
  const { ready } = await run(makeObject(KEY as string, { glob: '*' }))
  t.match(ready, { status: 'True', message: /spec\.images\[0\]\.glob: "\*" means index\.docker\.io/ })
})

t.test('every fault of one that is not valid is a line, and the last says what that comes to', async t => {
  const { ready, events } = await run(makeObject('no key', { glob: 'r.test/[' }))
  const lines = String(ready?.['message']).split('\n')
  t.match(ready, { status: 'False', reason: 'Invalid' })
  t.match(lines, [
    /^invalid value: .*spec\.images\[0\]\.glob/,
    /spec\.authorities\[0\]\.key\.data/,
    /^until .* nothing/,
  ])
  t.match(events, [{ type: 'Warning', reason: 'Invalid', regarding: { name: 'a', uid: 'u' } }])
  t.match((await run(makeObject('no key'))).ready, { message: /refuses the images that it names$/ })
})

t.test('one whose name a file has is told which', async t => {
  const { ready } = await run(makeObject(KEY as string), { file: 'policies/a.yaml' })
  t.match(ready, { status: 'False', message: /policies\/a\.yaml has a policy of this name, which stays in force/ })
})

t.test('a status that says it already is not written again, whoever wrote it and however it came', async t => {
  for (const data of [KEY as string, 'no key']) {
    const { status } = await run(makeObject(data))
    const again = await run(makeObject(data, { status: status as Status }), { now: new Date(0) })
    t.strictSame(again.written, [])
    t.strictSame(again.events, [])
  }
})

t.test('a turn is an event and has its time; another fault is neither', async t => {
  const { status } = await run(makeObject('no key'))
  const worse = await run(makeObject('no', { generation: 2, status: status as Status, glob: '[' }), {
    now: new Date(0),
  })
  t.match(worse.ready, { observedGeneration: 2, lastTransitionTime: '2026-11-21T10:00:00Z' })
  t.strictSame(worse.events, [])
  const well = await run(makeObject(KEY as string, { generation: 3, status: status as Status }), { now: new Date(0) })
  t.match(well.ready, { status: 'True', lastTransitionTime: '1970-01-01T00:00:00Z' })
  t.match(well.events, [{ type: 'Normal', reason: 'Valid' }])
})

t.test('a status of another shape is replaced', async t => {
  for (const status of ['text', { conditions: 'x' }, { conditions: [{ type: 'Ready', status: 1 }] }])
    t.match((await run(makeObject(KEY as string, { status }))).ready, { status: 'True' })
})

t.test('nothing is written about what is gone, nor by who does not lead', async t => {
  t.strictSame((await run(undefined)).written, [])
  t.strictSame((await run(makeObject('no key'), { isLeading: false })).written, [])
})

t.test(
  'a policy that is gone meanwhile is done with, a status that is refused is stuck, all else is tried again',
  async t => {
    const fate = (fail: Error) => run(makeObject('no key'), { fail })
    t.strictSame((await fate(new ClusterError('not-found', 'gone'))).result, { next: 'settled' })
    t.match((await fate(new ClusterError('invalid', 'too long'))).result, { next: 'stuck', why: 'too long' })
    await t.rejects(fate(new ClusterError('conflict', 'another uid')), ClusterError)
    await t.rejects(fate(new ClusterUnavailable('gone')), ClusterUnavailable)
  },
)

t.test('more faults than a condition holds are cut, not refused', async t => {
  const object = makeObject('x')
  const authorities = Array.from({ length: 2000 }, () => ({ key: { data: 'no key' } }))
  const { ready } = await run({ ...object, spec: { ...(object['spec'] as object), authorities } })
  t.equal(String(ready?.['message']).length, 32 * 1024)
})
