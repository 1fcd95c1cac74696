/** The first try: registry, webhook and the questions of an API server, all on this machine, all ended together. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startProgram } from '#core/runtime/start-program.ts'
import type { ApiServer } from './api-server.ts'
import { makeApiServer } from './api-server.ts'
import { describe, HEAD, isExpected } from './print.ts'
import { makeRegistryControl } from './registry-control.ts'
import { ROWS } from './rows.ts'
import type { Scene } from './scene.ts'
import { setScene } from './scene.ts'

const LAYOUTS = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'images', 'layouts')

const HELP = `npm start             starts a registry and the webhook on this machine, asks the webhook what a
                      kube-apiserver would ask, prints its answers and keeps serving
npm start -- --once   the same, then ends: exit code 0 only if every answer was as it must be
`

type Stage = { readonly defer: (close: () => Promise<void> | void) => void; readonly signal: AbortSignal }

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { once: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } })
  if (values.help === true) {
    process.stdout.write(HELP)
    return 0
  }
  const closers: (() => Promise<void> | void)[] = []
  const interrupted = Promise.withResolvers<'interrupted'>()
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      stop.abort()
      interrupted.resolve('interrupted')
    })
  // A terminal that is closed takes nothing more; what was started has to be ended all the same.
  process.stdout.on('error', () => {})
  try {
    const played = play({ defer: close => closers.push(close), signal: stop.signal }, values.once === true)
    const first = await Promise.race([played, interrupted.promise])
    if (first === 'interrupted' || values.once === true) return first === 'interrupted' ? 130 : first
    await interrupted.promise
    say('\nending the webhook and the registry')
    return 0
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

/** Sets everything up, plays all rows, and returns the exit code that they deserve. */
async function play(stage: Stage, isOnce: boolean): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'shedu-first-try-'))
  stage.defer(() => rmSync(folder, { recursive: true, force: true }))
  say('starting a registry of images, good and bad')
  const registry = await startProgram(
    'embedded/registry/main.ts',
    { args: ['--layouts', LAYOUTS, '--prefix', 'recorded'], signal: stage.signal },
    line => line['port'] as number | undefined,
  )
  stage.defer(registry.stop)
  const scene = await setScene(makeRegistryControl(registry.ready), folder)
  say('starting the webhook, with a certificate issued on the spot')
  const started = performance.now()
  const caFile = join(folder, 'ca.pem')
  const webhook = await startProgram(
    'webhook/main.ts',
    { env: settings(scene, caFile), signal: stage.signal },
    readPorts,
  )
  stage.defer(webhook.stop)
  await waitReady(webhook.ready.opsPort)
  say(
    `ready after ${(performance.now() - started).toFixed(0)} ms; asking it what a kube-apiserver would ask: mutate, then validate\n`,
  )
  const apiServer = makeApiServer(webhook.ready.port, readFileSync(caFile, 'utf8'))
  stage.defer(apiServer.close)
  const wrong = await ask(apiServer, scene)
  if (wrong > 0) say(`\n${wrong} of ${ROWS.length} answers were not as they must be`)
  else say(`\nall ${ROWS.length} answers are as they must be`)
  if (!isOnce) say(whatNext(scene, webhook.ready, caFile))
  return wrong === 0 ? 0 : 1
}

async function ask(apiServer: ApiServer, scene: Scene): Promise<number> {
  let wrong = 0
  say(HEAD)
  for (const row of ROWS) {
    const answer = await apiServer.createPod(
      row.images.map(image => `${scene.host}/${image}`),
      row.timeoutSeconds,
    )
    if (!isExpected(row, answer)) wrong++
    say(describe(row, answer, scene.host))
  }
  return wrong
}

function settings(scene: Scene, caFile: string): Readonly<Record<string, string>> {
  return {
    SHEDU_PORT: '0',
    SHEDU_OPS_PORT: '0',
    SHEDU_POLICIES_DIR: scene.policiesDir,
    SHEDU_REGISTRIES_FILE: scene.registriesFile,
    SHEDU_TLS_CA_OUT: caFile,
    SHEDU_DRAIN_MS: '0',
    SHEDU_LOG_LEVEL: 'info',
  }
}

type Ports = { readonly port: number; readonly opsPort: number }

function readPorts(line: Readonly<Record<string, unknown>>): Ports | undefined {
  return line['msg'] === 'listening' ? { port: Number(line['port']), opsPort: Number(line['opsPort']) } : undefined
}

async function waitReady(opsPort: number): Promise<void> {
  const until = performance.now() + 10_000
  while (performance.now() < until) {
    const { status } = await fetch(`http://127.0.0.1:${opsPort}/readyz`)
    if (status === 200) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error('the webhook did not become ready within 10 s')
}

function whatNext(scene: Scene, ports: Ports, caFile: string): string {
  return `
Everything keeps running until Ctrl-C. Try, in another terminal, in this folder:

  the verdict beforehand, as a CI job would ask for it (exit code 0, then 1):
    npx shedu check -f ${scene.goodFile} --policies ${scene.policiesDir} --registries ${scene.registriesFile}
    npx shedu check -f ${scene.badFile} --policies ${scene.policiesDir} --registries ${scene.registriesFile}

  readiness and metrics:
    curl http://127.0.0.1:${ports.opsPort}/readyz
    curl http://127.0.0.1:${ports.opsPort}/metrics

  the webhook, asked as an API server asks it about the unsigned image:
    curl --cacert ${caFile} -H 'content-type: application/json' -d @${scene.reviewFile} https://127.0.0.1:${ports.port}/validate

The policies are in ${scene.policiesDir}; change one and ask \`shedu check\` again.
`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`shedu: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
