import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { buildArguments, buildKey, cacheFolder, moduleFolder, presetProgram } from './program-cache.ts'
import { PROGRAM_NAMES, PROGRAMS, type Program } from './programs.ts'
import { makeWorkFolder } from './work-folder.ts'

t.test('KUBEBUILDER_ASSETS gives the programs that it holds, of the control plane only', async t => {
  const assets = await makeWorkFolder(t, 'assets')
  for (const name of ['etcd', 'olareg']) await writeFile(join(assets, name), '')
  const env = { KUBEBUILDER_ASSETS: assets }
  t.equal(presetProgram('etcd', PROGRAMS.etcd, env), join(assets, 'etcd'))
  t.equal(presetProgram('kubectl', PROGRAMS.kubectl, env), undefined, 'what it lacks is built')
  t.equal(presetProgram('olareg', PROGRAMS.olareg, env), undefined)
  t.equal(presetProgram('etcd', PROGRAMS.etcd, {}), undefined)
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
