/**
 * `npm run bench`: warm admissions beside a bare echo in the same run, cold latency, requests to the registry, memory,
 * start; with --cluster, creations through a real API server. Nothing is asserted here: the figures go to docs/benchmarks.md, the misses with them.
 */
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { measureCreations } from './api-server.ts'
import type { Generator, Load } from './load.ts'
import { pickGenerator } from './load.ts'
import { quantile } from './quantile.ts'
import { makeReview } from './review.ts'
import type { Stage, Webhook } from './stage.ts'
import { makeStage } from './stage.ts'
import { measureHolding, measureVerifier } from './verifier.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    cluster: { type: 'boolean', default: false },
  },
})
const SECONDS = Number(values.seconds)
const ROUNDS = Number(values.rounds)
const CONNECTIONS = [1, 16, 64] as const
const COLD_IMAGES = 200
const STARTS = 5

const stage = await makeStage()
try {
  await bench(stage)
} finally {
  await stage.close()
}

async function bench(stage: Stage): Promise<void> {
  const generator = pickGenerator(stage.folder)
  say(
    `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}, load by ${generator.name}, ${ROUNDS} rounds of ${SECONDS} s\n`,
  )
  say('### Verifying a keyless artefact never seen before\n')
  say(measureVerifier())
  say('### Verifying many keyless artefacts at once\n')
  say(await measureHolding())
  const images = await stage.makeImages(COLD_IMAGES + 2)
  say('### From start to ready\n')
  say(await startTimes(stage))
  const webhook = await stage.startWebhook()
  say('### Requests to the registry, Pod of two containers by digest\n')
  const body = JSON.stringify(makeReview(images.slice(0, 2)))
  say(await registryRequests(stage, webhook, body))
  say('### Cold: an image never seen before, signed in the legacy layout, registry on the same machine\n')
  say(await coldLatencies(stage, webhook, images.slice(2)))
  say(`### Warm: the same Pod (review of ${body.length} bytes) beside a bare Fastify TLS echo\n`)
  const echo = await stage.startEcho()
  say(await compare(generator, body, echo.port, webhook.port))
  if (values.cluster) {
    say('### Through a real API server\n')
    say(await measureCreations(stage, webhook, images.slice(0, 2), { rounds: ROUNDS, seconds: SECONDS }))
  }
  say('### Memory\n')
  say(
    `| process | resident MiB after all of the above |\n| --- | ---: |\n| webhook | ${residentMiB(webhook.pid)} |\n| echo | ${residentMiB(echo.pid)} |\n`,
  )
}

async function startTimes(stage: Stage): Promise<string> {
  const times: number[] = []
  for (let n = 0; n < STARTS; n++) {
    const webhook = await stage.startWebhook()
    times.push(webhook.readyMs)
    await webhook.stop()
  }
  return `| starts | median ms | slowest ms |\n| ---: | ---: | ---: |\n| ${STARTS} | ${quantile(times, 0.5).toFixed(0)} | ${quantile(times, 1).toFixed(0)} |\n`
}

async function registryRequests(stage: Stage, webhook: Webhook, body: string): Promise<string> {
  await stage.registryRequests()
  await expectAllowed(stage, webhook, body)
  const first = await stage.registryRequests()
  for (let n = 0; n < 999; n++) await expectAllowed(stage, webhook, body)
  const next = await stage.registryRequests()
  return `| admissions | requests |\n| --- | ---: |\n| the first (two digests) | ${first} |\n| the next 999 | ${next} |\n`
}

async function coldLatencies(stage: Stage, webhook: Webhook, images: readonly string[]): Promise<string> {
  const times: number[] = []
  for (const image of images) {
    const body = JSON.stringify(makeReview([image]))
    const started = performance.now()
    await expectAllowed(stage, webhook, body)
    times.push(performance.now() - started)
  }
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)]
  return `| images | p50 ms | p99 ms |\n| ---: | ---: | ---: |\n| ${times.length} | ${p50.toFixed(1)} | ${p99.toFixed(1)} |\n`
}

/** A refusal answered quickly is no admission: a bench that counts it would praise a broken gate. */
async function expectAllowed(stage: Stage, webhook: Webhook, body: string): Promise<void> {
  const { allowed, text } = await stage.review(webhook.port, body)
  if (!allowed) throw new Error(`the webhook refused what it must admit: ${text}`)
}

/** Echo and webhook take turns, so that whatever else the machine does befalls both. */
async function compare(generator: Generator, body: string, echoPort: number, webhookPort: number): Promise<string> {
  const lines: string[] = []
  for (const connections of CONNECTIONS) {
    const run = (port: number) =>
      generator.run({ url: `https://127.0.0.1:${port}/validate?timeout=10s`, body, connections, seconds: SECONDS })
    const echo: Load[] = []
    const shedu: Load[] = []
    for (let round = 0; round < ROUNDS; round++) {
      echo.push(await run(echoPort))
      shedu.push(await run(webhookPort))
    }
    const ratio = median(shedu, load => load.perSecond) / median(echo, load => load.perSecond)
    lines.push(lineOf('echo', connections, echo, ''), lineOf('shedu', connections, shedu, ratio.toFixed(2)))
  }
  return `| connections | server | per second | spread | p50 ms | p99 ms | ratio | failed |\n| ---: | --- | ---: | --- | ---: | ---: | ---: | ---: |\n${lines.join('\n')}\n`
}

function lineOf(server: string, connections: number, loads: readonly Load[], ratio: string): string {
  const rates = loads.map(load => load.perSecond)
  const spread = `${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)}`
  const failed = loads.reduce((sum, load) => sum + load.errors, 0)
  const [rate, p50, p99] = [
    median(loads, load => load.perSecond),
    median(loads, load => load.p50Ms),
    median(loads, load => load.p99Ms),
  ]
  return `| ${connections} | ${server} | ${rate.toFixed(0)} | ${spread} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ${ratio} | ${failed} |`
}

function median(loads: readonly Load[], pick: (load: Load) => number): number {
  return quantile(loads.map(pick), 0.5)
}

function residentMiB(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return (Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024).toFixed(0)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
