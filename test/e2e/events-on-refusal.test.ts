/** Where somebody looks whose Deployment makes no Pods: events about the ReplicaSet, written with no more rights than the manifests give. */
import { join } from 'node:path'
import t from 'tap'
import { Agent, request } from 'undici'
import { startControlPlane } from '../stack/control-plane.ts'
import { eventually } from '../stack/eventually.ts'
import { startRegistry } from '../support/embedded-registry.ts'
import { makeKeyPolicy } from '../support/webhook-process.ts'
import { bytesOf, makeRequest, makeReview } from '../webhook/make-review.ts'
import { makeTrouble } from './cluster/trouble.ts'
import { makeDeployment, makeJob, makePod } from './objects.ts'
import { writeTokenKubeconfig } from './start-reconcilers.ts'
import { startWebhook } from './start-webhook.ts'
import { openTerminal } from './terminal.ts'
import { create, makeWebhook, VALIDATING } from './webhook-configurations.ts'

t.setTimeout(300_000)

const BASE = join(import.meta.dirname, '..', '..', 'manifests', 'base')

const [plane, registry] = await Promise.all([startControlPlane(t), startRegistry(t)])
const trouble = await makeTrouble(t, plane)
const data = await registry.key('release')
const { digest } = await registry.image({ repository: 'web' })
const image = `${registry.host}/web@${digest}`

await plane.kubectl(['apply', `--filename=${join(BASE, 'namespace.yaml')}`])
await plane.kubectl(['apply', `--filename=${join(BASE, 'webhook-rbac.yaml')}`])
const webhook = await startWebhook(t, [registry.host], [makeKeyPolicy('release', `${registry.host}/**`, [{ data }])], {
  SHEDU_EVENTS: 'on',
  SHEDU_KUBECONFIG: await writeTokenKubeconfig(t, plane, 'shedu-webhook'),
})
await configurePods()

/** Asked about Pods alone: what makes them comes in, and finds out later. */
async function configurePods(): Promise<void> {
  const settings = { url: `${webhook.url}/validate`, ca: webhook.ca, timeoutSeconds: 10 }
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }]
  const one = { ...makeWebhook('validate.shedu.dev', settings), rules }
  await create(plane.ask, VALIDATING, { metadata: { name: 'shedu' }, webhooks: [one] })
  const namespace = await plane.makeNamespace()
  await eventually('the webhook to take effect', async () => {
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`
    const { status } = await plane.ask('POST', path, makePod('web', image))
    return status === 403 ? true : undefined
  })
}

type Event = {
  readonly reportingController: string
  readonly reason: string
  readonly note: string
  readonly regarding: { readonly kind: string; readonly name: string }
  readonly series?: { readonly count: number }
}

/** What we have written in this namespace. */
async function ours(namespace: string): Promise<readonly Event[]> {
  const { body } = await plane.ask('GET', `/apis/events.k8s.io/v1/namespaces/${namespace}/events`)
  const { items } = body as { readonly items: readonly Event[] }
  return items.filter(({ reportingController }) => reportingController === 'shedu.dev/webhook')
}

t.test('whoever describes the ReplicaSet or the Job is told why there are no Pods', async t => {
  const terminal = await openTerminal(t, plane, await plane.makeNamespace())
  await terminal.write('web.yaml', makeDeployment('web', image))
  await terminal.write('now.yaml', makeJob('now', image))
  await terminal.succeed('apply -f web.yaml -f now.yaml')
  for (const kind of ['ReplicaSet', 'Job']) {
    const event = await eventually(`an event about the ${kind}`, async () =>
      (await ours(terminal.namespace)).find(({ regarding }) => regarding.kind === kind),
    )
    t.match(event, { reason: 'ImageRefused', note: /^Pod: 1 image refused: image\.unsigned; spec\.containers\[0\]/ })
  }
  t.match(
    await terminal.succeed('describe job now'),
    /Warning +ImageRefused .*shedu\.dev\/webhook +Pod: 1 image refused/,
  )
  t.match(await terminal.succeed('get events'), /Warning +ImageRefused +replicaset\/web-/)
})

t.test('a controller that tries again and again makes one event that counts', async t => {
  const terminal = await openTerminal(t, plane, await plane.makeNamespace())
  await terminal.write('web.yaml', makeDeployment('web', image))
  await terminal.succeed('apply -f web.yaml')
  const counted = await eventually('three attempts', async () => {
    const events = await ours(terminal.namespace)
    return (events[0]?.series?.count ?? 0) >= 3 ? events : undefined
  })
  t.equal(counted.length, 1)
})

t.test('a Pod that somebody creates himself, or only tries, makes none', async t => {
  const terminal = await openTerminal(t, plane, await plane.makeNamespace())
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'tried', uid: 'u-1', controller: true }
  const owned = (name: string) => {
    const pod = makePod(name, image)
    return { ...pod, metadata: { ...pod.metadata, ownerReferences: [{ ...owner, name }] } }
  }
  await terminal.write('tried.yaml', owned('tried'))
  await terminal.write('real.yaml', owned('real'))
  t.match(await terminal.type(`run web --image=${image}`), { code: 1, stderr: /image\.unsigned/ })
  t.match(await terminal.type('create -f tried.yaml --dry-run=server'), { code: 1, stderr: /image\.unsigned/ })
  t.match(await terminal.type('create -f real.yaml'), { code: 1, stderr: /image\.unsigned/ })
  const [first, ...more] = await eventually('the last of them', async () => {
    const events = await ours(terminal.namespace)
    return events.length === 0 ? undefined : events
  })
  t.match(first, { regarding: { kind: 'ReplicaSet', name: 'real' } })
  t.strictSame(more, [])
})

t.test('an API server that takes no events holds up no answer', async t => {
  await trouble.pause()
  t.teardown(trouble.resume)
  const dispatcher = new Agent({ connect: { ca: webhook.ca } })
  t.teardown(() => dispatcher.close())
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u-1', controller: true }
  const object = { ...makePod('web', image), metadata: { name: 'web', ownerReferences: [owner] } }
  const started = performance.now()
  for (let time = 0; time < 20; time++) {
    const answer = await request(`${webhook.url}/validate?timeout=10s`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: bytesOf(makeReview(makeRequest({ object }))),
      dispatcher,
    })
    t.match(await answer.body.json(), { response: { allowed: false, status: { code: 403 } } })
  }
  t.ok(performance.now() - started < 5000)
})
