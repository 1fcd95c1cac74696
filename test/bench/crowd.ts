/** What warm admissions wait while a crowd of images arrives that nobody has seen before, beside what they wait when nothing else happens. */
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { makeTurns } from '#core/runtime/turns.ts'
import type { Asked, Pace } from './paced.ts'
import { quantile } from './quantile.ts'
import { makeReview } from './review.ts'
import type { Kind } from './signed-images.ts'
import type { Stage, Webhook } from './stage.ts'

const KINDS: readonly Kind[] = ['key, legacy', 'keyless, bundle']
const CROWD = 200
/** What a controller manager creates at once by its defaults; after that it creates 20 a second, and here 30 stay under way until all are answered. */
const AT_ONCE = 30
/** Quiet and crowd take turns. */
const ROUNDS = 5
const QUIET_MS = 1500
const WARM_PER_SECOND = 200
/** A registry that is not on the same machine. */
const ADDED_MS = 20

type Span = { readonly fromMs: number; readonly untilMs: number }

/** A table of both, for the cheapest kind of image and the dearest. */
export async function measureCrowd(stage: Stage, webhook: Webhook, warm: string): Promise<string> {
  const lines: string[] = []
  for (const kind of KINDS) lines.push(await withCrowd(stage, webhook, warm, kind))
  return `| ${CROWD} cold images, signed | all answered after ms | failed | warm p50 ms, quiet | beside them | warm p99 ms, quiet | beside them | ratio | warm asked | failed |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n${lines.join('\n')}\n`
}

async function withCrowd(stage: Stage, webhook: Webhook, warm: string, kind: Kind): Promise<string> {
  const bodies = (await stage.makeImages(kind, (ROUNDS + 1) * CROWD)).map(image => JSON.stringify(makeReview([image])))
  await stage.registry.faults([{ fault: { latencyMs: ADDED_MS } }])
  const asker = await startAsking({ port: webhook.port, ca: stage.ca, body: warm, perSecond: WARM_PER_SECOND })
  const [quiet, crowded]: [Span[], Span[]] = [[], []]
  let failed = 0
  const arrive = async () => {
    const inTurn = makeTurns(AT_ONCE)
    const coming = bodies.splice(0, CROWD).map(body => inTurn(() => stage.review(webhook.port, body)))
    const answers = await Promise.all(coming)
    failed += answers.filter(({ allowed }) => !allowed).length
  }
  // The first crowd opens the connections that the others come by, and is not looked at.
  await arrive()
  for (let round = 0; round < ROUNDS; round++) {
    quiet.push(await spanOf(() => wait(QUIET_MS)))
    crowded.push(await spanOf(arrive))
  }
  const asked = await asker.stop()
  await stage.registry.faults([])
  const [calm, busy] = [quiet, crowded].map(spans => asked.filter(({ atMs }) => spans.some(span => isIn(span, atMs))))
  const tookMs = quantile(
    crowded.map(({ fromMs, untilMs }) => untilMs - fromMs),
    0.5,
  )
  return lineOf(kind, { tookMs, failed, calm: calm ?? [], busy: busy ?? [] })
}

async function startAsking(pace: Pace): Promise<{ readonly stop: () => Promise<readonly Asked[]> }> {
  const worker = new Worker(new URL('paced.ts', import.meta.url), { workerData: pace })
  await once(worker, 'message')
  return {
    stop: async () => {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage('stop')
      const [asked] = (await once(worker, 'message')) as [readonly Asked[]]
      return asked
    },
  }
}

async function spanOf(work: () => Promise<unknown>): Promise<Span> {
  const fromMs = performance.timeOrigin + performance.now()
  await work()
  return { fromMs, untilMs: performance.timeOrigin + performance.now() }
}

function isIn({ fromMs, untilMs }: Span, atMs: number): boolean {
  return atMs >= fromMs && atMs < untilMs
}

type Seen = {
  readonly tookMs: number
  readonly failed: number
  readonly calm: readonly Asked[]
  readonly busy: readonly Asked[]
}

function lineOf(kind: Kind, { tookMs, failed, calm, busy }: Seen): string {
  const [quiet, beside] = [calm, busy].map(asked => asked.map(({ ms }) => ms)) as [number[], number[]]
  const both = (q: number) => [quiet, beside].map(times => quantile(times, q).toFixed(1)).join(' | ')
  const ratio = quantile(beside, 0.99) / quantile(quiet, 0.99)
  const refused = [...calm, ...busy].filter(({ allowed }) => !allowed).length
  return `| ${kind} | ${tookMs.toFixed(0)} | ${failed} | ${both(0.5)} | ${both(0.99)} | ${ratio.toFixed(1)} | ${calm.length + busy.length} | ${refused} |`
}
