/** Warm admissions beside a bare echo, which take turns within each round, so that whatever else the machine does befalls both. */
import type { Generator, Load } from './load.ts'
import { quantile } from './quantile.ts'
import type { Stage } from './stage.ts'

const CONNECTIONS = [1, 16, 64] as const

type Compared = { readonly body: string; readonly echo: number; readonly webhook: number }

export type Rounds = { readonly rounds: number; readonly seconds: number }

/** A table of both, for few connections and for many. */
export async function measureWarm(
  generator: Generator,
  { review }: Stage,
  { body, echo: echoPort, webhook: webhookPort }: Compared,
  { rounds, seconds }: Rounds,
): Promise<string> {
  const lines: string[] = []
  const answers = new Map<number, string>()
  for (const port of [echoPort, webhookPort]) answers.set(port, await admitted(review(port, body)))
  for (const connections of CONNECTIONS) {
    const run = (port: number) =>
      generator.run({
        url: `https://127.0.0.1:${port}/validate?timeout=10s`,
        body,
        answer: answers.get(port) ?? '',
        connections,
        seconds,
      })
    const [echo, shedu]: [Load[], Load[]] = [[], []]
    for (let round = 0; round < rounds; round++) {
      echo.push(await run(echoPort))
      shedu.push(await run(webhookPort))
    }
    const ratio = median(shedu, load => load.perSecond) / median(echo, load => load.perSecond)
    lines.push(lineOf('echo', connections, echo, ''), lineOf('shedu', connections, shedu, ratio.toFixed(2)))
  }
  return `| connections | server | per second | spread | p50 ms | p99 ms | ratio | failed |\n| ---: | --- | ---: | --- | ---: | ---: | ---: | ---: |\n${lines.join('\n')}\n`
}

/** The answer, where it is one that may be compared: a refusal answered quickly is no admission. */
async function admitted(answer: ReturnType<Stage['review']>): Promise<string> {
  const { allowed, text } = await answer
  if (!allowed) throw new Error(`expected an admission, got ${text}`)
  return text
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
