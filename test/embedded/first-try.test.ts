import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { COMPILE_CACHE } from '#core/runtime/start-program.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'embedded', 'first-try', 'main.ts')

t.setTimeout(120_000)

type Run = { readonly code: number | null; readonly out: string; readonly err: string }

/** Runs the first try; `onText` sees everything printed so far. */
function run(args: readonly string[], onText: (out: string, interrupt: () => void) => void = () => {}): Promise<Run> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: COMPILE_CACHE })
  let out = ''
  let err = ''
  child.stdout.on('data', (piece: Buffer) => {
    out += piece.toString()
    onText(out, () => child.kill('SIGINT'))
  })
  child.stderr.on('data', (piece: Buffer) => {
    err += piece.toString()
  })
  return new Promise(resolve => child.once('close', code => resolve({ code, out, err })))
}

/** What the first try says it made: a folder, and ports that something listens on. */
function traces(out: string): { readonly folder: string; readonly ports: readonly string[] } {
  const folder = /(\S+shedu-first-try-\w+)\/policies/.exec(out)?.[1] ?? ''
  return { folder, ports: [...new Set([...out.matchAll(/127\.0\.0\.1:(\d+)/g)].map(match => match[1] ?? ''))] }
}

async function isServing({ folder, ports }: ReturnType<typeof traces>): Promise<boolean> {
  const listening = await Promise.all(ports.map(isListening))
  return listening.every(Boolean) && existsSync(folder)
}

async function isListening(port: string): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    (error: { cause?: { code?: string } }) => error.cause?.code !== 'ECONNREFUSED',
  )
}

t.test('--once plays every row as it must be and ends with 0', async t => {
  const { code, out, err } = await run(['--once'])
  t.equal(code, 0, err)
  t.match(out, /all 20 answers are as they must be/)
  t.notMatch(out, /NOT AS EXPECTED/)
  for (const outcome of [
    'image.unsigned',
    'signature.wrong-key',
    'signature.invalid',
    'image.digest-mismatch',
    'signature.wrong-identity',
    'certificate.untrusted',
    'log.missing',
    'attestation.missing',
    'policy.none-matched',
    'registry.unreachable',
    'deadline.exceeded',
  ])
    t.ok(out.includes(outcome), outcome)
})

t.test('without --once it keeps serving until Ctrl-C, which leaves nothing behind', async t => {
  let seen: ReturnType<typeof traces> | undefined
  let served = false
  const { code, err } = await run([], (out, interrupt) => {
    if (seen !== undefined || !out.includes('ask `shedu check` again')) return
    seen = traces(out)
    void isServing(seen).then(answer => {
      served = answer
      return interrupt()
    })
  })
  t.equal(code, 0, err)
  t.ok(served, 'it was serving')
  t.equal(seen?.ports.length, 3, 'registry, webhook and its second port')
  t.equal(existsSync(seen?.folder ?? 'none'), false)
  for (const port of seen?.ports ?? []) t.equal(await isListening(port), false, `nothing listens on ${port}`)
})

t.test('Ctrl-C while it is still asking ends it too', async t => {
  const { code } = await run([], (out, interrupt) => {
    if (out.includes('ready after')) interrupt()
  })
  t.equal(code, 130)
})
