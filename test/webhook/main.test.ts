import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { COMPILE_CACHE } from '#core/runtime/start-program.ts'

const MAIN = fileURLToPath(new URL('../../webhook/main.ts', import.meta.url))

const POLICY = `
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: forbid
spec:
  images:
    - glob: "forbidden.test/**"
  authorities:
    - static:
        action: fail
`

type Event = Record<string, unknown>

/** Starts the program as its users do: with nothing but an environment. */
function start(t: Test, env: Record<string, string>) {
  const free = { SHEDU_PORT: '0', SHEDU_OPS_PORT: '0', SHEDU_DRAIN_MS: '0' }
  const child = spawn(process.execPath, [MAIN], {
    env: { ...COMPILE_CACHE, ...free, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const events: Event[] = []
  const lines = createInterface({ input: child.stdout })
  lines.on('line', line => events.push(JSON.parse(line) as Event))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const event = async (msg: string) => {
    while (!events.some(one => one['msg'] === msg)) await once(lines, 'line')
    return events.find(one => one['msg'] === msg) as Event
  }
  return { child, events, event, stderr: () => stderr }
}

async function exitOf(child: ChildProcess): Promise<number | string> {
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return code ?? (signal as string)
}

t.test('it prints where it listens, becomes ready, and ends with 0 when it is told to', async t => {
  const dir = t.testdir({ policies: { 'policy.yaml': POLICY } })
  const { child, events, event, stderr } = start(t, { SHEDU_POLICIES_DIR: `${dir}/policies` })
  const { port, opsPort } = (await event('listening')) as { port: number; opsPort: number }
  t.ok(port > 0 && opsPort > 0)
  t.match(await event('ready'), { policies: [{ name: 'forbid' }] })
  t.equal((await fetch(`http://127.0.0.1:${opsPort}/readyz`)).status, 200)
  t.match(await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text(), 'process_resident_memory_bytes')
  child.kill('SIGTERM')
  t.equal(await exitOf(child), 0)
  t.match(events.at(-1), { msg: 'ended' }, 'the last line was flushed')
  t.equal(stderr(), '')
})

t.test('a second signal ends it at once', async t => {
  const dir = t.testdir({ policies: { 'policy.yaml': POLICY } })
  const { child, event } = start(t, { SHEDU_POLICIES_DIR: `${dir}/policies`, SHEDU_DRAIN_MS: '600000' })
  await event('ready')
  child.kill('SIGINT')
  await event('draining')
  child.kill('SIGTERM')
  t.equal(await exitOf(child), 1)
})

t.test('a mistake in the settings is one clear line and exit code 2', async t => {
  const dir = t.testdir({ empty: {} })
  const mistakes: readonly [Record<string, string>, RegExp][] = [
    [{ SHEDU_PROT: '1' }, /^shedu webhook: SHEDU_PROT is not a setting; did you mean SHEDU_PORT\?\n$/],
    [{ SHEDU_POLICIES_DIR: `${dir}/empty` }, /^shedu webhook: there is no policy in [^\n]+\n$/],
  ]
  const runs = mistakes.map(async ([env, line]) => {
    const { child, stderr } = start(t, env)
    t.equal(await exitOf(child), 2, JSON.stringify(env))
    t.match(stderr(), line)
  })
  await Promise.all(runs)
})

t.test('a port that cannot be had is one clear line and exit code 1', async t => {
  const { child, stderr } = start(t, { SHEDU_HOST: '192.0.2.1' })
  t.equal(await exitOf(child), 1)
  t.match(stderr(), /^shedu webhook: listen EADDRNOTAVAIL[^\n]*\n$/)
})

t.test('it goes on when nobody reads its log any more, and still ends in order', async t => {
  const dir = t.testdir({ policies: { 'policy.yaml': POLICY } })
  const { child, event } = start(t, { SHEDU_POLICIES_DIR: `${dir}/policies` })
  const { opsPort } = (await event('listening')) as { opsPort: number }
  await event('ready')
  child.stdout.destroy()
  t.equal((await fetch(`http://127.0.0.1:${opsPort}/readyz`)).status, 200)
  child.kill('SIGTERM')
  t.equal(await exitOf(child), 0)
})
