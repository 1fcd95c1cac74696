/** The first try on a real API server: what a user types, and what kubectl prints. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { COMMANDS, type Command } from './commands.ts'
import { makeConfigurations } from './configurations.ts'
import { buildControlPlane, startControlPlane } from './control-plane.ts'
import { type Kubectl, makeKubectl, type Said } from './kubectl.ts'
import { type OpenGate, openGate, type Stage, say } from './open-gate.ts'

/** The API server heeds a new configuration within about a second; a busy machine takes longer. */
const EFFECT_MS = 20_000

/** Builds what is missing, starts everything, types every command, and returns the exit code that the answers deserve. */
export async function playOnCluster(
  stage: Stage,
  isOnce: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  say('looking for kube-apiserver, kube-controller-manager, etcd and kubectl; the first time they are built with Go,')
  say('which takes about five minutes on two processors and says how far it is')
  await buildControlPlane(stage, env)
  const gate = await openGate(stage)
  say('starting a control plane (about five seconds)')
  const plane = await startControlPlane(stage, env)
  const kubectl = makeKubectl(plane, gate.folder, stage.signal)
  say('putting the webhook before it')
  await closeGate(gate, kubectl)
  const wrong = await typeAll(gate, kubectl)
  if (wrong > 0) say(`\n${wrong} of ${COMMANDS.length} answers were not as they must be`)
  else say(`\nall ${COMMANDS.length} answers are as they must be`)
  if (!isOnce) say(`\nEverything keeps running until Ctrl-C. Try, in another terminal, in ${gate.folder}:\n`)
  if (!isOnce) say(`  export KUBECONFIG=${plane.kubeconfig}\n  ${plane.kubectl} apply -f bad.yaml\n`)
  return wrong === 0 ? 0 : 1
}

/** Both halves are at work once an unsigned image is pinned by the one and refused by the other. */
async function closeGate({ folder, ports, caFile }: OpenGate, kubectl: Kubectl): Promise<void> {
  const configurations = makeConfigurations(`https://127.0.0.1:${ports.port}`, readFileSync(caFile, 'utf8'))
  writeFileSync(join(folder, 'gate.json'), JSON.stringify(configurations))
  const applied = await kubectl('apply -f gate.json')
  if (!applied.isDone) throw new Error(`kubectl apply -f gate.json: ${applied.text}`)
  const until = performance.now() + EFFECT_MS
  let said: Said
  do said = await kubectl('create -f bad.yaml --dry-run=server')
  while (!/@sha256:[^]*image\.unsigned/.test(said.text) && performance.now() < until)
  if (said.isDone) throw new Error(`the API server did not heed the webhook within ${EFFECT_MS / 1000} s`)
}

async function typeAll({ scene }: OpenGate, kubectl: Kubectl): Promise<number> {
  let wrong = 0
  for (const command of COMMANDS) {
    const words = command.words.replace('HOST', scene.host)
    const started = performance.now()
    const said = await kubectl(words)
    if (!isExpected(command, said)) wrong++
    say(describe({ ...command, words }, said, performance.now() - started))
  }
  return wrong
}

function isExpected(command: Command, said: Said): boolean {
  return said.isDone === command.isDone && said.text.includes(command.says)
}

/** The command as it was typed, and under it what kubectl printed, word for word. */
function describe(command: Command, said: Said, ms: number): string {
  const verdict = said.isDone ? styleText('green', 'done   ') : styleText('red', 'refused')
  const head = `\n${verdict} ${`${ms.toFixed(0)} ms`.padStart(8)}  ${styleText('bold', command.title)}`
  const wrong = isExpected(command, said) ? '' : `\n${styleText('red', 'NOT AS EXPECTED')}: ${JSON.stringify(command)}`
  return `${head}\n$ kubectl ${command.words}\n${said.text}${wrong}`
}
