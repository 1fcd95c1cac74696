import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../stack/eventually.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'embedded', 'first-try', 'main.ts')

t.setTimeout(120_000)

/** Starts `npm start -- --cluster` and collects what it says; `until` resolves once that holds these words. */
function start(...more: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, '--cluster', ...more], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => {
      said += piece.toString()
    })
  const until = (words: string) => eventually(words, async () => (said.includes(words) ? true : undefined))
  return {
    child,
    until,
    said: () => said,
    closed: once(child, 'close').then(([code]) => [code as number | null] as const),
  }
}

const isListening = (url: string) =>
  fetch(url).then(
    () => true,
    (error: { readonly cause?: { readonly code?: string } }) => error.cause?.code !== 'ECONNREFUSED',
  )

t.test('--cluster --once types every command and ends with 0', async t => {
  const { closed, said } = start('--once')
  const [code] = await closed
  t.equal(code, 0)
  t.match(said(), 'all 16 answers are as they must be')
  t.match(said(), 'admission webhook "validate.shedu.dev" denied the request: 1 image refused')
})

t.test('--cluster serves until Ctrl-C, which leaves nothing behind', async t => {
  const { child, closed, said, until } = start()
  await until('bad.yaml\n\n')
  const kubeconfig = /KUBECONFIG=(\S+)/.exec(said())?.[1] ?? ''
  const folder = /in another terminal, in (\S+):/.exec(said())?.[1] ?? ''
  const server = /server: (\S+)/.exec(readFileSync(kubeconfig, 'utf8'))?.[1] ?? ''
  t.ok(existsSync(folder))
  t.equal(await isListening(server), true)
  child.kill('SIGINT')
  const [code] = await closed
  t.equal(code, 0)
  t.equal(await isListening(server), false)
  for (const trace of [folder, kubeconfig]) t.equal(existsSync(trace), false, trace)
})

t.test('Ctrl-C in the middle ends it as well', async t => {
  const { child, closed, until } = start()
  await until('$ kubectl')
  child.kill('SIGINT')
  const [code] = await closed
  t.equal(code, 130)
})

t.test('without Go it says what to install, and starts nothing', async t => {
  const env = { PATH: '/bin-of-nobody:/bin' }
  const child = spawn(process.execPath, [MAIN, '--cluster', '--once'], { stdio: ['ignore', 'pipe', 'pipe'], env })
  const texts = Promise.all([child.stdout, child.stderr].map(stream => stream.toArray()))
  const [code] = await once(child, 'exit')
  const [out, err] = (await texts).map(pieces => Buffer.concat(pieces).toString())
  t.equal(code, 1)
  t.match(err, /go\.dev\/dl[^]*cannot be built here/)
  t.notMatch(out, 'starting')
})
