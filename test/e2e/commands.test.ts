import t from 'tap'
import { makeDeployment, makePod } from './objects.ts'
import { imagesOfPods } from './pods.ts'
import { setStage } from './stage.ts'
import type { Terminal } from './terminal.ts'

t.setTimeout(300_000)

const stage = await setStage(t)
const { plane, olareg, distribution, images, webhook } = stage
await stage.closeGate()

const web = `${olareg.host}/shop/web`
const [first, second] = [
  `${web}:v1@${await images.make(`${web}:v1`, 'cosign-2')}`,
  `${web}:v2@${await images.make(`${web}:v2`, 'cosign-3')}`,
]
const unsigned = `${distribution.host}/shop/unsigned:v1`
await images.make(unsigned, 'none')

const REFUSED = { code: 1, stdout: '', stderr: 'image.unsigned' }

/** A terminal with a Deployment of the first image. */
async function deploy(t: Parameters<typeof stage.open>[0]): Promise<Terminal> {
  const terminal = await stage.open(t)
  await terminal.write('web.yaml', makeDeployment('web', `${web}:v1`))
  await terminal.succeed('apply -f web.yaml')
  return terminal
}

const imageOf = (terminal: Terminal) => terminal.read('deployment web', '{.spec..image}')

t.test('run and create deployment take no unsigned image, and pin a signed one', async t => {
  const terminal = await stage.open(t)
  for (const [command, what] of [
    ['run', 'pod'],
    ['create deployment', 'deployment'],
  ]) {
    t.match(await terminal.type(`${command} bad --image=${unsigned}`), REFUSED)
    await terminal.succeed(`${command} good --image=${web}:v1`)
    t.equal(await terminal.read(`${what} good`, '{..image}'), first)
  }
})

t.test('apply of the same file again starts no rollout, and diff sees no difference', async t => {
  const terminal = await deploy(t)
  await terminal.succeed('apply -f web.yaml')
  t.equal(await terminal.read('deployment web', '{.metadata.generation}'), '1')
  t.equal(await imageOf(terminal), first)
  t.match(await terminal.type('diff -f web.yaml'), { code: 0, stdout: '' })
})

t.test('server-side apply pins as well, twice in a row', async t => {
  const terminal = await stage.open(t)
  await terminal.write('web.yaml', makeDeployment('web', `${web}:v1`))
  for (let times = 0; times < 2; times++) await terminal.succeed('apply --server-side -f web.yaml')
  t.equal(await imageOf(terminal), first)
  t.equal(await terminal.read('deployment web', '{.metadata.generation}'), '1')
})

t.test('set image takes no unsigned image, pins a signed one, and rollout undo goes back', async t => {
  const terminal = await deploy(t)
  t.match(await terminal.type(`set image deployment/web app=${unsigned}`), REFUSED)
  t.equal(await imageOf(terminal), first, 'unchanged')
  await terminal.succeed(`set image deployment/web app=${web}:v2`)
  t.equal(await imageOf(terminal), second)
  // There is no kubelet to call the new Pod ready, so the old one stays beside it.
  await imagesOfPods(plane, terminal.namespace, { label: 'app=web', count: 2 })
  await terminal.succeed('rollout undo deployment/web')
  t.equal(await imageOf(terminal), first)
})

t.test('scale makes more Pods of the same digest', async t => {
  const terminal = await deploy(t)
  await terminal.succeed('scale deployment/web --replicas=3')
  const pods = await imagesOfPods(plane, terminal.namespace, { label: 'app=web', count: 3 })
  t.strictSame(pods, [first, first, first])
})

t.test('debug adds no unsigned container to a Pod, and pins a signed one', async t => {
  const terminal = await stage.open(t)
  await terminal.write('pod.yaml', makePod('web', `${web}:v1`))
  await terminal.succeed('apply -f pod.yaml')
  const refused = await terminal.type(`debug pod/web --profile=general --container=look --image=${unsigned}`)
  t.match(refused, { code: 1, stderr: /spec\.ephemeralContainers\[0\]\.image.*\n {2}image\.unsigned/ })
  t.equal(await terminal.read('pod web', '{.spec.ephemeralContainers}'), '')
  await terminal.succeed(`debug pod/web --profile=general --container=look --image=${web}:v2`)
  t.equal(await terminal.read('pod web', '{.spec.ephemeralContainers[*].image}'), second)
})

t.test('edit keeps what was typed when it is refused, and pins what is admitted', async t => {
  const terminal = await deploy(t)
  const edit = async (from: string, to: string) => {
    await terminal.write('edit.sh', `#!/bin/sh\nsed -i 's|image: ${from}|image: ${to}|' "$1"\n`)
    return await terminal.type('edit deployment/web', { env: { KUBE_EDITOR: './edit.sh' } })
  }
  const refused = await edit('.*', unsigned)
  t.match(refused, { code: 1, stderr: /image\.unsigned[^]*kubectl replace -f .* to try this update again/ })
  t.equal(await imageOf(terminal), first, 'unchanged')
  t.match(await edit('.*', `${web}:v2`), { code: 0 })
  t.equal(await imageOf(terminal), second)
})

t.test('replace keeps what is there when it is refused; with --force it has deleted it before it asks', async t => {
  const terminal = await deploy(t)
  await terminal.write('web.yaml', makeDeployment('web', unsigned))
  t.match(await terminal.type('replace -f web.yaml'), REFUSED)
  t.equal(await imageOf(terminal), first)
  t.match(await terminal.type('replace --force -f web.yaml'), { code: 1, stderr: 'image.unsigned' })
  t.match(await terminal.type('get deployment web'), { code: 1, stderr: 'NotFound' })
})

t.test('--dry-run=server gives the same answers and stores nothing', async t => {
  const terminal = await stage.open(t)
  t.match(await terminal.type(`run bad --image=${unsigned} --dry-run=server`), REFUSED)
  const pinned = await terminal.succeed(`run good --image=${web}:v1 --dry-run=server --output=jsonpath={..image}`)
  t.equal(pinned, first)
  t.equal(await terminal.read('pods', '{.items}'), '[]')
  const decisions = await webhook.decisions(terminal.namespace, 4)
  t.ok(decisions.every(one => one['isDryRun'] === true))
})
