import t from 'tap'
import { eventually } from '../stack/eventually.ts'
import { makeDeployment, makePod } from './objects.ts'
import { imagesOfPods } from './pods.ts'
import { setStage } from './stage.ts'

t.setTimeout(300_000)

const stage = await setStage(t)
const { plane, olareg, distribution, embedded, images, webhook } = stage
const web = `${olareg.host}/shop/web:v1`
const pinned = `${web}@${await images.make(web, 'cosign-2')}`
const unsigned = `${distribution.host}/shop/unsigned:v1`
await images.make(unsigned, 'none')
await stage.closeGate()

t.test('a registry that breaks off is named, and is asked again within seconds of being well', async t => {
  const terminal = await stage.open(t)
  const { digest } = await embedded.image({ repository: 'shop/web' })
  const faulty = `${embedded.host}/shop/web`
  await embedded.faults([{ repository: 'shop/web', fault: { disconnect: true } }])
  for (const image of [`${faulty}:v1`, `${faulty}@${digest}`]) {
    const said = await terminal.type(`run web --image=${image}`)
    t.match(said, { code: 1, stdout: '', stderr: /1 image could not be checked[^]*registry\.unreachable/ })
    t.ok(said.stderr.includes(embedded.host), 'it says which')
  }
  await embedded.faults([])
  // After ten failures in a row it is left alone for some seconds (ADR 13).
  const well = await eventually('the registry to be asked again', async () => {
    const said = await terminal.type(`run web --image=${faulty}:v1`)
    return said.stderr.includes('registry.unreachable') ? undefined : said
  })
  t.match(well, { code: 1, stderr: 'image.unsigned' })
})

t.test('a registry that is silent is named before the API server stops listening', async t => {
  const terminal = await stage.open(t)
  const { digest } = await embedded.image({ repository: 'shop/silent' })
  await embedded.faults([{ repository: 'shop/silent', fault: { hang: true } }])
  const said = await terminal.type(`run web --image=${embedded.host}/shop/silent@${digest}`)
  t.match(said, { code: 1, stdout: '', stderr: 'registry.unreachable' })
  await embedded.faults([])
})

t.test('what was verified within the hour is admitted while the registry is down', async t => {
  const terminal = await stage.open(t)
  await terminal.write('web.yaml', makeDeployment('web', web))
  await terminal.succeed('apply -f web.yaml')
  await olareg.stop()
  await terminal.succeed('scale deployment/web --replicas=2')
  t.strictSame(await imagesOfPods(plane, terminal.namespace, { label: 'app=web', count: 2 }), [pinned, pinned])
  // What a tag was is believed for three seconds.
  const said = await eventually('the tag to be asked for', async () => {
    const said = await terminal.type(`run web --image=${web} --dry-run=server`)
    return said.code === 0 ? undefined : said
  })
  t.match(said, { code: 1, stderr: 'registry.unreachable' }, 'what the tag is now, nobody can tell')
})

t.test('with the webhook down nothing new comes in, and an administrator takes it away', async t => {
  const terminal = await stage.open(t)
  await terminal.write('pod.yaml', makePod('web', unsigned))
  await terminal.succeed(`run before --image=${pinned}`)
  await webhook.stop()
  const said = await terminal.type('apply -f pod.yaml')
  t.match(said, { code: 1, stdout: '', stderr: /failed calling webhook "mutate\.shedu\.dev".*connection refused/ })
  t.match(await terminal.type('label pod/before colour=blue'), { code: 1, stderr: 'failed calling webhook' })
  await terminal.succeed('delete pod/before')
  await terminal.succeed('delete validatingwebhookconfiguration/shedu mutatingwebhookconfiguration/shedu')
  await terminal.succeed('apply -f pod.yaml')
})
