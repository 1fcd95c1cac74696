/** The dashboard over a webhook at work: every panel has something to show, and the picture lies in .tap/pictures for whoever wants to see it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { request } from 'undici'
import { type Dashboard, drawDashboard, linesOf } from '#test/support/draw-dashboard.ts'
import { type EmbeddedRegistry, startRegistry } from '#test/support/embedded-registry.ts'
import { makePod } from '#test/support/make-subject.ts'
import { readScrape, type Scrape } from '#test/support/promql-evaluate.ts'
import { makeKeyPolicy, startWebhook, type WebhookProcess } from '#test/support/webhook-process.ts'

t.setTimeout(120_000)

const ROOT = join(import.meta.dirname, '..', '..')
const dashboard = JSON.parse(readFileSync(join(ROOT, 'manifests', 'dashboards', 'shedu.json'), 'utf8')) as Dashboard

/** Signed by key, signed without one, and not signed: so many of each. */
const IMAGES = 8
const EVERY_MS = 200
const RANGE_SECONDS = 2

const CI = { issuer: 'https://token.ci.test', subject: 'https://ci.test/acme/app/release.yml@refs/heads/main' }

type Images = Readonly<Record<'signed' | 'keyless' | 'unsigned', readonly string[]>>

async function makeImages(registry: EmbeddedRegistry): Promise<Images> {
  const make = async (folder: string, sign: (repository: string, digest: string) => Promise<unknown>) => {
    const images: string[] = []
    for (let at = 0; at < IMAGES; at++) {
      const repository = `${folder}/app-${at}`
      const { digest } = await registry.image({ repository })
      await sign(repository, digest)
      images.push(`${registry.host}/${repository}:v1`)
    }
    return images
  }
  const keyless = { sigstore: 'acme', ...CI }
  return {
    signed: await make('key', (repository, digest) => registry.sign({ repository, digest, key: 'release' })),
    keyless: await make('keyless', (repository, digest) =>
      registry.sign({ repository, digest, keyless, log: 'rekor1', layout: 'bundle' }),
    ),
    unsigned: await make('key/unsigned', async () => {}),
  }
}

async function open(): Promise<{ registry: EmbeddedRegistry; webhook: WebhookProcess; images: Images }> {
  const registry = await startRegistry(t)
  const data = await registry.key('release')
  const root = await registry.sigstore({ name: 'acme', ends: { rekor1: new Date(Date.now() + 5e9).toISOString() } })
  const roots = t.testdir({ 'default.json': JSON.stringify(root) })
  const policies = [
    makeKeyPolicy('by-key', `${registry.host}/key/**`, [{ data }]),
    {
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name: 'keyless' },
      spec: { images: [{ glob: `${registry.host}/keyless/**` }], authorities: [{ keyless: { identities: [CI] } }] },
    },
  ]
  const images = await makeImages(registry)
  const webhook = await startWebhook(t, registry.host, policies, { SHEDU_TRUST_ROOTS_DIR: roots })
  return { registry, webhook, images }
}

/** Creates Pods one after the other, as a user would, good ones and bad ones; then the registry breaks. */
async function load({ registry, webhook, images }: Awaited<ReturnType<typeof open>>): Promise<void> {
  const all = [...images.signed, ...images.keyless, ...images.unsigned, `${registry.host}/elsewhere/app:v1`]
  for (let round = 0; round < 3; round++) for (const image of all) await webhook.create(makePod(image))
  await registry.faults([{ fault: { status: 503 } }])
  for (let at = 0; at < IMAGES; at++) await webhook.create(makePod(`${registry.host}/key/silent-${at}:v1`))
  await registry.faults([])
}

async function scrapeWhile(work: Promise<void>, opsPort: number): Promise<readonly Scrape[]> {
  const scrapes: Scrape[] = []
  const over = new AbortController()
  const worked = work.finally(() => over.abort())
  const scrape = async () => {
    const answer = await request(`http://127.0.0.1:${opsPort}/metrics`)
    const labels = { job: 'shedu', instance: 'shedu-0' }
    scrapes.push(readScrape(await answer.body.text(), Date.now() / 1000, labels))
  }
  while (!over.signal.aborted) {
    await scrape()
    await Promise.race([wait(EVERY_MS), worked.catch(() => {})])
  }
  await worked
  await scrape()
  return scrapes
}

t.test('every panel of the webhook shows what happens', async t => {
  const stage = await open()
  const scrapes = await scrapeWhile(load(stage), stage.webhook.opsPort)
  const folder = join(ROOT, '.tap', 'pictures')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'dashboard.svg'), drawDashboard(dashboard, scrapes, RANGE_SECONDS))
  t.comment(`${scrapes.length} scrapes, drawn in .tap/pictures/dashboard.svg`)
  const shown = new Map(dashboard.panels.map(panel => [panel.title, linesOf(panel, scrapes, RANGE_SECONDS)]))
  for (const [title, lines] of shown) t.ok(lines.length > 0, title)
  const legends = (title: string) => shown.get(title)?.filter(({ points }) => points.some(({ value }) => value > 0))
  const named = (title: string) => legends(title)?.map(({ legend }) => legend) ?? []
  for (const outcome of ['allow', 'deny']) t.ok(named('Admissions by outcome').includes(outcome), outcome)
  for (const code of ['image.unsigned', 'policy.none-matched']) t.ok(named('Refusals by code').includes(code), code)
  for (const result of ['memory hit', 'memory miss']) t.ok(named('Cache').includes(result), result)
  for (const kind of ['key inline', 'witnessed inline']) t.ok(named('Verifying').includes(kind), kind)
  for (const outcome of ['ok', 'not-found', 'failed']) t.ok(named('Requests to registries').includes(outcome), outcome)
})
