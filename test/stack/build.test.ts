import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { buildPrograms } from './build.ts'
import { withLock } from './build-lock.ts'
import type { Owner } from './owner.ts'
import { buildArguments, buildKey, cacheFolder, moduleFolder } from './program-cache.ts'
import { PROGRAM_NAMES, PROGRAMS, type Program } from './programs.ts'
import { CommandFailed, runCommand } from './run-command.ts'
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
  t.type(failure, CommandFailed)
  t.match(failure, { message: /module lookup disabled by GOPROXY=off/ })
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
  await t.rejects(build(), { message: /Go 1\.26.*go\.dev\/dl/s })
  await writeFile(join(bin, 'go'), '#!/bin/sh\necho \'{"GOVERSION":"go1.25.1","GOOS":"linux","GOARCH":"amd64"}\'\n', {
    mode: 0o755,
  })
  await t.rejects(build(), { message: /found go1\.25\.1/ })
})

t.test('KUBEBUILDER_ASSETS gives the programs that it holds, of the control plane only', async t => {
  const { cache, env } = await makeCache(t)
  for (const name of ['etcd', 'olareg']) await writeFile(join(cache, name), '')
  const setting = { env: { ...env, KUBEBUILDER_ASSETS: cache }, report: () => {} }
  t.strictSame(await buildPrograms(['etcd'], setting), { etcd: join(cache, 'etcd') })
  const { olareg } = await buildPrograms(['olareg'], setting)
  t.not(olareg, join(cache, 'olareg'))
})

t.test('the cache lies where the setting says, else where the system keeps caches', async t => {
  const home = { XDG_CACHE_HOME: '/caches' }
  t.equal(cacheFolder({ ...home, SHEDU_STACK_CACHE: '/here' }), '/here')
  t.equal(cacheFolder(home), '/caches/shedu/stack')
  t.match(cacheFolder({}), /\/\.cache\/shedu\/stack$/)
})

t.test('the key follows the toolchain, the flags and the files of the module', async t => {
  const crane: Program = PROGRAMS.crane
  const key = await buildKey(crane, 'go1.26.0 linux/amd64')
  t.equal(await buildKey(crane, 'go1.26.0 linux/amd64'), key)
  t.not(await buildKey(crane, 'go1.26.1 linux/amd64'), key)
  t.not(await buildKey({ ...crane, tags: 'x' }, 'go1.26.0 linux/amd64'), key)
  t.not(await buildKey({ ...crane, module: 'olareg' }, 'go1.26.0 linux/amd64'), key)
})

t.test('the version that a program is told is the one that its module file pins', async t => {
  const stamped = PROGRAM_NAMES.map(name => PROGRAMS[name] as Program).filter(({ version }) => version !== undefined)
  t.equal(stamped.length, 3)
  for (const program of stamped) {
    const goMod = await readFile(join(moduleFolder(program), 'go.mod'), 'utf8')
    const name = program.package.split('/cmd/')[0]
    t.ok(goMod.includes(`\t${name} ${program.version} `), program.package)
    t.match(buildArguments(program).join(' '), /client-go\/pkg\/version\.gitMinor=36/)
  }
})

t.test('every module is pinned with its sums', async t => {
  for (const name of PROGRAM_NAMES) {
    const folder = moduleFolder(PROGRAMS[name])
    t.ok(existsSync(join(folder, 'go.mod')) && existsSync(join(folder, 'go.sum')), name)
  }
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
