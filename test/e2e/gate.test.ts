import t from 'tap'
import { eventually } from '../stack/eventually.ts'
import { makeCronJob, makeDeployment, makeJob, makePod } from './objects.ts'
import { imagesOfPods } from './pods.ts'
import { startRecorder } from './recording-server.ts'
import { setStage } from './stage.ts'
import { createPod, patch, stand } from './stand.ts'
import { openTerminal } from './terminal.ts'

t.setTimeout(300_000)

const stage = await setStage(t)
const { plane, olareg, distribution, images, webhook } = stage
await stage.closeGate()

/** An image that is admitted: as users name it, and as it is stored. */
async function makeSigned(reference: string, by: 'cosign-2' | 'cosign-3') {
  return { tag: reference, pinned: `${reference}@${await images.make(reference, by)}` }
}

const SIGNED = {
  'by cosign 2, in a registry with referrers': await makeSigned(`${olareg.host}/shop/web:v1`, 'cosign-2'),
  'by cosign 3, in a registry with referrers': await makeSigned(`${olareg.host}/shop/api:v1`, 'cosign-3'),
  'by cosign 2, in a registry without referrers': await makeSigned(`${distribution.host}/shop/web:v1`, 'cosign-2'),
  'by cosign 3, in a registry without referrers': await makeSigned(`${distribution.host}/shop/api:v1`, 'cosign-3'),
}
const good = SIGNED['by cosign 2, in a registry with referrers']
const api = SIGNED['by cosign 3, in a registry with referrers']
const unsigned = `${distribution.host}/shop/unsigned:v1`
await images.make(unsigned, 'none')

for (const [how, image] of Object.entries(SIGNED)) {
  t.test(`an image signed ${how} is admitted, and stored with its digest`, async t => {
    const terminal = await stage.open(t)
    await terminal.write('pod.yaml', makePod('web', image.tag))
    t.equal(await terminal.succeed('apply -f pod.yaml'), 'pod/web created\n')
    t.equal(await terminal.read('pod web', '{..image}'), image.pinned)
  })
}

t.test('an image without a signature is refused', async t => {
  const terminal = await stage.open(t)
  t.match(await terminal.type(`run web --image=${unsigned}`), { code: 1, stdout: '', stderr: 'image.unsigned' })
})

t.test('the same in a registry that lists no referrers as null', async t => {
  const terminal = await stage.open(t)
  const image = `${olareg.host}/shop/bare:v1`
  await images.make(image, 'none')
  t.match(await terminal.type(`run web --image=${image}`), { code: 1, stdout: '', stderr: 'image.unsigned' })
})

t.test('an image that somebody else signed is refused', async t => {
  const terminal = await stage.open(t)
  const image = `${olareg.host}/shop/stranger:v1`
  await images.make(image, 'by-a-stranger')
  t.match(await terminal.type(`run web --image=${image}`), { code: 1, stdout: '', stderr: 'signature.wrong-key' })
})

t.test('an image about which no policy speaks is refused, one that a policy lets through is not', async t => {
  const terminal = await stage.open(t)
  const said = await terminal.type(`run web --image=${olareg.host}/elsewhere/web:v1`)
  t.match(said, { code: 1, stderr: 'policy.none-matched' })
  await terminal.succeed(`run web --image=${olareg.host}/free/web:v1`)
  t.equal(await terminal.read('pod web', '{..image}'), `${olareg.host}/free/web:v1`, 'nobody wants its digest')
})

t.test('a policy in warn mode admits, and kubectl prints the warning', async t => {
  const terminal = await stage.open(t)
  const image = `${distribution.host}/trial/web:v1`
  await images.make(image, 'none')
  const said = await terminal.type(`run web --image=${image}`)
  t.match(said, { code: 0, stdout: 'pod/web created\n', stderr: /^Warning: .*image\.unsigned/ })
})

const MAKERS = { Pod: makePod, Deployment: makeDeployment, Job: makeJob, CronJob: makeCronJob }

for (const [kind, make] of Object.entries(MAKERS)) {
  t.test(`${kind}: a signed image is admitted and pinned, an unsigned one is refused and nothing is left`, async t => {
    const terminal = await stage.open(t)
    await terminal.write('good.yaml', make('good', good.tag))
    await terminal.write('bad.yaml', make('bad', unsigned))
    for (const verb of ['apply', 'create']) {
      const refused = await terminal.type(`${verb} -f bad.yaml`)
      t.match(refused, { code: 1, stdout: '', stderr: /spec\.containers\[0\]\.image: .*\n {2}image\.unsigned/ })
      await terminal.succeed(`${verb} -f good.yaml`)
      t.equal(await terminal.read(`${kind} good`, '{..image}'), good.pinned)
      await terminal.succeed(`delete ${kind} good`)
    }
    t.notMatch(await terminal.read('all', '{.items[*].metadata.name}'), 'bad')
  })
}

t.test('what controllers make passes: each parent and each child is judged on its own', async t => {
  const terminal = await stage.open(t)
  const { namespace } = terminal
  await terminal.write('web.yaml', makeDeployment('web', good.tag))
  await terminal.write('nightly.yaml', makeCronJob('nightly', good.tag))
  await terminal.succeed('apply -f web.yaml -f nightly.yaml')
  await terminal.succeed('create job now --from=cronjob/nightly')
  t.strictSame(await imagesOfPods(plane, namespace, { label: 'app=web' }), [good.pinned])
  t.strictSame(await imagesOfPods(plane, namespace, { label: 'job-name=now' }), [good.pinned])
  // Six objects, each asked about by both halves, and updates that the controllers make of them.
  const judged = await eventually('six objects to be judged', async () => {
    const decisions = await webhook.decisions(namespace, 12)
    const created = decisions.filter(one => one['review'] === 'validate' && one['operation'] === 'CREATE')
    return created.length < 6 ? undefined : created
  })
  const admitted = judged.filter(one => one['outcome'] === 'allow' && one['passed'] === undefined)
  const kinds = admitted.map(one => String(one['kind'])).toSorted((a, b) => a.localeCompare(b))
  t.strictSame(kinds, ['CronJob', 'Deployment', 'Job', 'Pod', 'Pod', 'ReplicaSet'], 'none was waved through')
})

t.test('a container that another webhook adds afterwards is pinned too', async t => {
  const terminal = await stage.open(t)
  const recorder = await startRecorder(t)
  const settings = { kind: 'mutate', name: 'sidecars', namespace: terminal.namespace } as const
  const sidecars = await stand(t, { plane, recorder }, settings)
  sidecars.answer(patch({ op: 'add', path: '/spec/containers/-', value: { name: 'sidecar', image: api.tag } }))
  await terminal.succeed(`run web --image=${good.tag}`)
  t.equal(await terminal.read('pod web', '{..image}'), `${good.pinned} ${api.pinned}`)
})

t.test('an object whose review is too large to be read is refused, and the reason is given', async t => {
  const namespace = await plane.makeNamespace()
  const { spec, ...pod } = makePod('large', good.pinned)
  const containers = spec.containers.map(one => ({ ...one, args: ['<'.repeat(1_400_000)] }))
  const said = await createPod(plane, namespace, '', { ...pod, spec: { containers } })
  t.match(said, { status: 400, message: /denied the request: the request cannot be read: expected at most \d+ bytes/ })
})

t.test('kube-system is spared', async t => {
  const terminal = await openTerminal(t, plane, 'kube-system')
  await terminal.succeed(`run web --image=${unsigned} --dry-run=server`)
})
