/** The first try: registry, webhook and the questions of an API server, all on this machine, all ended together. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { ApiServer } from './api-server.ts'
import { makeApiServer } from './api-server.ts'
import { playOnCluster } from './on-cluster.ts'
import { type OpenGate, openGate, type Stage, say } from './open-gate.ts'
import { describe, HEAD, isExpected } from './print.ts'
import { ROWS } from './rows.ts'
import type { Scene } from './scene.ts'

const HELP = `npm start             starts a registry and the webhook on this machine, asks the webhook what a
                      kube-apiserver would ask, prints its answers and keeps serving
npm start -- --once   the same, then ends: exit code 0 only if every answer was as it must be
npm start -- --cluster
                      the same with a real kube-apiserver and kubectl, which are built with Go the
                      first time (minutes); --once ends after the last command
`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { once: { type: 'boolean' }, cluster: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  })
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
    const stage: Stage = { defer: close => closers.push(close), signal: stop.signal }
    const isOnce = values.once === true
    const played = values.cluster === true ? playOnCluster(stage, isOnce, process.env) : play(stage, isOnce)
    const first = await Promise.race([played, interrupted.promise])
    if (first === 'interrupted' || values.once === true) return first === 'interrupted' ? 130 : first
    await interrupted.promise
    say('\nending everything that was started')
    return 0
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

/** Sets everything up, plays all rows, and returns the exit code that they deserve. */
async function play(stage: Stage, isOnce: boolean): Promise<number> {
  const gate = await openGate(stage)
  const { scene, ports, caFile, readyMs } = gate
  say(`ready after ${readyMs.toFixed(0)} ms; asking it what a kube-apiserver would ask: mutate, then validate\n`)
  const apiServer = makeApiServer(ports.port, readFileSync(caFile, 'utf8'))
  stage.defer(apiServer.close)
  const wrong = await ask(apiServer, scene)
  if (wrong > 0) say(`\n${wrong} of ${ROWS.length} answers were not as they must be`)
  else say(`\nall ${ROWS.length} answers are as they must be`)
  if (!isOnce) say(whatNext(gate))
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

function whatNext({ scene, ports, caFile }: OpenGate): string {
  const { policiesDir, registriesFile, trustRootsDir } = scene
  const flags = `--policies ${policiesDir} --registries ${registriesFile} --trust-roots ${trustRootsDir}`
  return `
Everything keeps running until Ctrl-C. Try, in another terminal, in this folder:

  the verdict beforehand, as a CI job would ask for it (exit code 0, then 1):
    npx shedu check -f ${scene.goodFile} ${flags}
    npx shedu check -f ${scene.badFile} ${flags}

  what is attached to an image, and why it counts or does not (exit code 1, for it is refused):
    npx shedu explain ${scene.host}/keyless/mallory:v1 ${flags}

  readiness and metrics:
    curl http://127.0.0.1:${ports.opsPort}/readyz
    curl http://127.0.0.1:${ports.opsPort}/metrics

  the webhook, asked as an API server asks it about the unsigned image:
    curl --cacert ${caFile} -H 'content-type: application/json' -d @${scene.reviewFile} https://127.0.0.1:${ports.port}/validate

The policies are in ${policiesDir}, whom they believe of signatures without a key in
${trustRootsDir}; change one and ask \`shedu check\` again.
`
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`shedu: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
