/** The webhook program: reads its settings, starts, and ends when it is told to. Exit code 2 means that the settings are at fault. */
import { hostname } from 'node:os'
import { assembleGate } from '#assembly/assemble-gate.ts'
import { watchPoliciesOf } from '#assembly/policy-watch.ts'
import { InputError } from '#core/domain/input-error.ts'
import { parseProxies } from '#core/registry/proxy.ts'
import { errorLine } from '#core/runtime/error-line.ts'
import { type Log, makeLog } from '#core/runtime/log.ts'
import { makeMetrics, watchEventLoop, watchProcess } from '#core/runtime/make-metrics.ts'
import type { Spans } from '#core/runtime/otlp.ts'
import { toldToEnd } from '#core/runtime/told-to-end.ts'
import { type Config, readConfig } from './config.ts'
import { type EventSink, startProgram } from './program.ts'

const STDOUT = 1

process.exit(
  await main().catch((error: unknown) => {
    process.stderr.write(`shedu webhook: ${errorLine(error)}\n`)
    return error instanceof InputError ? 2 : 1
  }),
)

async function main(): Promise<number> {
  const told = toldToEnd()
  const config = readConfig(process.env)
  const proxyFor = parseProxies(process.env)
  const { log, close } = makeLog(config.logLevel, STDOUT)
  const metrics = makeMetrics()
  watchProcess(metrics)
  watchEventLoop(metrics)
  const spans = await openSpans(config, log)
  // Programs that hand out credentials see a part of the environment; nobody else sees any of it.
  const assemble: typeof assembleGate = (settings, ...rest) =>
    assembleGate({ ...settings, environment: process.env, proxyFor }, ...rest)
  try {
    const program = await startProgram(config, {
      assemble,
      watchPolicies: watchPoliciesOf,
      openEvents,
      log,
      metrics,
      tracing: spans?.tracing,
    })
    try {
      await Promise.race([told, program.ready])
      await told
    } finally {
      await program.drain()
    }
    return 0
  } finally {
    await spans?.close()
    await close()
  }
}

/** Loaded only where it is used: it takes as long to load as much of the rest. */
async function openSpans({ otlpEndpoint: url, otlpPercent: percent }: Config, log: Log): Promise<Spans | undefined> {
  if (url === undefined) return undefined
  const { openOtlp } = await import('#core/runtime/otlp.ts')
  const report = (err: unknown) => log.warn({ err }, 'spans were not taken by the collector')
  return openOtlp({ url, percent, instance: hostname(), report })
}

async function openEvents(kubeconfig: string | undefined, report: (error: unknown) => void): Promise<EventSink> {
  const { openEventsOf } = await import('#assembly/event-sink.ts')
  return openEventsOf(kubeconfig, { controller: 'shedu.dev/webhook', instance: hostname() }, report)
}
