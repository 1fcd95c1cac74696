import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { eventually } from '../stack/eventually.ts'
import { keylessOf, makeKeylessImages } from './keyless-situations.ts'
import { makeDeployment, makePod } from './objects.ts'
import { imagesOfPods } from './pods.ts'
import { readSections, renderPage, renderSection } from './refusals-page.ts'
import { SITUATIONS, type Situation, WITHOUT_PINNING, WITHOUT_WEBHOOK } from './situations.ts'
import { setStage } from './stage.ts'
import { configureMutation, MUTATING } from './webhook-configurations.ts'

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'refusals.md')

t.setTimeout(300_000)

const stage = await setStage(t, ({ embedded }) => keylessOf(t, embedded))
const { plane, distribution, embedded, images, webhook } = stage
const { host } = distribution
const terminal = await stage.open(t)
const { namespace } = terminal
const placeholders = {
  REGISTRY: host,
  FAULTY: embedded.host,
  WEBHOOK: new URL(webhook.url).host,
  NAMESPACE: namespace,
}
const fill = (text: string) => text.replaceAll('REGISTRY', host).replaceAll('FAULTY', embedded.host)

await makeImages()
await deploy('old', `${host}/shop/unsigned:v1`)
await imagesOfPods(plane, namespace, { label: 'app=old' })
await stage.closeGate()
await deploy('running', `${host}/shop/web:v1`)
await terminal.succeed(`run pod --image=${host}/shop/web:v1`)
await terminal.succeed('scale deployment/old --replicas=2')
await eventually('the missing Pod to be noticed', async () => {
  const messages = await terminal.read('deployment/old', '{.status.conditions[*].message}')
  return messages.includes('denied') ? true : undefined
})

const sections: string[] = []

for (const situation of SITUATIONS) t.test(situation.title, t => play(t, situation))

t.test(WITHOUT_PINNING.title, async t => {
  await plane.ask('DELETE', `${MUTATING}/shedu`)
  await untilAnswered('image.not-pinned')
  await play(t, WITHOUT_PINNING)
  await configureMutation(plane.ask, webhook)
  await untilAnswered('@sha256:')
})

t.test(WITHOUT_WEBHOOK.title, async t => {
  await webhook.stop()
  await play(t, WITHOUT_WEBHOOK)
})

t.test('docs/refusals.md says of every situation what kubectl said (UPDATE_DOCS=1 writes it anew)', async t => {
  const written = renderPage(sections)
  if (process.env['UPDATE_DOCS'] === '1') await writeFile(PAGE, written)
  const page = await readFile(PAGE, 'utf8')
  const documented = readSections(page)
  for (const [title, section] of readSections(written)) t.equal(documented.get(title), section, title)
  t.equal(page, written, 'and nothing else')
})

async function makeImages(): Promise<void> {
  await images.make(`${host}/shop/web:v1`, 'cosign-3')
  await images.make(`${host}/shop/stranger:v1`, 'by-a-stranger')
  for (const name of ['shop/unsigned', 'trial/web']) await images.make(`${host}/${name}:v1`, 'none')
  await makeKeylessImages(embedded)
  const { digest } = await embedded.image({ repository: 'shop/forged' })
  await embedded.sign({ repository: 'shop/forged', digest, key: 'release', layout: 'bundle', tamper: 'payload' })
  for (const repository of ['shop/down', 'shop/dripping']) await embedded.image({ repository })
  const slow = await embedded.image({ repository: 'shop/slow' })
  await embedded.sign({ repository: 'shop/slow', digest: slow.digest, key: 'release', layout: 'bundle' })
  await embedded.faults([
    { repository: 'shop/down', fault: { disconnect: true } },
    // Never silent for long, and never done.
    { repository: 'shop/dripping', fault: { dripMs: 1000 } },
    // Three answers one after the other are more than the ten seconds of the API server.
    { repository: 'shop/slow', fault: { latencyMs: 4000 } },
  ])
}

async function deploy(name: string, image: string): Promise<void> {
  await terminal.write(`${name}.yaml`, makeDeployment(name, image))
  await terminal.succeed(`apply -f ${name}.yaml`)
}

/** Types it, checks that it goes as the situation says, and writes the section. */
async function play(t: Test, situation: Situation): Promise<void> {
  const { file, typed, says } = situation
  if (file !== undefined) await terminal.write(file.name, JSON.parse(fill(JSON.stringify(file.object))))
  const said = await terminal.type(fill(typed))
  t.ok(`${said.stderr}${said.stdout}`.includes(says), says, said)
  sections.push(renderSection(situation, said, placeholders))
}

/** A change of the configurations takes a moment: asks for a Pod that is never stored until the answer holds these words. */
async function untilAnswered(words: string): Promise<void> {
  const pod = makePod('asked', `${host}/shop/web:v1`)
  await eventually(words, async () => {
    const { body } = await plane.ask('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod)
    return JSON.stringify(body).includes(words) ? true : undefined
  })
}
