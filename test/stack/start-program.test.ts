import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { eventually } from './eventually.ts'
import { findFreePort } from './free-port.ts'
import { runCommand } from './run-command.ts'
import { startProgram } from './start-program.ts'
import { makeWorkFolder } from './work-folder.ts'

const env = { PATH: process.env['PATH'] }

/** Two processes that would go on for an hour: one that the supervisor starts, and one that only that one knows. */
const FAMILY = 'sleep 3600 & echo "$! $$" > pids; wait'

/** A runner of tests in a process of its own: starts the family, says where it lives, and does what `then` says. */
function runnerThat(then: string): string {
  const from = (file: string) => JSON.stringify(join(import.meta.dirname, file))
  return `
    const { startProgram } = await import(${from('start-program.ts')})
    const { makeWorkFolder } = await import(${from('work-folder.ts')})
    const { access } = await import('node:fs/promises')
    const owner = { teardown: () => {} }
    const folder = await makeWorkFolder(owner, 'family')
    const ready = () => access(folder + '/pids')
    const args = ['-c', ${JSON.stringify(FAMILY)}]
    const { pid } = await startProgram(owner, { name: 'family', file: 'sh', args, folder, ready })
    console.log(JSON.stringify({ folder, pid }))
    ${then}`
}

async function startRunner(then: string) {
  const runner = spawn(process.execPath, ['--input-type=module', '--eval', runnerThat(then)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface(runner.stdout), 'line')) as [string]
  const { folder, pid } = JSON.parse(line) as { folder: string; pid: number }
  const pids = (await readFile(join(folder, 'pids'), 'utf8').catch(() => '')).trim().split(' ').map(Number)
  return { runner, folder, pids: [pid, ...pids] }
}

/** Dead is also who only waits to be reaped, which process 1 of a container may do late. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return /^[^Z\s]/.test(stdout.trim())
}

function isGone(folder: string, pids: readonly number[]) {
  return eventually('the end of all', async () => (pids.some(isAlive) || existsSync(folder) ? undefined : true))
}

t.test('nothing outlives a runner that is killed with signal 9: no process, no grandchild, no folder', async t => {
  const { runner, folder, pids } = await startRunner('setInterval(() => {}, 1000)')
  t.equal(pids.length, 3)
  t.ok(pids.every(isAlive), 'all were alive')
  runner.kill('SIGKILL')
  t.ok(await isGone(folder, pids))
})

t.test('nothing outlives a runner that throws', async t => {
  const { runner, folder, pids } = await startRunner('process.on("exit", () => {}); process.exit(7)')
  t.equal(pids.length, 3)
  if (runner.exitCode === null) await once(runner, 'exit')
  t.equal(runner.exitCode, 7)
  t.ok(await isGone(folder, pids))
})

t.test('a program that runs does not hold its runner back', async t => {
  const { runner, folder, pids } = await startRunner('')
  if (runner.exitCode === null) await once(runner, 'exit')
  t.equal(runner.exitCode, 0)
  t.ok(await isGone(folder, pids))
})

t.test('stop ends a program that will not hear, with what it has started', async t => {
  const folder = await makeWorkFolder(t, 'deaf')
  const file = 'sh'
  const args = ['-c', `trap '' TERM; ${FAMILY}; wait; sleep 3600`]
  const ready = () => readFile(join(folder, 'pids'))
  const { pid, stop } = await startProgram(t, { name: 'deaf', file, args, folder, ready })
  const pids = [pid, ...(await readFile(join(folder, 'pids'), 'utf8')).trim().split(' ').map(Number)]
  t.ok(pids.every(isAlive), 'all were alive')
  await stop()
  t.ok(await eventually('the end of all', async () => !pids.some(isAlive) || undefined))
})

t.test('a program that ends by itself leaves nothing of its group behind', async t => {
  const folder = await makeWorkFolder(t, 'brief')
  const { stdout } = await runCommand({
    file: 'sh',
    args: ['-c', 'sleep 3600 > /dev/null 2>&1 & echo $!'],
    cwd: folder,
    env,
  })
  const pid = Number(stdout)
  t.ok(pid > 1)
  t.ok(await eventually('its end', async () => !isAlive(pid) || undefined))
})

t.test('a program that ends before it is ready is reported with the tail of its log', async t => {
  const folder = await makeWorkFolder(t, 'broken')
  const launch = {
    name: 'broken',
    file: 'sh',
    args: ['-c', 'echo the disk is on fire >&2; exit 3'],
    folder,
    ready: async () => {
      throw new Error('nobody answers')
    },
  }
  await t.rejects(startProgram(t, launch), {
    message: /broken did not start: it ended \(exit code 3\)[^]*disk is on fire/,
  })
})

t.test('a test that failed shows the log of each program that it owns', async t => {
  const said: string[] = []
  const ends: (() => Promise<void>)[] = []
  const owner = {
    teardown: (end: () => Promise<void>) => ends.unshift(end),
    passing: () => false,
    comment: (text: string) => said.push(text),
  }
  const folder = await makeWorkFolder(owner, 'chatty')
  const logFile = join(folder, 'chatty.log')
  const ready = async () => (await readFile(logFile, 'utf8')).includes('three') || Promise.reject(new Error('silent'))
  await startProgram(owner, { name: 'chatty', file: 'sh', args: ['-c', 'echo three; sleep 3600'], folder, ready })
  for (const end of ends) await end()
  t.match(said, [/log of chatty ends:\nthree/])
  t.notOk(existsSync(folder))
})

t.test('a folder stays for whoever asks to keep it', async t => {
  const runner = runnerThat('')
  const env = { ...process.env, SHEDU_STACK_KEEP: '1' }
  const { stdout, stderr } = await runCommand({
    file: process.execPath,
    args: ['--input-type=module', '--eval', runner],
    env,
  })
  const { folder } = JSON.parse(stdout) as { folder: string }
  t.teardown(() => rm(folder, { recursive: true }))
  t.match(stderr, `${folder} stays`)
  t.ok(existsSync(join(folder, 'family.log')))
})

t.test('a command hears its input and answers with its output, its errors and its exit code', async t => {
  const script = 'cat; echo mind the gap >&2'
  t.strictSame(await runCommand({ file: 'sh', args: ['-c', script], env }, 'hello'), {
    stdout: 'hello',
    stderr: 'mind the gap\n',
  })
  await t.rejects(runCommand({ file: 'sh', args: ['-c', `${script}; exit 4`], env }, 'hello'), {
    name: 'CommandFailed',
    code: 4,
    output: { stdout: 'hello' },
    message: /mind the gap/,
  })
})

t.test('a command that hangs is killed', async t => {
  await t.rejects(runCommand({ file: 'sleep', args: ['3600'], env }, '', 50), { message: /killed: too late/ })
})

t.test('waiting ends with what was found, or with the last thing seen', async t => {
  let looks = 0
  t.equal(await eventually('three looks', async () => (++looks === 3 ? looks : undefined)), 3)
  const never = async () => {
    throw new Error('status 503')
  }
  await t.rejects(eventually('an answer', never, { waitMs: 60 }), {
    message: 'expected an answer within 60 ms, found nothing; last: status 503',
  })
  const hangs = (signal: AbortSignal) => once(new EventTarget(), 'never', { signal })
  await t.rejects(eventually('an answer', hangs, { waitMs: 60 }), /within 60 ms/)
})

t.test('no port is handed out twice', async t => {
  const ports = await Promise.all(Array.from({ length: 50 }, findFreePort))
  t.equal(new Set(ports).size, 50)
})
