import t from 'tap'
import { makeClusterClient } from '#core/cluster/client.ts'
import { type ClusterEvent, EventRecorder } from '#core/cluster/events.ts'
import { startControlPlane } from '#test/stack/control-plane.ts'
import { eventually } from '#test/stack/eventually.ts'
import type { Owner } from '#test/stack/owner.ts'
import { makeTrouble } from './trouble.ts'

t.setTimeout(300_000)

const REPORTER = { controller: 'shedu.dev/test', instance: 'test-0' }

const plane = await startControlPlane(t)
const trouble = await makeTrouble(t, plane)
const client = makeClusterClient({ from: 'kubeconfig', file: plane.kubeconfig })
t.teardown(() => client.close())

function open(owner: Owner): { readonly recorder: EventRecorder; readonly errors: unknown[] } {
  const errors: unknown[] = []
  const recorder = new EventRecorder(client, REPORTER, { report: error => void errors.push(error) })
  owner.teardown(() => recorder.close())
  return { recorder, errors }
}

function eventAbout(namespace: string, note: string): ClusterEvent {
  const regarding = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'web' }
  return { type: 'Warning', reason: 'Refused', action: 'Admission', note, regarding }
}

type Shown = {
  readonly note: string
  readonly series?: { readonly count: number }
  readonly reportingController: string
}

async function shown(namespace: string): Promise<readonly Shown[]> {
  const { body } = await plane.ask('GET', `/apis/events.k8s.io/v1/namespaces/${namespace}/events`)
  return (body as { readonly items: readonly Shown[] }).items
}

t.test('an event is seen where people look for it', async t => {
  const namespace = await plane.makeNamespace()
  const { recorder, errors } = open(t)
  recorder.record(eventAbout(namespace, 'the image carries no signature'))
  const stdout = await eventually('the event', async () => {
    const { stdout } = await plane.kubectl(['get', 'events', '--namespace', namespace])
    return stdout.includes('Refused') ? stdout : undefined
  })
  t.match(stdout, /Warning +Refused +deployment\/web +the image carries no signature/)
  t.strictSame(errors, [])
})

t.test('one about a thing of the whole cluster is found in the default namespace', async t => {
  const { recorder } = open(t)
  const regarding = { apiVersion: 'v1', kind: 'Node', name: 'node-7' }
  recorder.record({ ...eventAbout('', 'it has not proved what it booted'), regarding })
  await eventually('the event', async () => {
    const { stdout } = await plane.kubectl(['get', 'events', '--namespace=default'])
    return stdout.includes('node/node-7') ? true : undefined
  })
})

t.test('the same again is one event that counts, and something else is another', async t => {
  const namespace = await plane.makeNamespace()
  const { recorder } = open(t)
  recorder.record(eventAbout(namespace, 'this'))
  await eventually('the first', async () => (await shown(namespace))[0])
  for (let count = 2; count <= 50; count++) recorder.record(eventAbout(namespace, 'this'))
  recorder.record(eventAbout(namespace, 'that'))
  await recorder.close()
  const events = await shown(namespace)
  t.strictSame(events.map(({ note }) => note).toSorted(), ['that', 'this'])
  t.equal(events.find(({ note }) => note === 'this')?.series?.count, 50)
  t.equal(events.find(({ note }) => note === 'that')?.series, undefined)
})

t.test('a note is cut at the bound of Kubernetes, and not within a character', async t => {
  const namespace = await plane.makeNamespace()
  const { recorder, errors } = open(t)
  recorder.record(eventAbout(namespace, `${'x'.repeat(1023)}é`))
  await recorder.close()
  t.strictSame(
    (await shown(namespace)).map(({ note }) => note),
    ['x'.repeat(1023)],
  )
  t.strictSame(errors, [])
})

t.test('more than may wait is dropped and counted, and nobody waits for a server that is paused', async t => {
  const namespace = await plane.makeNamespace()
  const { recorder, errors } = open(t)
  await trouble.pause()
  t.teardown(trouble.resume)
  const all = 300
  for (let index = 0; index < all; index++) recorder.record(eventAbout(namespace, `note ${index}`))
  t.ok(recorder.dropped >= all - 257 && recorder.dropped <= all - 256, `${recorder.dropped}`)
  const began = performance.now()
  await recorder.close()
  t.ok(performance.now() - began < 10_000)
  t.equal(recorder.dropped, all)
  t.ok(errors.length > 0)
})

t.test('what the API server does not take is dropped, reported, and stops nothing', async t => {
  const namespace = await plane.makeNamespace()
  const { recorder, errors } = open(t)
  recorder.record({ ...eventAbout(namespace, 'bad'), reason: '' })
  recorder.record(eventAbout(namespace, 'good'))
  await recorder.close()
  t.match(errors, [{ code: 'invalid' }])
  t.equal(recorder.dropped, 1)
  t.match(await shown(namespace), [{ note: 'good' }])
})
