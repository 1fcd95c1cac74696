/** Admissions of images never seen before, near the registry and far from it: how long, how often the registry was waited for, and at what cost. */

import { longestChain } from '#test/support/round-trips.ts'
import { cpuClock } from './process-usage.ts'
import { quantile } from './quantile.ts'
import { makeReview } from './review.ts'
import type { Kind } from './signed-images.ts'
import type { Stage, Webhook } from './stage.ts'

const KINDS: readonly Kind[] = ['key, legacy', 'key, bundle', 'keyless, legacy', 'keyless, bundle']
const ADDED_MS = [0, 20, 100]

/** Pods of one image and of ten take turns, so that whatever else the machine does befalls both. */
const TURNS = 20
const ONES_A_TURN = 5
const MANY = 10

/** Of each kind, before anything is measured: what is compiled by then stays so. */
const FIRST_PODS = 10

type Admission = {
  readonly allowed: boolean
  readonly ms: number
  readonly cpuMs: number
  readonly requests: number
  readonly roundTrips: number
}

/** A table of all of it. */
export async function measureCold(stage: Stage, webhook: Webhook): Promise<string> {
  const ask = makeAsker(stage, webhook)
  for (const kind of KINDS)
    for (const images of podsOf(await stage.makeImages(kind, FIRST_PODS * MANY), MANY)) await ask(images)
  const lines: string[] = []
  for (const addedMs of ADDED_MS)
    for (const kind of KINDS) {
      const ones = podsOf(await stage.makeImages(kind, TURNS * ONES_A_TURN), 1)
      const manies = podsOf(await stage.makeImages(kind, TURNS * MANY), MANY)
      await stage.registry.faults([{ fault: { latencyMs: addedMs } }])
      const { one, many } = await takeTurns(ask, ones, manies)
      await stage.registry.faults([])
      const ratio = median(many, ({ ms }) => ms) / median(one, ({ ms }) => ms)
      lines.push(lineOf(`${addedMs} | ${kind} | 1`, one, 1, ''))
      lines.push(lineOf(`${addedMs} | ${kind} | ${MANY}`, many, MANY, ratio.toFixed(2)))
    }
  return `| added ms | signed | images | Pods | p50 ms | p99 ms | to one image | CPU ms per image | requests | round trips | failed |\n| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n${lines.join('\n')}\n`
}

type Ask = (images: readonly string[]) => Promise<Admission>
type Pods = readonly (readonly string[])[]

async function takeTurns(ask: Ask, ones: Pods, manies: Pods) {
  const [one, many]: [Admission[], Admission[]] = [[], []]
  for (const [turn, images] of manies.entries()) {
    for (const image of ones.slice(turn * ONES_A_TURN, (turn + 1) * ONES_A_TURN)) one.push(await ask(image))
    many.push(await ask(images))
  }
  return { one, many }
}

function makeAsker(stage: Stage, webhook: Webhook): Ask {
  const cpu = cpuClock(webhook.pid)
  return async images => {
    await stage.registry.forgetRequests()
    const body = JSON.stringify(makeReview(images))
    const before = cpu()
    const { allowed, ms, text } = await stage.review(webhook.port, body)
    // While the registry tells, the webhook does what is left to do once it has answered; it counts as well.
    const requests = await stage.registry.requests()
    if (!allowed) process.stderr.write(`${text}\n`)
    return { allowed, ms, cpuMs: cpu() - before, requests: requests.length, roundTrips: longestChain(requests) }
  }
}

function podsOf(images: readonly string[], each: number): Pods {
  return Array.from({ length: images.length / each }, (_, pod) => images.slice(pod * each, (pod + 1) * each))
}

function lineOf(title: string, admissions: readonly Admission[], images: number, ratio: string): string {
  const times = admissions.map(({ ms }) => ms)
  const cpuMs = admissions.reduce((sum, one) => sum + one.cpuMs, 0) / admissions.length / images
  const [least, most] = [0, 1].map(q =>
    quantile(
      admissions.map(({ roundTrips }) => roundTrips),
      q,
    ),
  )
  const trips = least === most ? `${most}` : `${least} to ${most}`
  const failed = admissions.filter(({ allowed }) => !allowed).length
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)]
  return `| ${title} | ${times.length} | ${p50.toFixed(1)} | ${p99.toFixed(1)} | ${ratio} | ${cpuMs.toFixed(1)} | ${median(admissions, ({ requests }) => requests)} | ${trips} | ${failed} |`
}

function median(admissions: readonly Admission[], pick: (admission: Admission) => number): number {
  return quantile(admissions.map(pick), 0.5)
}
