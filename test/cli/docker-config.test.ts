import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { dockerConfigIn } from '#cli/docker-config.ts'
import { run } from '#cli/program.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makePod } from '#test/support/make-subject.ts'
import { makeKeyPolicy } from '#test/support/webhook-process.ts'

const registry = await startRegistry(t)
const { host } = registry
const data = await registry.key('release')
const { digest } = await registry.image({ repository: 'app' })
await registry.sign({ repository: 'app', digest, key: 'release' })
await registry.auth({ mode: 'basic', username: 'bob', password: 'hunter2' })

const config = (password: string) => JSON.stringify({ auths: { [host]: { auth: btoa(`bob:${password}`) } } })
const dir = t.testdir({
  policies: { 'p.json': JSON.stringify(makeKeyPolicy('p', `${host}/**`, [{ data }])) },
  'pod.json': JSON.stringify(makePod(`${host}/app:v1`)),
  'registries.yaml': `registries: [{ host: "${host}", plainHttp: true }]\n`,
  good: { 'config.json': config('hunter2') },
  bad: { 'config.json': config('hunter3') },
  broken: { 'config.json': '{' },
  home: { '.docker': { 'config.json': config('hunter2') } },
})

async function shedu(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const all = [...args, '--registries', join(dir, 'registries.yaml'), '--policies', join(dir, 'policies')]
  const code = await run(all, { stdin: new PassThrough().end(), stdout, stderr }, environment)
  return { code, stdout: await text(stdout.end()), stderr: await text(stderr.end()) }
}

const check = ['check', '-f', join(dir, 'pod.json')]

t.test('what docker login left is used where it lies, and the file that a flag names in its place', async t => {
  const code = async (args: readonly string[], environment?: Readonly<Record<string, string>>) =>
    (await shedu([...check, ...args], environment)).code
  t.equal(await code([]), 3, 'nobody knows')
  t.equal(await code([], { DOCKER_CONFIG: join(dir, 'good') }), 0)
  t.equal(await code([], { HOME: join(dir, 'home') }), 0)
  t.equal(await code([], { HOME: join(dir, 'home'), DOCKER_CONFIG: join(dir, 'bad') }), 3, 'Docker looks there alone')
  t.equal(await code(['--docker-config', join(dir, 'good/config.json')]), 0)
  t.equal(await code(['--docker-config', join(dir, 'bad/config.json')], { HOME: join(dir, 'home') }), 3)
  t.equal((await shedu(['explain', `${host}/app:v1`], { HOME: join(dir, 'home') })).code, 0)
})

t.test('a file that is only looked for may be broken, one that is named may not', async t => {
  const looked = await shedu(check, { DOCKER_CONFIG: join(dir, 'broken') })
  t.equal(looked.code, 3)
  t.match(looked.stderr, /^warning: .*broken\/config\.json: it is too large, or no JSON/)
  const named = await shedu([...check, '--docker-config', join(dir, 'broken/config.json')])
  t.equal(named.code, 2)
  t.match(named.stderr, /^error: .*broken\/config\.json: /)
  t.notMatch((await shedu(check, { DOCKER_CONFIG: join(dir, 'bad') })).stdout, /hunter/)
})

t.test('the file lies in DOCKER_CONFIG, or in the home folder of whoever runs it', async t => {
  const found = (environment: Readonly<Record<string, string>>) => dockerConfigIn(environment).dockerConfigDefault
  t.equal(found({ DOCKER_CONFIG: '/d', HOME: '/h' }), join('/d', 'config.json'))
  t.equal(found({ DOCKER_CONFIG: '', HOME: '/h' }), join('/h', '.docker', 'config.json'))
  t.equal(found({ USERPROFILE: '/u' }), join('/u', '.docker', 'config.json'))
  t.equal(found({}), undefined)
})
