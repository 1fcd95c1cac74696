/** What the gate costs where it is paid: creations through a real API server, with and without the webhooks, in one run. */
import { configureMutation, configureValidation, MUTATING, VALIDATING } from '../e2e/webhook-configurations.ts'
import { type ControlPlane, startControlPlane } from '../stack/control-plane.ts'
import { eventually } from '../stack/eventually.ts'
import { makeReview } from './review.ts'
import type { Stage, Webhook } from './stage.ts'

const CONNECTIONS = 16

/** Creations that the API server answers per second, dry run, so that nothing is stored; the median of so many rounds. */
export async function measureCreations(
  stage: Stage,
  webhook: Webhook,
  images: readonly string[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<string> {
  const ends: (() => Promise<void>)[] = []
  try {
    const plane = await startControlPlane({ teardown: end => ends.push(end) })
    const namespace = await plane.makeNamespace()
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`
    const pod = makePod(images)
    const [without, gated]: [number[], number[]] = [[], []]
    for (let round = 0; round < rounds; round++) {
      without.push(await creationsPerSecond(plane, path, pod, seconds))
      await open(plane, stage, webhook, path)
      gated.push(await creationsPerSecond(plane, path, pod, seconds))
      await close(plane, path)
    }
    return table(without, gated)
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

async function creationsPerSecond(plane: ControlPlane, path: string, pod: object, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1000
  let created = 0
  const worker = async () => {
    while (performance.now() < until) {
      const { status, body } = await plane.ask('POST', path, pod)
      if (status !== 201) throw new Error(`expected a creation, got ${status}: ${JSON.stringify(body).slice(0, 500)}`)
      created++
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
  return created / seconds
}

/** Puts both webhooks before the API server and waits until they are asked: an unsigned image is refused then. */
async function open(plane: ControlPlane, stage: Stage, webhook: Webhook, path: string): Promise<void> {
  const target = { url: `https://127.0.0.1:${webhook.port}`, ca: stage.ca }
  await configureMutation(plane.ask, target)
  await configureValidation(plane.ask, target)
  const unknown = makePod(['elsewhere.test/app:1'])
  await eventually('the webhooks are asked', async () =>
    (await plane.ask('POST', path, unknown)).status === 403 ? true : undefined,
  )
}

async function close(plane: ControlPlane, path: string): Promise<void> {
  await plane.ask('DELETE', `${MUTATING}/shedu`)
  await plane.ask('DELETE', `${VALIDATING}/shedu`)
  const unknown = makePod(['elsewhere.test/app:1'])
  await eventually('the webhooks are not asked', async () =>
    (await plane.ask('POST', path, unknown)).status === 201 ? true : undefined,
  )
}

function makePod(images: readonly string[]): object {
  const { request: asked } = makeReview(images) as { request: { object: { spec: object } } }
  const spec = { containers: (asked.object.spec as { containers: readonly object[] }).containers.map(withoutMounts) }
  return { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'bench-' }, spec }
}

/** The API server mounts the token itself, and refuses a mount of a volume that is not there. */
function withoutMounts(container: object): object {
  return { ...container, volumeMounts: [] }
}

function table(without: readonly number[], gated: readonly number[]): string {
  const line = (name: string, rates: readonly number[]) =>
    `| ${name} | ${median(rates).toFixed(0)} | ${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)} |`
  const ratio = (median(gated) / median(without)).toFixed(2)
  return `| Pods created per second, dry run, ${CONNECTIONS} at a time | median | spread |\n| --- | ---: | --- |\n${line('without webhooks', without)}\n${line('mutated and validated', gated)}\n\nRatio ${ratio}.\n`
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
