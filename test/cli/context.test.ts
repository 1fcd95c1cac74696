import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { kubeconfigFiles } from '#cli/kubeconfig-files.ts'
import { run } from '#cli/program.ts'
import { InputError } from '#core/domain/input-error.ts'
import { COMPILE_CACHE } from '#core/runtime/start-program.ts'
import { makePod } from '#test/support/make-subject.ts'

const MAIN = join(import.meta.dirname, '../../cli/main.ts')

/** Nobody listens there. */
const NOBODY = 'https://127.0.0.1:1'

function makeKubeconfig(context: string, user: object = {}, cluster: object = {}): string {
  return JSON.stringify({
    clusters: [{ name: context, cluster: { server: NOBODY, ...cluster } }],
    users: [{ name: context, user: { token: 'hunter2', ...user } }],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
  })
}

// Waits for somebody to type, and ends with whoever could.
const waits = { command: process.execPath, args: ['-e', 'process.stdin.resume()'], apiVersion: 'v1', env: null }

const dir = t.testdir({
  policies: {
    'p.json': JSON.stringify({
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name: 'p' },
      spec: { images: [{ glob: 'r.test/**' }], authorities: [{ static: { action: 'pass' } }] },
    }),
  },
  'pod.json': JSON.stringify(makePod('r.test/app:v1')),
  broken: '{',
  away: makeKubeconfig('away'),
  waits: makeKubeconfig('waits', { exec: waits }),
  proxied: makeKubeconfig('proxied', {}, { 'proxy-url': 'http://127.0.0.1:1' }),
  home: { '.kube': { config: makeKubeconfig('at-home') } },
})
const at = (name: string) => join(dir, name)

type Environment = Readonly<Record<string, string>>

async function shedu(args: readonly string[], environment: Environment = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const code = await run(args, { stdin: new PassThrough().end(), stdout, stderr }, environment)
  return { code, stdout: await text(stdout.end()), stderr: await text(stderr.end()) }
}

async function spawned(args: readonly string[], node: readonly string[] = []) {
  const child = spawn(process.execPath, [...node, MAIN, ...args], { env: COMPILE_CACHE })
  child.stdin.end()
  const closed = once(child, 'close') as Promise<[number | null]>
  const [stderr, [code]] = await Promise.all([text(child.stderr), closed])
  return { code, stderr }
}

const check = ['check', '-f', at('pod.json')]

t.test(
  'the kubeconfig is that of the flag, else those of KUBECONFIG that are there, else that of the home',
  async t => {
    const [away, home] = [at('away'), at('home')]
    t.strictSame(kubeconfigFiles('absent', { KUBECONFIG: away, HOME: home }), ['absent'])
    const listed = ['', at('absent'), away, at('waits'), away].join(delimiter)
    t.strictSame(kubeconfigFiles(undefined, { KUBECONFIG: listed, HOME: home }), [away, at('waits')])
    t.strictSame(kubeconfigFiles(undefined, { KUBECONFIG: '', HOME: home }), [join(home, '.kube', 'config')])
    t.strictSame(kubeconfigFiles(undefined, { USERPROFILE: home }), [join(home, '.kube', 'config')])
    for (const environment of [{}, { HOME: at('policies') }, { KUBECONFIG: at('absent'), HOME: home }])
      t.throws(() => kubeconfigFiles(undefined, environment), InputError)
  },
)

t.test('what is wrong with the question is exit code 2, and says what to do', async t => {
  const env = { KUBECONFIG: [at('away'), at('waits')].join(delimiter), HOME: at('home') }
  const context = (name: string, ...more: readonly string[]) => ['--context', name, ...more]
  const cases: readonly (readonly [readonly string[], RegExp, Environment?])[] = [
    [[], /^error: --policies or --context is missing: name the folder .* or the context of the kubeconfig/],
    [['--policies', at('policies'), '--kubeconfig', at('away')], /^error: --kubeconfig is given without --context/],
    [context('porod'), /^error: expected a context .*, which has "away", "waits", got "porod"$/m],
    [context('away'), /which has "at-home", got "away"/, { HOME: at('home') }],
    [context('away'), /^error: there is no kubeconfig .*--kubeconfig/, { HOME: at('policies') }],
    [context('away', '--kubeconfig', at('absent')), /absent" to be a kubeconfig/],
    [context('away', '--kubeconfig', at('broken')), /broken" to be a kubeconfig/],
    [context('proxied', '--kubeconfig', at('proxied')), /^error: proxy-url of a kubeconfig is not supported/],
    [context('away', '--context', 'waits'), /--context.*once, got it twice/],
  ]
  for (const [args, message, environment = env] of cases) {
    const { code, stdout, stderr } = await shedu([...check, ...args], environment)
    t.strictSame([code, stdout], [2, ''], args.join(' '))
    t.match(stderr, message)
  }
})

t.test('a cluster that does not answer is exit code 3, also where a folder has policies', async t => {
  const away = ['--context', 'away', '--kubeconfig', at('away')]
  for (const args of [check, [...check, '--policies', at('policies')], ['explain', 'r.test/app:v1']]) {
    const { code, stdout, stderr } = await shedu([...args, ...away])
    t.strictSame([code, stdout], [3, ''])
    t.match(stderr, /^error: the cluster of the context "away" does not tell its policies: .*\(ECONNREFUSED\); kubectl/)
    t.notMatch(stderr, /hunter2/)
  }
})

t.test('a plugin that waits for somebody is not waited for', async t => {
  const args = ['--context', 'waits', '--kubeconfig', at('waits'), '--timeout', '300ms']
  const { code, stderr } = await spawned([...check, ...args])
  t.equal(code, 3)
  t.match(stderr, /^error: .*expected an answer within 300 ms, got none; kubectl/)
})

t.test('the Kubernetes client is loaded for --context alone', async t => {
  const hooks = `import { registerHooks } from 'node:module'
    const resolve = (name, context, next) => (name.includes('client-node') && process.stderr.write('loaded'), next(name, context))
    registerHooks({ resolve })`
  const watched = ['--import', `data:text/javascript,${encodeURIComponent(hooks)}`]
  t.strictSame(await spawned([...check, '--policies', at('policies')], watched), { code: 0, stderr: '' })
  const { stderr } = await spawned([...check, '--context', 'away', '--kubeconfig', at('away')], watched)
  t.match(stderr, /^loaded/)
})

t.test('a flag of one value is taken once', async t => {
  const policies = ['--policies', at('policies')]
  const flags = ['--timeout=5s', '--docker-config=a', '--context=a', '--kubeconfig=a', '--pin=all', '--no-match=warn']
  for (const flag of [...flags, '--parallel=2', '--namespace=a']) {
    const { code, stderr } = await shedu([...check, ...policies, flag, flag])
    t.equal(code, 2)
    t.match(stderr, new RegExp(`${flag.split('=')[0]}.*once, got it twice`))
  }
  t.equal((await shedu([...check, ...policies, '--timeout', '5s'])).code, 0)
})
