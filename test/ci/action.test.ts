/** `action.yml`, its step run by bash as GitHub's runner runs it: inputs in variables, a file for outputs. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse } from 'yaml'

const ROOT = join(import.meta.dirname, '..', '..')

type Action = {
  readonly inputs: Readonly<Record<string, { readonly default?: string; readonly required?: boolean }>>
  readonly runs: {
    readonly using: string
    readonly steps: readonly {
      readonly shell: string
      readonly run: string
      readonly env: Readonly<Record<string, string>>
    }[]
  }
}

const action = parse(readFileSync(join(ROOT, 'action.yml'), 'utf8')) as Action

const POLICY = `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: ok}
spec: {images: [{glob: "r.test/ok/**"}], authorities: [{static: {action: pass}}]}
`
const pod = (image: string) =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: app, image: ${image}}]}\n`

function checkout(t: Test): string {
  return t.testdir({
    policies: { 'ok.yaml': POLICY },
    deploy: { 'ok.yaml': pod('r.test/ok/app:1') },
    'no.yaml': pod('r.test/no/app:1'),
    outputs: '',
  })
}

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string; readonly outputs: string }

function runStep(dir: string, given: Readonly<Record<string, string>>): Promise<Ended> {
  const [step] = action.runs.steps
  if (step === undefined) throw new Error('expected a step')
  const inputs = Object.fromEntries(
    Object.entries(action.inputs).map(([name, input]) => [name, given[name] ?? input.default ?? '']),
  )
  const filled = Object.entries(step.env).map(([name, text]) => [
    name,
    text.replace(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_all, input: string) => inputs[input] ?? 'no such input'),
  ])
  const outputs = join(dir, 'outputs')
  const env = {
    PATH: process.env['PATH'],
    HOME: dir,
    ...Object.fromEntries(filled),
    GITHUB_ACTION_PATH: ROOT,
    GITHUB_WORKSPACE: dir,
    GITHUB_OUTPUT: outputs,
  }
  const args = ['--noprofile', '--norc', '-e', '-o', 'pipefail', '-c', step.run]
  return new Promise(resolve => {
    execFile('bash', args, { cwd: dir, env }, (error, stdout, stderr) =>
      resolve({
        code: error === null ? 0 : Number(error.code),
        stdout,
        stderr,
        outputs: readFileSync(outputs, 'utf8'),
      }),
    )
  })
}

t.setTimeout(120_000)

t.test('admits, with the text of the command in the log', async t => {
  const { code, stdout, stderr, outputs } = await runStep(checkout(t), { files: 'deploy/\n', policies: 'policies' })
  t.strictSame([code, stderr, outputs], [0, '', 'exit-code=0\n'])
  t.equal(stdout, 'admitted Pod default/web (deploy/ok.yaml:1)\n1 object: 1 admitted, 0 refused\n')
})

t.test('fails the job for a refusal, with an annotation at its line and the reports that were asked for', async t => {
  const dir = checkout(t)
  const { code, stdout, outputs } = await runStep(dir, {
    files: 'deploy\nno.yaml',
    images: 'r.test/ok/app:1\nr.test/ok/app:2',
    policies: 'policies',
    namespace: 'shop',
    sarif: 'shedu.sarif',
    junit: 'shedu.xml',
  })
  t.strictSame([code, outputs], [1, 'exit-code=1\n'])
  t.match(stdout, /\nadmitted image r.test\/ok\/app:2\n::error file=no.yaml,line=4,col=40,title=policy.none-matched/)
  t.match(stdout, /refused Pod shop\/web/)
  t.equal(JSON.parse(readFileSync(join(dir, 'shedu.sarif'), 'utf8')).runs[0].results.length, 1)
  t.match(readFileSync(join(dir, 'shedu.xml'), 'utf8'), 'tests="4" failures="1"')
})

t.test('fails the job where the question is wrong, and says what is', async t => {
  const { code, stderr, outputs } = await runStep(checkout(t), { files: 'absent', policies: 'policies' })
  t.strictSame([code, outputs], [2, 'exit-code=2\n'])
  t.match(stderr, /error: absent: there is no such file or folder/)
})

t.test('no input becomes a part of the script', async t => {
  const dir = checkout(t)
  const evil = `$(touch pwned)\`touch pwned\`"; touch pwned; '; touch pwned #`
  await runStep(dir, Object.fromEntries(Object.keys(action.inputs).map(name => [name, evil])))
  t.throws(() => readFileSync(join(dir, 'pwned')), { code: 'ENOENT' })
  for (const { run } of action.runs.steps) t.notMatch(run, '${{')
})
