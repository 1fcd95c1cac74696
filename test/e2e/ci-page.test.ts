/** The snippets of docs/ci.md, taken off the page and run in a checkout that has nothing of Shedu yet. */
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { parse } from 'yaml'

const ROOT = join(import.meta.dirname, '..', '..')
const TRUSTED_ROOT = join(ROOT, 'test', 'fixtures', 'images', 'trusted_root.json')
const PAGE = readFileSync(join(ROOT, 'docs', 'ci.md'), 'utf8')
const exec = promisify(execFile)

t.setTimeout(500_000)

const POLICY = `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: ok}
spec: {images: [{glob: "r.test/ok/**"}], authorities: [{static: {action: pass}}]}
`
const pod = (image: string) =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: app, image: ${image}}]}\n`

/** Blocks of this language, in the order of the page. */
function blocks(language: string): readonly string[] {
  return [...PAGE.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text)
}

/** The checkout of somebody's cluster; outside of ours, whose packages would be found from within. */
function checkout(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'shedu-ci-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  for (const folder of ['deploy', 'cluster/policies', 'cluster/trust-roots'])
    mkdirSync(join(dir, folder), { recursive: true })
  writeFileSync(join(dir, 'deploy', 'web.yaml'), pod('r.test/ok/app:1'))
  writeFileSync(join(dir, 'cluster', 'policies', 'ok.yaml'), POLICY)
  copyFileSync(TRUSTED_ROOT, join(dir, 'cluster', 'trust-roots', 'default.json'))
  return dir
}

type Ended = { readonly code: number; readonly stdout: string }

/** As a runner does, which stops at the first line that fails. */
async function runIn(dir: string, lines: readonly string[]): Promise<Ended> {
  const { stdout: commit } = await exec('git', ['rev-parse', 'HEAD'], { cwd: ROOT })
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, SHEDU_REPOSITORY: ROOT, SHEDU_COMMIT: commit.trim() }
  const script = ['set -eo pipefail', ...lines].join('\n')
  return new Promise(resolve => {
    execFile('bash', ['-c', script], { cwd: dir, env }, (error, stdout) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout }),
    )
  })
}

const ADMITTED = { code: 0, stdout: 'admitted Pod default/web (deploy/web.yaml:1)\n1 object: 1 admitted, 0 refused\n' }

/** Clones as the first lines say, finds the packages that a job before has kept (those of this checkout), and runs the rest. */
async function runJob(dir: string, lines: readonly string[]): Promise<Ended> {
  const fetches = lines.filter(line => line.startsWith('git '))
  t.match(await runIn(dir, fetches), { code: 0 })
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'shedu', 'node_modules'))
  return runIn(
    dir,
    lines.filter(line => !fetches.includes(line)),
  )
}

t.test('the plain shell gets the verdict, and fails where the cluster would refuse', async t => {
  const dir = checkout(t)
  const [snippet = ''] = blocks('sh')
  const lines = snippet.trimEnd().split('\n')
  t.strictSame(await runJob(dir, lines), ADMITTED)
  writeFileSync(join(dir, 'deploy', 'web.yaml'), pod('r.test/no/app:1'))
  const again = lines.filter(line => line.startsWith('node '))
  t.match(await runIn(dir, again), { code: 1, stdout: /policy.none-matched/ })
})

t.test('the job of GitLab gets the verdict and leaves its report', async t => {
  const dir = checkout(t)
  const [, gitlab = ''] = blocks('yaml')
  const { admission } = parse(gitlab) as { admission: { script: string[]; artifacts: { reports: { junit: string } } } }
  t.strictSame(await runJob(dir, admission.script), ADMITTED)
  t.match(readFileSync(join(dir, admission.artifacts.reports.junit), 'utf8'), 'tests="1" failures="0"')
})

t.test('the job of GitHub gives the action inputs that it has, and only those', async t => {
  const [github = ''] = blocks('yaml')
  const { jobs } = parse(github) as {
    jobs: { admission: { steps: { uses: string; with?: Record<string, string> }[] } }
  }
  const [step] = jobs.admission.steps.filter(({ uses }) => uses.includes('/shedu@'))
  const { inputs } = parse(readFileSync(join(ROOT, 'action.yml'), 'utf8')) as { inputs: Record<string, object> }
  const given = Object.keys(step?.with ?? {})
  t.strictSame(
    given.filter(name => !Object.hasOwn(inputs, name)),
    [],
  )
  const others = /Further inputs: (.*)\. A/.exec(PAGE)?.[1] ?? ''
  const named = [...given, ...others.matchAll(/`([a-z-]+)`/g).map(([, name]) => name ?? '')]
  t.strictSame(new Set(named), new Set(Object.keys(inputs)))
})
