import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
import { makePod } from '#test/support/make-subject.ts'
import { asOfOf, makeSigned, makeStage, OFFLINE, plain, writeInto, writePolicy } from './offline-stage.ts'
import { type Ended, shedu, spawned } from './run-shedu.ts'

const FIXTURES = join(RECORDED_LAYOUTS, '..')
const RELEASE = readFileSync(join(FIXTURES, 'keys', 'p256.pub'), 'utf8')
const CI = {
  issuer: 'http://127.0.0.1:7000/ci',
  subject: 'https://ci.example.test/acme/app/.ci/release.yml@refs/heads/main',
}
const PROVENANCE = 'https://slsa.dev/provenance/v1'

t.setTimeout(180_000)

const filesIn = (cache: string) => readdirSync(join(cache, 'answers-v1')).map(name => join(cache, 'answers-v1', name))

t.test('of every recorded image it says offline what it said online, in every form', async t => {
  const registry = await startRegistry(t, { layouts: RECORDED_LAYOUTS })
  const { cases } = JSON.parse(readFileSync(join(FIXTURES, 'cases.json'), 'utf8')) as {
    cases: readonly { readonly image: string }[]
  }
  const images = [...cases.map(({ image }) => `${registry.host}/vec/${image}:v1`), `${registry.host}/vec/none:v1`]
  const { dir, cache, check, offline } = makeStage(t, '', [], { registries: [plain(registry)] })
  writePolicy(dir, [
    { name: 'release', key: { data: RELEASE } },
    { name: 'ci', keyless: { identities: [CI] }, attestations: [{ name: 'built', predicateType: PROVENANCE }] },
  ])
  writeFileSync(join(dir, 'pod.yaml'), images.map(image => JSON.stringify(makePod(image))).join('\n---\n'))
  const trust = ['--trust-roots', join(dir, 'trust')]
  writeInto(join(dir, 'trust'), 'default.json', readFileSync(join(FIXTURES, 'trusted_root.json')))
  const explain = (image: string, ...more: readonly string[]) => {
    const reached = ['--registries', join(dir, 'registries.json'), '--policies', join(dir, 'policies')]
    return shedu(['explain', image, ...reached, ...trust, '--cache', cache, ...more])
  }
  const before = new Date().toISOString()
  const online = [await check(...trust), await check(...trust, '-o', 'json')]
  const explained = []
  for (const image of images) explained.push([await explain(image), await explain(image, '-o', 'json')])
  await registry.stop()
  t.equal((await check(...trust)).code, 3, 'whoever asks gets no answer any more')
  const outcomes = JSON.parse(online[1]?.stdout ?? '').results.map(({ outcome }: { outcome: string }) => outcome)
  t.strictSame(new Set(outcomes), new Set(['admitted', 'refused']))

  const alone = [await offline(...trust), await offline(...trust, '-o', 'json')]
  compare(t, alone, online, 'check')
  t.ok((asOfOf(alone[0] as Ended) ?? '') >= before, 'it is as of when it was asked')
  for (const [at, image] of images.entries()) {
    const again = [await explain(image, '--offline'), await explain(image, '-o', 'json', '--offline')]
    compare(t, again, explained[at] ?? [], `explain ${image}`)
  }
})

/** The same but for when it is as of, in text and in JSON. */
function compare(t: Test, alone: readonly Ended[], online: readonly Ended[], what: string): void {
  t.strictSame(
    alone.map(({ code }) => code),
    online.map(({ code }) => code),
    what,
  )
  t.equal(alone[0]?.stdout, online[0]?.stdout, what)
  const [offlineJson, onlineJson] = [alone, online].map(([, json]) => JSON.parse(json?.stdout ?? ''))
  t.strictSame({ ...offlineJson, asOf: null }, onlineJson, what)
  t.equal(offlineJson.asOf, asOfOf(alone[1] as Ended))
  for (const { stderr } of alone) t.match(stderr, OFFLINE, what)
}

/** Tells, when the process ends, of each thing of libuv that reaches out of it: sockets, look-ups of names, processes. */
const WATCH = `
import { createHook } from 'node:async_hooks'
import { writeFileSync } from 'node:fs'
const OUT = /^(?:TCPWRAP|TCPCONNECTWRAP|TLSWRAP|UDPWRAP|UDPSENDWRAP|PIPECONNECTWRAP|GETADDRINFOREQWRAP|GETNAMEINFOREQWRAP|QUERYWRAP|PROCESSWRAP)$/
const seen = new Set()
createHook({ init: (id, type) => { if (OUT.test(type)) seen.add(type) } }).enable()
process.on('exit', () => writeFileSync(process.env.SEEN, JSON.stringify([...seen].sort())))
`

t.test('offline nothing reaches out of the process: no socket, no look-up, no helper', async t => {
  const registry = await startRegistry(t)
  const { key, image } = await makeSigned(registry)
  const login = { username: 'bob', password: 'hunter2' }
  await registry.auth({ mode: 'token', ...login })
  // A name that has to be looked up, a registry of a cloud whose login is asked for, and one that a helper opens.
  const images = [image, 'elsewhere.invalid/app:v1', '123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:v1']
  const clouds = { cloudCredentials: ['aws', 'google', 'azure'] }
  const { dir, cache } = makeStage(t, '', [key], { ...clouds, registries: [plain(registry)] })
  writeFileSync(join(dir, 'pod.yaml'), JSON.stringify(makePod(...images)))
  const helped = join(dir, 'helped')
  writeInto(dir, 'config.json', JSON.stringify({ credsStore: 'test' }))
  writeInto(
    dir,
    'docker-credential-test',
    `#!/bin/sh\necho asked >> ${helped}\necho '{"Username":"bob","Secret":"hunter2"}'\n`,
  )
  chmodSync(join(dir, 'docker-credential-test'), 0o700)
  const seen = join(dir, 'seen')
  const run = async (...more: readonly string[]) => {
    const main = join(import.meta.dirname, '../../cli/main.ts')
    const flags = ['check', '-f', 'pod.yaml', '--policies', 'policies', '--registries', 'registries.json']
    const watched = ['--import', `data:text/javascript,${encodeURIComponent(WATCH)}`, main, ...flags, '--cache', cache]
    const environment = {
      PATH: `${dir}:/usr/bin:/bin`,
      DOCKER_CONFIG: dir,
      SEEN: seen,
      AWS_EC2_METADATA_DISABLED: 'true',
    }
    const child = spawn(process.execPath, [...watched, '--timeout', '3s', ...more], { cwd: dir, env: environment })
    const [stdout] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    return { stdout, seen: JSON.parse(readFileSync(seen, 'utf8')) as readonly string[] }
  }
  const online = await run()
  for (const type of ['TCPWRAP', 'QUERYWRAP', 'PROCESSWRAP']) t.ok(online.seen.includes(type), `online it sees ${type}`)
  t.match(online.stdout, /^undecided/)
  const asked = readFileSync(helped, 'utf8')

  const offline = await run('--offline')
  t.strictSame(offline.seen, [])
  t.equal(readFileSync(helped, 'utf8'), asked, 'the helper was not run')
  t.match(offline.stdout, /^undecided[\s\S]*registry.not-asked[\s\S]*elsewhere.invalid\/app: the tag v1 is not in/)
  t.notMatch(offline.stdout, `image: ${registry.host}`, 'what was kept is proven, though it took a credential')
})

t.test('nothing that let us in is kept, and nothing that a registry wrote names a file', async t => {
  const registry = await startRegistry(t)
  const { key, image } = await makeSigned(registry)
  for (const mode of ['basic', 'token'] as const) {
    await registry.auth({ mode, username: 'bob', password: 'hunter2' })
    const password = { passwordFile: 'password' }
    const { dir, cache, check, offline } = makeStage(t, image, [key], {
      registries: [plain(registry, { username: 'bob', passwordFile: join(tmpdir(), 'nowhere') })],
    })
    writeInto(dir, 'password', 'hunter2')
    const entry = plain(registry, { username: 'bob', passwordFile: join(dir, password.passwordFile) })
    writeInto(dir, 'registries.json', JSON.stringify({ registries: [entry] }))
    t.equal((await check()).code, 0, mode)
    const files = filesIn(cache)
    t.ok(files.length >= 5)
    for (const file of files) {
      t.match(file, /\/answers-v1\/[0-9a-f]{64}$/)
      t.equal(statSync(file).mode & 0o777, 0o600)
      t.notMatch(readFileSync(file, 'latin1').toLowerCase(), /hunter2|bearer|basic|authenticate|"date"|etag/)
    }
    t.equal(statSync(join(cache, 'answers-v1')).mode & 0o777, 0o700)
    // Whoever has the folder needs no credential.
    writeInto(dir, 'registries.json', JSON.stringify({ registries: [plain(registry)] }))
    t.equal((await offline()).code, 0, mode)
  }
})

t.test('what is kept lets nobody in: each who may be asked is asked himself', async t => {
  const registry = await startRegistry(t)
  const { key, image } = await makeSigned(registry)
  const auths = (one: string, other: string) => ({
    [`${registry.host}/shop`]: { auth: btoa(`bob:${one}`) },
    [registry.host]: { auth: btoa(`bob:${other}`) },
  })
  const home = t.testdir({ 'config.json': JSON.stringify({ auths: auths('hunter3', 'hunter2') }) })
  const environment = { DOCKER_CONFIG: home }
  const { check, offline } = makeStage(t, image, [key], { registries: [plain(registry)] }, environment)
  await registry.auth({ mode: 'basic', username: 'bob', password: 'hunter2' })
  t.equal((await check()).code, 0)
  t.match(await check(), { code: 0 }, 'the first of two logins is refused the second time, too')
  t.equal((await offline()).code, 0)
})

t.test('content that lies there is not fetched again; tags, lists and the image are asked for each time', async t => {
  const registry = await startRegistry(t)
  const { key, digest, image } = await makeSigned(registry)
  await registry.sign({ repository: 'shop/app', digest, key: 'release', layout: 'simple-signing' })
  const { dir, check } = makeStage(t, image, [key], { registries: [plain(registry)] })
  const explain = () => {
    const reached = ['--registries', join(dir, 'registries.json'), '--cache', join(dir, 'cache')]
    return shedu(['explain', image, ...reached])
  }
  const asked = async () => {
    const paths = (await registry.requests()).map(({ path }) => path.replace('/v2/shop/app/', ''))
    await registry.forgetRequests()
    return new Set(paths)
  }
  await registry.forgetRequests()
  const first = await explain()
  t.equal([...(await asked())].filter(path => path.startsWith('blobs/')).length, 2)
  t.strictSame(await explain(), first)
  const hex = digest.replace(':', '-')
  const each = ['v1', digest, hex, `${hex}.sig`, `${hex}.att`].map(name => `manifests/${name}`)
  t.strictSame(await asked(), new Set([...each, `referrers/${digest}`]))
  t.equal((await check()).code, 0)
})

t.test('a moved tag is met online and remembered as it was offline', async t => {
  const registry = await startRegistry(t)
  const { key, digest, image } = await makeSigned(registry)
  const { check, offline } = makeStage(t, image, [key], { registries: [plain(registry)] })
  t.match(await check(), { code: 0, stdout: digest })
  const moved = await registry.image({ repository: 'shop/app', contents: 'evil' })
  t.match(await offline(), { code: 0, stdout: digest })
  t.match(await check(), { code: 1, stdout: `@${moved.digest}` })
  t.match(await offline(), { code: 1, stdout: /image.unsigned/ })
})

t.test('what was got from a mirror, or from another place, is found', async t => {
  const [upstream, mirror] = [await startRegistry(t), await startRegistry(t)]
  const { key, digest, image } = await makeSigned(upstream)
  await mirror.image({ repository: 'hub/shop/app', contents: 'good' })
  const mirrors = [plain(mirror, { overridePath: '/v2/hub' })]
  const stages = [
    makeStage(t, image, [key], { registries: [plain(upstream, { mirrors })] }),
    makeStage(t, 'ghcr.io/acme/shop/app:v1', [key], {
      registries: [plain(upstream)],
      rewrites: [{ prefix: 'ghcr.io/acme', to: upstream.host }],
    }),
  ]
  const online = await Promise.all(stages.map(({ check }) => check()))
  t.ok((await mirror.requests()).some(({ path }) => path.startsWith(`/v2/hub/shop/app/manifests/${digest}`)))
  await mirror.stop()
  const late = makeStage(t, image, [key], { registries: [plain(upstream, { mirrors })] })
  const withoutMirror = await late.check()
  await upstream.stop()
  const alone = await Promise.all([...stages, late].map(({ offline }) => offline()))
  t.strictSame(
    alone.map(({ code, stdout }) => [code, stdout.replaceAll(/\S+pod.yaml/g, '')]),
    [...online, withoutMirror].map(({ stdout }) => [0, stdout.replaceAll(/\S+pod.yaml/g, '')]),
  )
})

t.test('several runs at a time fill one folder, and leave nothing half done', async t => {
  const registry = await startRegistry(t)
  const { key, image } = await makeSigned(registry)
  const { dir, cache, offline } = makeStage(t, image, [key], { registries: [plain(registry)] })
  const files = ['-f', join(dir, 'pod.yaml'), '--policies', join(dir, 'policies')]
  const args = ['check', ...files, '--registries', join(dir, 'registries.json'), '--cache', cache]
  const runs = await Promise.all(Array.from({ length: 4 }, () => spawned(args)))
  t.strictSame(
    runs.map(({ code, stderr }) => [code, stderr]),
    runs.map(() => [0, '']),
  )
  t.strictSame(
    filesIn(cache).filter(file => file.endsWith('.part')),
    [],
  )
  t.match(await offline(), { code: 0, stderr: OFFLINE })
})
