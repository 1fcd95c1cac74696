import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { WriteStream } from 'node:tty'
import t, { type Test } from 'tap'
import { run } from '#cli/program.ts'
import { COMPILE_CACHE } from '#core/runtime/start-program.ts'
import type { EmbeddedRegistry } from '#test/support/embedded-registry.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'

const MAIN = join(import.meta.dirname, '../../cli/main.ts')

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** Runs the program as a shell would. */
async function spawned(args: readonly string[], cwd: string, stdin = ''): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, env: COMPILE_CACHE })
  child.stdin.end(stdin)
  const closed = once(child, 'close') as Promise<[number | null]>
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed])
  return { code, stdout, stderr }
}

/** Runs the command line in this process, which is quicker. */
async function shedu(args: readonly string[], cwd: string, terminal: object = {}): Promise<Ended> {
  const stdout = Object.assign(new PassThrough(), terminal)
  const stderr = new PassThrough()
  const before = process.cwd()
  process.chdir(cwd)
  try {
    const code = await run(args, { stdin: new PassThrough().end(), stdout, stderr })
    return { code, stdout: await text(stdout.end()), stderr: await text(stderr.end()) }
  } finally {
    process.chdir(before)
  }
}

function policy(name: string, glob: string, authority: string): string {
  return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: ${name}}
spec:
  images: [{glob: "${glob}"}]
  authorities:
    - ${authority}
`
}

function pod(name: string, image: string): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  containers:
    - name: app
      image: ${image}
`
}

const PASS = 'static: {action: pass}'
const FAIL = 'static: {action: fail}'
const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\n'

/** A folder with policies that need no registry: r.test/ok is admitted, r.test/no refused. */
function folder(t: Test, files: Readonly<Record<string, string | Readonly<Record<string, string>>>> = {}): string {
  const policies = { 'ok.yaml': policy('ok', 'r.test/ok/**', PASS), 'no.yaml': policy('no', 'r.test/no/**', FAIL) }
  return t.testdir({ policies, ...files })
}

t.test('the exit code is the answer', async t => {
  const dir = folder(t, {
    'ok.yaml': `${pod('a', 'r.test/ok/app:1')}---\n${SERVICE}`,
    'no.yaml': pod('b', 'r.test/no/app:1'),
    'invalid.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: {name: c}\nspec: {containers: none}\n',
  })
  const [ok, no, invalid] = await Promise.all([
    spawned(['check', '-f', 'ok.yaml', '--policies', 'policies'], dir),
    spawned(['check', '-f', 'no.yaml', '--policies', 'policies'], dir),
    spawned(['check', '-f', 'invalid.yaml', 'no.yaml', '--policies', 'policies'], dir),
  ])
  const both = await shedu(['check', '-f', 'no.yaml', '-f', 'ok.yaml', '--policies', 'policies'], dir)
  t.equal(ok.code, 0)
  t.equal(
    ok.stdout,
    'admitted Pod default/a (ok.yaml:1)\nskipped Service web (ok.yaml:9): not a kind that Shedu looks into\n2 objects: 1 admitted, 0 refused, 1 skipped\n',
  )
  t.equal(ok.stderr, '')
  t.equal(no.code, 1)
  t.match(no.stdout, /^refused Pod default\/b \(no.yaml:1\)\n {2}no.yaml:7:14 {2}spec.containers\[0\].image\n/)
  t.equal(both.code, 1)
  t.match(
    both.stdout,
    /refused[\s\S]*admitted[\s\S]*\n3 objects: 1 admitted, 1 refused, 1 skipped\n$/,
    'in the order of the flags',
  )
  t.equal(invalid.code, 2)
  t.match(invalid.stdout, /^invalid Pod default\/c \(invalid.yaml:1\): .*containers.*\nrefused Pod default\/b/)
})

t.test('what no policy covers is refused, unless the flag says otherwise', async t => {
  const dir = folder(t, { 'pod.yaml': pod('a', 'elsewhere.test/app:1') })
  const check = (...args: string[]) => shedu(['check', '-f', 'pod.yaml', '--policies', 'policies', ...args], dir)
  const byDefault = await check()
  t.equal(byDefault.code, 1)
  t.match(byDefault.stdout, /policy.none-matched/)
  const warn = await check('--no-match', 'warn')
  t.equal(warn.code, 0)
  t.match(warn.stdout, /^admitted [\s\S]* warning pod.yaml:7:14[\s\S]*policy.none-matched[\s\S]*1 object: 1 admitted/)
  const allow = await check('--no-match', 'allow', '--quiet')
  t.strictSame(allow, { code: 0, stdout: '', stderr: '' }, '--quiet says nothing of what is admitted')
  const quiet = await check('--no-match', 'warn', '--quiet')
  t.match(quiet.stdout, /^admitted [\s\S]*policy.none-matched/, 'but for a warning')
  t.notMatch(quiet.stdout, /object/)
})

t.test('wrong usage is exit code 2, a sentence on stderr and nothing on stdout', async t => {
  const dir = folder(t, {
    'pod.yaml': pod('a', 'r.test/ok/app:1'),
    'broken.yaml': 'a: [\n',
    'nothing.yaml': '# nothing\n',
    empty: {},
    bad: { 'bad.yaml': policy('bad', 'r.test/**', 'keyless: {}') },
  })
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /Usage: shedu[\s\S]*Examples:/],
    [['chek'], /unknown command 'chek'\n\(Did you mean check\?\)/],
    [['check', '--policies', 'policies'], /^error: -f is missing: name a file/],
    [
      ['check', '-f', '--policies', 'policies'],
      /-f, --file.*'--policies' is invalid. expected a value, got the next flag/,
    ],
    [['check', '-f', 'pod.yaml', '--policies', '--pin', 'all'], /--policies.*expected a value, got the next flag/],
    [['check', '-f', 'pod.yaml'], /^error: --policies or --context is missing/],
    [['check', '-f', 'pod.yaml', '--policies', 'absent'], /absent/],
    [['check', '-f', 'pod.yaml', '--policies', 'empty'], /empty/],
    [['check', '-f', 'pod.yaml', '--policies', 'bad'], /bad.yaml/],
    [['check', '-f', 'absent.yaml', '--policies', 'policies'], /^error: absent.yaml: there is no such file/],
    [['check', '-f', 'broken.yaml', '--policies', 'policies'], /^error: broken.yaml:2:1: /],
    [['check', '-f', 'empty', '--policies', 'policies'], /^error: empty: there is no .yaml/],
    [['check', '-f', 'nothing.yaml', '--policies', 'policies'], /^error: there are no objects in nothing.yaml/],
    [['check', '-f', 'pod.yaml', '--policies', 'policies', '--no-match', 'maybe'], /--no-match.*deny, warn, allow/],
    [['check', '-f', 'pod.yaml', '--policies', 'policies', '--timeout', '30'], /--timeout.*500ms, 30s or 2m/],
    [['check', '-f', 'pod.yaml', '--policies', 'policies', '--timeout', '0s'], /--timeout/],
    [['check', '-f', 'pod.yaml', '--policies', 'policies', '-n', 'No/Name'], /--namespace/],
    [['check', '-f', 'pod.yaml', '--policies', 'policies', '--registries', 'absent'], /absent/],
    [['check', '-f', 'pod.yaml', '--policies', 'bad', '--policies', 'policies'], /--policies.*once, got it twice/],
    [['check', '--\u001b[2J'], /unknown option '--\\u001b\[2J'/],
  ]
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await shedu(args, dir)
    t.strictSame([code, stdout], [2, ''], args.join(' '))
    t.match(stderr, message)
  }
})

t.test('help teaches by example and the version is that of the package', async t => {
  const dir = folder(t)
  const help = await shedu(['--help'], dir)
  t.match(help, {
    code: 0,
    stdout: /\$ shedu check -f deployment.yaml --policies policies\/[\s\S]*Exit codes:/,
    stderr: '',
  })
  const { code, stdout } = await shedu(['check', '--help'], dir)
  t.equal(code, 0)
  for (const flag of [
    '-f, --file',
    '--policies',
    '--registries',
    '--docker-config',
    '--cache',
    '--offline',
    '-n, --namespace',
    '-q, --quiet',
  ])
    t.match(stdout, flag)
  const onOneLine = stdout.replaceAll(/\s+/g, ' ')
  t.match(onOneLine, /--no-match [^-]*default: "deny"\) --pin [^-]*default: "matched"\) -n/)
  t.match(onOneLine, /--timeout [^-]*default: 30s\) --parallel [^-]*default: 8\) -o, --output <form\[=file\]>/)
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    version: string
  }
  t.equal((await shedu(['--version'], dir)).stdout, `${version}\n`)
})

t.test('reads standard input and writes JSON on stdout alone', async t => {
  const dir = folder(t)
  const args = ['check', '-f', '-', '--policies', 'policies', '-o', 'json', '-n', 'shop']
  const { code, stdout, stderr } = await spawned(
    args,
    dir,
    `${pod('a', 'r.test/ok/app:1')}---\n${pod('b', 'r.test/no/app:1')}`,
  )
  t.equal(code, 1)
  t.equal(stderr, '')
  t.match(JSON.parse(stdout), {
    version: 1,
    results: [
      { outcome: 'admitted', namespace: 'shop', source: { file: 'standard input', document: 1, line: 1 } },
      { outcome: 'refused', objections: [{ code: 'policy.static-deny', field: 'spec.containers[0].image', line: 15 }] },
    ],
    summary: { objects: 2, admitted: 1, refused: 1 },
  })
})

t.test('colours only for a terminal, and not where NO_COLOR is set', async t => {
  const before = { ...process.env }
  t.teardown(() => Object.assign(process.env, before))
  process.env['TERM'] = 'xterm-256color'
  delete process.env['FORCE_COLOR']
  const dir = folder(t, { 'pod.yaml': pod('a', 'r.test/ok/app:1') })
  const args = ['check', '-f', 'pod.yaml', '--policies', 'policies']
  // Asked with an environment of its own: in that of a CI job Node finds few colours or none.
  const ownEnv = () => ({ TERM: 'xterm-256color', ...(process.env['NO_COLOR'] ? { NO_COLOR: '1' } : {}) })
  const terminal = {
    isTTY: true,
    getColorDepth: () => WriteStream.prototype.getColorDepth.call(process.stdout, ownEnv()),
  }
  delete process.env['NO_COLOR']
  t.ok((await shedu(args, dir, terminal)).stdout.startsWith('\u001b[32madmitted\u001b[39m Pod'))
  t.ok((await shedu(args, dir)).stdout.startsWith('admitted Pod'))
  process.env['NO_COLOR'] = '1'
  t.ok((await shedu(args, dir, terminal)).stdout.startsWith('admitted Pod'))
})

t.test('a reader that goes away does not change the answer', async t => {
  const dir = folder(t, {
    'pods.yaml': Array.from({ length: 300 }, (_, at) => pod(`p${at}`, 'r.test/no/app:1')).join('---\n'),
  })
  const child = spawn(process.execPath, [MAIN, 'check', '-f', 'pods.yaml', '--policies', 'policies'], {
    cwd: dir,
    env: COMPILE_CACHE,
  })
  child.stdout.destroy()
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close') as Promise<[number | null]>])
  t.strictSame([code, stderr], [1, ''])
})

const shared = await startRegistry(t)

/** A registry with one image, the policy that wants it signed by `release`, and what is needed to reach it. */
async function makeStage(
  t: Test,
  registry = shared,
): Promise<{ dir: string; registry: EmbeddedRegistry; digest: string; args: readonly string[] }> {
  await registry.faults([])
  // A new key each time: what was signed in the stage before counts for nothing in this one.
  const key = (await registry.key('release')).trimEnd().replaceAll('\n', '\\n')
  await registry.key('other')
  const { digest } = await registry.image({ repository: 'shop/app' })
  const dir = t.testdir({
    policies: { 'p.yaml': policy('signed', `${registry.host}/**`, `key: {data: "${key}"}`) },
    'registries.yaml': `registries: [{host: "${registry.host}", plainHttp: true}]\n`,
    'pod.yaml': pod('web', `${registry.host}/shop/app:v1`),
  })
  return {
    dir,
    registry,
    digest,
    args: ['check', '-f', 'pod.yaml', '--policies', 'policies', '--registries', 'registries.yaml'],
  }
}

t.test('pins a tag and proves the signature, as the webhooks would', async t => {
  const { dir, registry, digest, args } = await makeStage(t)
  const unsigned = await shedu(args, dir)
  t.equal(unsigned.code, 1)
  t.match(unsigned.stdout, /image.unsigned: the image carries no signature/)
  await registry.sign({ repository: 'shop/app', digest, key: 'other' })
  const wrong = await shedu(args, dir)
  t.equal(wrong.code, 1)
  t.match(wrong.stdout, /signature.wrong-key/)
  await registry.sign({ repository: 'shop/app', digest, key: 'release', layout: 'bundle' })
  const signed = await shedu([...args, '-o', 'json'], dir)
  t.equal(signed.code, 0, signed.stderr)
  t.match(JSON.parse(signed.stdout), {
    results: [
      {
        outcome: 'admitted',
        policies: ['signed'],
        pins: [
          { line: 7, column: 14, from: `${registry.host}/shop/app:v1`, to: `${registry.host}/shop/app:v1@${digest}` },
        ],
        proofs: [{ proves: 'signature', digest }],
      },
    ],
  })
})

t.test('pins what a policy demands nothing of only when told to pin all', async t => {
  const { dir, registry, digest, args } = await makeStage(t)
  writeFileSync(join(dir, 'policies', 'p.yaml'), policy('free', `${registry.host}/**`, PASS))
  t.match(await shedu(args, dir), { code: 0, stdout: /^admitted .*\n1 object/ })
  const all = await shedu([...args, '--pin', 'all'], dir)
  t.match(all, { code: 0, stdout: `pinned pod.yaml:7:14  ${registry.host}/shop/app:v1 → ${digest}` })
})

t.test('what the registry does not tell is neither admitted nor refused', async t => {
  const { dir, registry, digest, args } = await makeStage(t, await startRegistry(t))
  await registry.sign({ repository: 'shop/app', digest, key: 'release' })
  await registry.faults([{ kind: 'manifest', fault: { hang: true } }])
  const late = await shedu([...args, '--timeout', '500ms'], dir)
  t.equal(late.code, 3, late.stderr)
  t.match(
    late.stdout,
    /^undecided [\s\S]*deadline.exceeded[\s\S]*1 object: 0 admitted, 0 refused, 1 could not be told\n$/,
  )
  await registry.stop()
  writeFileSync(join(dir, 'no.yaml'), pod('other', 'elsewhere.test/app:1'))
  const gone = await shedu(args, dir)
  t.equal(gone.code, 3, gone.stderr)
  t.match(gone.stdout, /registry.unreachable/)
  t.equal((await shedu([...args, '-f', 'no.yaml'], dir)).code, 1, 'a certain refusal of another object wins')
})

t.test('prints in the order of the input, whichever answer comes first', async t => {
  const { dir, registry, digest, args } = await makeStage(t)
  await registry.sign({ repository: 'shop/app', digest, key: 'release' })
  await registry.faults([{ kind: 'manifest', reference: 'v1', fault: { latencyMs: 300 }, times: 1 }])
  const images = [
    `${registry.host}/shop/app:v1`,
    ...Array.from({ length: 12 }, (_, at) => `${registry.host}/none/a${at}:v1`),
  ]
  writeFileSync(join(dir, 'pod.yaml'), images.map((image, at) => pod(`p${at}`, image)).join('---\n'))
  const { code, stdout } = await shedu(args, dir)
  t.equal(code, 1)
  const names = [...stdout.matchAll(/^(?:admitted|refused) Pod default\/p([0-9]+)/gm)].map(match => Number(match[1]))
  t.strictSame(
    names,
    Array.from({ length: 13 }, (_, at) => at),
  )
})

t.test('Ctrl-C ends it at once, and not as an admission', async t => {
  const { dir, registry, args } = await makeStage(t)
  await registry.faults([{ fault: { hang: true } }])
  await registry.forgetRequests()
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: dir, env: COMPILE_CACHE, stdio: 'ignore' })
  const ended = once(child, 'exit')
  while ((await registry.requests()).length === 0) await new Promise(resolve => setTimeout(resolve, 20))
  child.kill('SIGINT')
  t.strictSame(await ended, [null, 'SIGINT'])
})

t.test('a slip in kind or apiVersion is named, not skipped; a kind of somebody else is none of ours', async t => {
  const dir = folder(t, {
    'kinds.yaml': ['pod', 'Deployment', 'Podd', 'Rollout']
      .map((kind, n) => pod(`p${n}`, 'r.test/no/app:1').replace('kind: Pod', `kind: ${kind}`))
      .join('---\n')
      .replace('apiVersion: v1\nkind: Rollout', 'apiVersion: argoproj.io/v1alpha1\nkind: Rollout'),
  })
  const { code, stdout } = await shedu(['check', '-f', 'kinds.yaml', '--policies', 'policies'], dir)
  t.equal(code, 2)
  t.match(stdout, /invalid pod .*there is no pod in the core API \(apiVersion: v1\); did you mean v1 Pod\?/)
  t.match(stdout, /invalid Deployment .*did you mean apps\/Deployment\?/)
  t.match(stdout, /invalid Podd .*there is no Podd in the core API \(apiVersion: v1\); its kinds are Binding, .* Pod, /)
  t.match(stdout, /skipped Rollout .*not a kind that Shedu looks into/)
})

t.test(
  'a workload without containers is invalid: the API server takes none, and a misspelt field hides some',
  async t => {
    const dir = folder(t, { 'pod.yaml': pod('a', 'r.test/no/app:1').replace('containers', 'contaners') })
    const { code, stdout } = await shedu(['check', '-f', 'pod.yaml', '--policies', 'policies'], dir)
    t.equal(code, 2)
    t.match(stdout, /^invalid Pod default\/a \(pod.yaml:1\): expected containers in spec, found none\n/)
  },
)

t.test('policies that are no UTF-8 are refused, like manifests', async t => {
  const dir = folder(t, { 'pod.yaml': pod('a', 'r.test/ok/app:1') })
  writeFileSync(
    join(dir, 'policies', 'latin.yaml'),
    Buffer.from(`# \xe9\n${policy('more', 'r.test/more', PASS)}`, 'latin1'),
  )
  const { code, stderr } = await shedu(['check', '-f', 'pod.yaml', '--policies', 'policies'], dir)
  t.equal(code, 2)
  t.match(stderr, /latin.yaml: expected UTF-8/)
})
