import { readFileSync } from 'node:fs'
import t from 'tap'
import { environmentFor } from '#core/credentials/program-environment.ts'
import { makeRunProgram, PROGRAM_BYTES } from '#core/credentials/run-program.ts'
import { patience } from '../registry/make-client.ts'
import { makePrograms } from './make-programs.ts'

const PATH = '/usr/bin:/bin'
const run = makeRunProgram()
const programs = makePrograms(t)

function start(
  file: string,
  more: { readonly args?: string[]; readonly run?: typeof run; readonly signal?: AbortSignal } = {},
) {
  const program = { file, args: more.args ?? [], input: 'ghcr.io', environment: { PATH } }
  return (more.run ?? run)(program, more.signal ?? patience)
}

/** Whether a process of this number is there. */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

t.test('a program is given its input and no shell reads its arguments', async t => {
  const file = programs.write('echo', 'printf "%s|" "$INPUT" "$@"')
  const ended = await start(file, { args: ['get', '$(id)', '; id', '*'] })
  t.match(ended, { kind: 'ended', code: 0 })
  t.equal(ended.kind === 'ended' && Buffer.from(ended.output).toString(), 'ghcr.io|get|$(id)|; id|*|')
})

t.test('it sees the environment that it is given and no other', async t => {
  process.env['SHEDU_TEST_SECRET'] = 'hunter2'
  const ended = await start(programs.write('env', 'env; pwd'))
  const text = ended.kind === 'ended' ? Buffer.from(ended.output).toString() : ''
  t.notMatch(text, 'hunter2')
  t.match(text, /^PATH=/m)
  t.match(text, /^\/$/m, 'and stands in a folder that is nobody’s')
})

t.test('of our environment a program is told what such programs need', async t => {
  const ours = {
    PATH: 'p',
    HOME: 'h',
    AWS_ROLE_ARN: 'a',
    https_proxy: 'x',
    SHEDU_PORT: '1',
    GITHUB_TOKEN: 's',
    LD_PRELOAD: 'l',
    NODE_OPTIONS: 'n',
    UNSET: undefined,
  }
  t.strictSame(environmentFor(ours, { MORE: 'm' }), {
    PATH: 'p',
    HOME: 'h',
    AWS_ROLE_ARN: 'a',
    https_proxy: 'x',
    MORE: 'm',
  })
})

t.test('a code and the lack of a program are told apart', async t => {
  t.match(await start(programs.write('fails', 'exit 3')), { kind: 'ended', code: 3 })
  t.match(await start('/nowhere/at/all'), { kind: 'failed', why: 'could not be started (ENOENT)' })
  t.match(await start(programs.write('deaf', 'exec <&-; printf x')), { kind: 'ended', code: 0 })
})

t.test('what it writes is bounded', async t => {
  const file = (bytes: number) => programs.write(`writes${bytes}`, `head -c ${bytes} /dev/zero`)
  t.match(await start(file(PROGRAM_BYTES)), { kind: 'ended', code: 0 })
  t.match(await start(file(PROGRAM_BYTES + 1)), { kind: 'failed', why: `wrote more than ${PROGRAM_BYTES} bytes` })
  t.match(await start(programs.write('endless', 'cat /dev/zero')), { kind: 'failed', why: /^wrote more than/ })
})

t.test('one that does not end is ended with all that it has started', async t => {
  const file = programs.write('hangs', 'sleep 60 & echo $! > "$1"; wait')
  const note = `${programs.folder}/pid`
  const quick = makeRunProgram(1, 300)
  t.match(await start(file, { args: [note], run: quick }), { kind: 'failed', why: 'did not end within 300 ms' })
  const pid = Number(readFileSync(note, 'utf8'))
  for (let tries = 0; tries < 100 && lives(pid); tries++) await new Promise(resolve => setTimeout(resolve, 20))
  t.notOk(lives(pid))
})

t.test('whoever gives up is told in his own words, and the program ends', async t => {
  const stop = new AbortController()
  setTimeout(() => stop.abort(new Error('no longer')), 50)
  await t.rejects(start(programs.write('sleeps', 'sleep 60'), { signal: stop.signal }), { message: 'no longer' })
  await t.rejects(start(programs.write('late', 'true'), { signal: AbortSignal.abort(new Error('gone')) }), {
    message: 'gone',
  })
  t.strictSame(programs.runs('late'), [])
})

t.test('no more than so many run at the same time', async t => {
  const file = programs.write(
    'counts',
    `ls ${programs.folder} | grep -c '^run\\.' ; : > ${programs.folder}/run.$$; sleep 0.1; rm ${programs.folder}/run.$$`,
  )
  const two = makeRunProgram(2)
  const ended = await Promise.all(Array.from({ length: 6 }, () => start(file, { run: two })))
  const seen = ended.map(one => (one.kind === 'ended' ? Number(Buffer.from(one.output).toString()) : 9))
  t.ok(Math.max(...seen) <= 1, `at most one other was there: ${seen.join()}`)
})
