import t from 'tap'
import { eventually } from '../stack/eventually.ts'
import { makeDeployment, makePod } from './objects.ts'
import { imagesOfPods } from './pods.ts'
import { setStage } from './stage.ts'

t.setTimeout(300_000)

const stage = await setStage(t)
const { plane, olareg, distribution, images } = stage
const [signed, unsigned, other] = [
  `${olareg.host}/shop/web:v1`,
  `${distribution.host}/shop/unsigned:v1`,
  `${distribution.host}/shop/unsigned:v2`,
]
await images.make(signed, 'cosign-2')
for (const image of [unsigned, other]) await images.make(image, 'none')

/** Everything that was there before anyone asked for signatures. */
const terminal = await stage.open(t)
const { namespace } = terminal
const FINALIZER = 'test.shedu.dev/stay'
for (const name of ['web', 'api', 'old']) await terminal.write(`${name}.yaml`, makeDeployment(name, unsigned))
for (const name of ['pod', 'leaving']) {
  const { metadata, ...pod } = makePod(name, unsigned)
  await terminal.write(`${name}.yaml`, { ...pod, metadata: { ...metadata, finalizers: [FINALIZER] } })
}
await terminal.succeed('apply -f web.yaml -f api.yaml -f old.yaml -f pod.yaml -f leaving.yaml')
await terminal.succeed('scale deployment/web --replicas=3')
await imagesOfPods(plane, namespace, { label: 'app=web', count: 3 })
for (const name of ['api', 'old']) await imagesOfPods(plane, namespace, { label: `app=${name}` })
await stage.closeGate()

const REFUSED = { code: 1, stdout: '', stderr: 'image.unsigned' }

t.test('the gate is closed', async t => {
  t.match(await terminal.type(`run late --image=${unsigned}`), REFUSED)
})

t.test('labels, annotations and the status of what runs unsigned can be changed', async t => {
  await terminal.succeed('label pod/pod colour=blue')
  await terminal.succeed('annotate deployment/web colour=blue')
  await terminal.succeed('patch pod/pod --subresource=status --patch={"status":{"message":"seen"}}')
  t.equal(await terminal.read('pod pod', '{.metadata.labels.colour}{.status.message}'), 'blueseen')
})

t.test('it can be scaled down', async t => {
  await terminal.succeed('scale deployment/web --replicas=1')
  t.strictSame(await imagesOfPods(plane, namespace, { label: 'app=web', count: 1 }), [unsigned])
})

t.test('it can be scaled up in words, but gets no new Pod, and the reason stands in the events', async t => {
  await terminal.succeed('scale deployment/api --replicas=2')
  const said = await eventually('an event', async () => {
    const events = await terminal.read('events', '{.items[?(@.reason=="FailedCreate")].message}')
    return events.includes('image.unsigned') ? events : undefined
  })
  t.match(said, 'denied the request: 1 image refused')
  t.strictSame(await imagesOfPods(plane, namespace, { label: 'app=api' }), [unsigned])
})

t.test('a restart makes no new Pod either, and the old ones stay', async t => {
  await terminal.succeed('rollout restart deployment/old')
  await eventually('the failure to be told', async () => {
    const conditions = await terminal.read('deployment old', '{.status.conditions[*].message}')
    return conditions.includes('image.unsigned') ? true : undefined
  })
  t.strictSame(await imagesOfPods(plane, namespace, { label: 'app=old' }), [unsigned])
})

t.test('it takes no other unsigned image, and takes a signed one', async t => {
  t.match(await terminal.type(`set image deployment/api app=${other}`), REFUSED)
  await terminal.succeed(`set image deployment/api app=${signed}`)
  t.match(await terminal.read('deployment api', '{.spec..image}'), /\/shop\/web:v1@sha256:/)
})

t.test('what is being deleted takes no other unsigned image, and is gone once its finalizer is', async t => {
  await terminal.succeed('delete pod/leaving --wait=false')
  t.not(await terminal.read('pod leaving', '{.metadata.deletionTimestamp}'), '')
  t.match(await terminal.type(`set image pod/leaving app=${other}`), REFUSED)
  await terminal.succeed('patch pod/leaving --type=merge --patch={"metadata":{"finalizers":null}}')
  t.match(await terminal.type('get pod leaving'), { code: 1, stderr: 'NotFound' })
})

t.test('it can be deleted', async t => {
  await terminal.succeed('patch pod/pod --type=merge --patch={"metadata":{"finalizers":null}}')
  await terminal.succeed('delete pod/pod deployment/web deployment/old')
  t.strictSame(await imagesOfPods(plane, namespace, { label: 'app=web', count: 0 }), [])
})
