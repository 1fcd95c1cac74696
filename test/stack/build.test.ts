import { existsSync } from 'node:fs'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { buildPrograms } from './build.ts'
import { withLock } from './build-lock.ts'
import { CannotBeHad } from './cannot-be-had.ts'
import type { Owner } from './owner.ts'
import { runCommand } from './run-command.ts'
import { inWords, secondsLeft } from './time-left.ts'
import { makeWorkFolder } from './work-folder.ts'

t.setTimeout(300_000)

/** Builds olareg, the quickest of all, into a cache of the test's own. */
async function makeCache(t: Owner) {
  const cache = await makeWorkFolder(t, 'cache')
  const said: string[] = []
  const env: NodeJS.ProcessEnv = { ...process.env, KUBEBUILDER_ASSETS: undefined, SHEDU_STACK_CACHE: cache }
  const build = () => buildPrograms(['olareg'], { env, report: line => said.push(line) })
  return { cache, said, env, build }
}

t.test('a program is built once, even if two ask at once, and runs', async t => {
  const { cache, said, build, env } = await makeCache(t)
  const [one, two] = await Promise.all([build(), build()])
  t.strictSame(one, two)
  t.equal(said.filter(line => line.includes('built in')).length, 1, said.join('\n'))
  t.strictSame(
    (await readdir(cache)).map(name => name.split('-')[0]),
    ['olareg'],
    'neither lock nor half a build is left',
  )
  const { stdout } = await runCommand({ file: one.olareg, args: ['--help'], env })
  t.match(stdout, /registry/)
  said.length = 0
  t.strictSame(await build(), one)
  t.strictSame(said, [], 'nothing was built again')
})

t.test('a build that breaks off leaves nothing, and says what Go said', async t => {
  const { cache, build, env } = await makeCache(t)
  env['GOPROXY'] = 'off'
  env['GOMODCACHE'] = join(cache, 'modules')
  const failure = await build().catch((error: unknown) => error)
  t.type(failure, CannotBeHad)
  t.match(failure, { message: /^olareg cannot be had here: .*module lookup disabled by GOPROXY=off$/ })
  t.strictSame(
    (await readdir(cache)).filter(name => name !== 'modules'),
    [],
  )
})

t.test('without Go it says which to install and where from', async t => {
  const { cache, build, env } = await makeCache(t)
  const bin = join(cache, 'bin')
  await mkdir(bin)
  env['PATH'] = `${bin}:/bin`
  await t.rejects(build(), { name: 'CannotBeHad', message: /Go 1\.26.*go\.dev\/dl/s })
  await writeFile(join(bin, 'go'), '#!/bin/sh\necho \'{"GOVERSION":"go1.25.1","GOOS":"linux","GOARCH":"amd64"}\'\n', {
    mode: 0o755,
  })
  await t.rejects(build(), { name: 'CannotBeHad', message: /found go1\.25\.1/ })
  await writeFile(join(bin, 'go'), '#!/bin/sh\necho no version is chosen >&2; exit 126\n')
  await t.rejects(build(), { name: 'CannotBeHad', message: /does not answer: no version is chosen$/ })
})

t.test('the time left follows the pace of the builds that have ended', async t => {
  const running = { expected: 60, elapsed: 20 }
  t.equal(secondsLeft({ done: [], running, rest: [100] }), 140)
  t.equal(secondsLeft({ done: [{ expected: 10, took: 20 }], running, rest: [100] }), 300)
  t.equal(secondsLeft({ done: [], running: { expected: 60, elapsed: 90 }, rest: [] }), 0, 'late, not negative')
  t.equal(inWords(59.4), '59 s')
  t.equal(inWords(200), '3 min 20 s')
})

t.test('a lock lets one work at a time, and one that fell silent is taken away', async t => {
  const file = join(await makeWorkFolder(t, 'lock'), 'lock')
  let working = 0
  let waited = 0
  const work = async () => {
    t.equal(++working, 1)
    await new Promise(setImmediate)
    working--
  }
  await Promise.all([1, 2, 3].map(() => withLock(file, () => waited++, work)))
  t.equal(waited, 2)
  await writeFile(file, '')
  const longAgo = new Date(Date.now() - 60_000)
  await utimes(file, longAgo, longAgo)
  t.equal(
    await withLock(
      file,
      () => {},
      async () => 'mine',
    ),
    'mine',
  )
  await t.rejects(
    withLock(
      file,
      () => {},
      async () => Promise.reject(new Error('no')),
    ),
    { message: 'no' },
  )
  t.notOk(existsSync(file), 'a lock is given back by whoever fails as well')
})
