/**
 * `npm run bench`: what is claimed about speed and memory, part by part in one run. Nothing is asserted here: the figures
 * go to docs/benchmarks.md, the misses with them.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { measureCreations } from './api-server.ts'
import { measureCold } from './cold.ts'
import { measureCrowd } from './crowd.ts'
import { pickGenerator } from './load.ts'
import { measureMemory } from './memory.ts'
import { memoryOf } from './process-usage.ts'
import { measureRequests } from './requests.ts'
import { makeReview } from './review.ts'
import { makeStage, type Stage, type Webhook } from './stage.ts'
import { measureStarts } from './start.ts'
import { measureHolding, measureVerifier } from './verifier.ts'
import { measureWarm, type Rounds } from './warm.ts'

type Scene = {
  readonly stage: Stage
  /** The one that all parts ask, but those that need one of their own. */
  readonly webhook: Webhook
  /** Two images that it has seen. */
  readonly images: readonly string[]
  /** The review of a Pod of these two. */
  readonly body: string
  readonly rounds: Rounds
}

type Part = { readonly title: string; readonly run: (scene: Scene) => string | Promise<string> }

const PARTS: Readonly<Record<string, Part>> = {
  verifier: { title: 'Verifying a keyless artefact never seen before', run: measureVerifier },
  holding: { title: 'Verifying many keyless artefacts at once', run: measureHolding },
  start: { title: 'From start to ready', run: ({ stage }) => measureStarts(stage) },
  requests: {
    title: 'Requests to the registry, Pod of two containers by digest',
    run: ({ stage, webhook, body }) => measureRequests(stage, webhook, body),
  },
  cold: {
    title: 'Cold: images never seen before, by what is added to each answer of the registry',
    run: ({ stage, webhook }) => measureCold(stage, webhook),
  },
  crowd: {
    title: 'Warm beside a crowd of cold images, registry 20 ms away',
    run: ({ stage, webhook, body }) => measureCrowd(stage, webhook, body),
  },
  warm: { title: 'Warm: the Pod of two containers beside a bare Fastify TLS echo', run: besideEcho },
  memory: { title: 'Memory of a webhook that has seen much', run: ({ stage }) => measureMemory(stage) },
}

/** Not without being asked for: it needs Go once. */
const CLUSTER: Part = {
  title: 'Through a real API server',
  run: ({ stage, webhook, images, rounds }) => measureCreations(stage, webhook, images, rounds),
}

const HELP = `npm run bench -- [--only PART]… [--cluster] [--seconds 5] [--rounds 3]

--only     measures this part and no other; may be given several times
--cluster  measures creations through a real API server as well (needs Go once)
--seconds, --rounds  of the load on warm admissions

Parts, in their order:
${Object.entries(PARTS)
  .map(([name, { title }]) => `  ${name.padEnd(9)} ${title}`)
  .join('\n')}
`

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true, default: [] },
    cluster: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) say(HELP)
else await bench(chosen(values.only))

function chosen(only: readonly string[]): readonly Part[] {
  const unknown = only.find(name => !Object.hasOwn(PARTS, name))
  if (unknown !== undefined) throw new Error(`there is no part ${unknown}; --help names all there are`)
  const parts = Object.entries(PARTS).filter(([name]) => only.length === 0 || only.includes(name))
  return [...parts.map(([, part]) => part), ...(values.cluster ? [CLUSTER] : [])]
}

async function bench(parts: readonly Part[]): Promise<void> {
  const begun = performance.now()
  const rounds = { rounds: Number(values.rounds), seconds: Number(values.seconds) }
  say(`${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}\n`)
  const stage = await makeStage()
  try {
    const images = await stage.makeImages('key, legacy', 2)
    const webhook = await stage.startWebhook()
    const scene = { stage, webhook, images, body: JSON.stringify(makeReview(images)), rounds }
    for (const { title, run } of parts) say(`### ${title}\n\n${await run(scene)}`)
  } finally {
    await stage.close()
  }
  say(`${((performance.now() - begun) / 1000).toFixed(0)} s`)
}

async function besideEcho({ stage, webhook, body, rounds }: Scene): Promise<string> {
  const generator = pickGenerator(stage.folder)
  const echo = await stage.startEcho()
  const compared = { body, echo: echo.port, webhook: webhook.port }
  const table = await measureWarm(generator, stage, compared, rounds)
  const resident = [echo, webhook].map(({ pid }) => memoryOf(pid).nowMiB.toFixed(0))
  return `Load by ${generator.name}, ${rounds.rounds} rounds of ${rounds.seconds} s, review of ${body.length} bytes; afterwards ${resident[0]} MiB of the echo are resident, and ${resident[1]} of the webhook.\n\n${table}`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
