import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { run } from '#cli/program.ts'
import { readKubeconfig } from '#core/cluster/kubeconfig.ts'
import { CODES } from '#core/domain/refusal.ts'
import { startControlPlane } from '../stack/control-plane.ts'
import { eventually } from '../stack/eventually.ts'
import { makeWorkFolder } from '../stack/work-folder.ts'
import { startRegistry } from '../support/embedded-registry.ts'
import { makeTrouble } from './cluster/trouble.ts'
import { makePod } from './objects.ts'
import { makePolicy } from './stage.ts'
import { startWebhook } from './start-webhook.ts'
import { configureMutation, configureValidation } from './webhook-configurations.ts'

t.setTimeout(300_000)

const MANIFESTS = join(import.meta.dirname, '..', '..', 'manifests')

const [plane, registry, folder] = await Promise.all([
  startControlPlane(t),
  startRegistry(t),
  makeWorkFolder(t, 'context'),
])
const trouble = await makeTrouble(t, plane)
const [release, other] = await Promise.all([registry.key('release'), registry.key('other')])
const { host } = registry

// A ServiceAccount that may do nothing yet, as a pipeline would have one.
await plane.kubectl(['create', 'namespace', 'ci'])
await plane.kubectl(['create', 'serviceaccount', 'pipeline', '--namespace=ci'])
const { stdout: token } = await plane.kubectl(['create', 'token', 'pipeline', '--namespace=ci'])

const credential = JSON.stringify({
  apiVersion: 'client.authentication.k8s.io/v1',
  kind: 'ExecCredential',
  status: { token: token.trim() },
})

/** Beside that of the administrator, whose cluster and user it goes on from: only together they mean anything. */
const CONTEXTS = join(folder, 'contexts')
await writeFile(
  CONTEXTS,
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'away',
    clusters: [
      { name: 'stack', cluster: { server: 'https://127.0.0.1:2' } },
      { name: 'away', cluster: { server: 'https://127.0.0.1:1' } },
      { name: 'unknown', cluster: { server: plane.url } },
    ],
    users: [
      { name: 'pipeline', user: { token: token.trim() } },
      { name: 'expired', user: { token: 'of yesterday' } },
      {
        name: 'plugin',
        user: {
          exec: {
            apiVersion: 'client.authentication.k8s.io/v1',
            interactiveMode: 'Never',
            command: process.execPath,
            args: ['-e', `console.log(${JSON.stringify(credential)})`],
          },
        },
      },
    ],
    contexts: [
      { name: 'shop', context: { cluster: 'stack', user: 'stack', namespace: 'ci' } },
      { name: 'pipeline', context: { cluster: 'stack', user: 'pipeline' } },
      { name: 'plugin', context: { cluster: 'stack', user: 'plugin' } },
      { name: 'expired', context: { cluster: 'stack', user: 'expired' } },
      { name: 'away', context: { cluster: 'away', user: 'stack' } },
      { name: 'unknown', context: { cluster: 'unknown', user: 'stack' } },
    ],
  }),
)
const FILES = [plane.kubeconfig, CONTEXTS]
const KUBECONFIG = FILES.join(delimiter)

const REGISTRIES = join(folder, 'registries.json')
await writeFile(REGISTRIES, JSON.stringify({ registries: [{ host, plainHttp: true }] }))

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string }

/** Types a command, in this process, which is quicker. */
async function shedu(args: readonly string[], input: object = {}): Promise<Ended> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const streams = { stdin: stdin.end(JSON.stringify(input)), stdout, stderr }
  const code = await run([...args, `--registries=${REGISTRIES}`], streams, { KUBECONFIG })
  return { code, stdout: await text(stdout.end()), stderr: await text(stderr.end()) }
}

const check = (context: string, ...more: readonly string[]) => ['check', '-f', '-', '--context', context, ...more]

async function apply(...policies: readonly object[]): Promise<void> {
  await plane.kubectl(['apply', '--filename=-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: policies }),
  })
}

const signedBy = (data: string) => ({ authorities: [{ name: 'key', key: { data } }] })

/** An image by its tag, signed with these keys. */
async function makeImage(repository: string, ...keys: readonly string[]): Promise<string> {
  const { digest } = await registry.image({ repository })
  for (const key of keys) await registry.sign({ repository, digest, key })
  return `${host}/${repository}:v1`
}

type Said = { readonly name: string; readonly isAdmitted: boolean; readonly codes: readonly string[] }

/** What the command line says of each Pod. */
async function foretold(pods: readonly object[], args: readonly string[]): Promise<readonly Said[]> {
  const { stdout } = await shedu([...args, '-o', 'json'], { apiVersion: 'v1', kind: 'List', items: pods })
  const { results } = JSON.parse(stdout) as {
    results: { name: string; outcome: string; objections: { code: string }[] }[]
  }
  return results.map(({ name, outcome, objections }) => ({
    name,
    isAdmitted: outcome === 'admitted',
    codes: [...new Set(objections.map(({ code }) => code))].toSorted(),
  }))
}

/** What the API server says to whoever would create it; nothing is stored. */
async function answered(pod: ReturnType<typeof makePod>): Promise<Said> {
  const { status, body } = await plane.ask('POST', '/api/v1/namespaces/ci/pods?dryRun=All', pod)
  const { message = '' } = body as { readonly message?: string }
  const codes = Object.keys(CODES).filter(code => message.includes(`${code}: `))
  return { name: pod.metadata.name, isAdmitted: status === 201, codes: codes.toSorted() }
}

/** The webhook is told of a policy a moment after it was applied; then it must answer as was foretold. */
async function comesTrue(said: Said, pod: ReturnType<typeof makePod>): Promise<void> {
  await eventually(`the API server to say ${JSON.stringify(said)}`, async () => {
    const found = await answered(pod)
    if (JSON.stringify(found) !== JSON.stringify(said)) throw new Error(`found ${JSON.stringify(found)}`)
    return true
  })
}

const beforeTheKind = await shedu(check('shop'), makePod('web', `${host}/any:v1`))
await plane.kubectl(['apply', `--filename=${join(MANIFESTS, 'crds')}`])
await plane.kubectl(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev'])

// What a folder has as well as the cluster: the folder's is in force.
const OWN = makePolicy('twice', [`${host}/twice/**`], signedBy(release))
const POLICIES = join(folder, 'policies')
await mkdir(POLICIES)
await writeFile(join(POLICIES, 'own.json'), JSON.stringify(OWN))
const webhook = await startWebhook(t, [host], [OWN], {
  SHEDU_POLICIES_FROM: 'both',
  SHEDU_KUBECONFIG: plane.kubeconfig,
})

t.test('a cluster that does not know the kind has no policies, and the message says what to do', async t => {
  const { code, stdout, stderr } = beforeTheKind
  t.strictSame([code, stdout], [2, ''])
  t.match(stderr, /^error: the cluster of the context "shop" has no policies, .*got 404.*manifests\/crds/)
})

t.test('a cluster without a policy refuses what its no-match setting refuses', async t => {
  const pod = makePod('web', `${host}/any:v1`)
  const { code, stdout, stderr } = await shedu(check('shop'), pod)
  t.equal(code, 1)
  t.match(stdout, /^refused Pod ci\/web .*[^]*policy\.none-matched/)
  t.equal(stderr, 'warning: the cluster of the context "shop" has no ClusterImagePolicy\n')
  t.equal((await shedu(check('shop', '--no-match', 'allow'), pod)).code, 0)
  const explained = await shedu(['explain', await makeImage('any'), '--context', 'shop'])
  t.match(explained, { code: 1, stdout: /verdict on a Pod with this image: refused: policy\.none-matched/ })
})

t.test('what is foretold is what the API server says, whatever stands in the policies', async t => {
  await apply(
    makePolicy('signed', [`${host}/signed/**`], signedBy(release)),
    makePolicy('strict', [`${host}/signed/strict/**`], signedBy(other)),
    makePolicy('trial', [`${host}/trial/**`], { mode: 'warn', ...signedBy(release) }),
    makePolicy('withdrawn', [`${host}/withdrawn/**`], { authorities: [{ static: { action: 'fail' } }] }),
    makePolicy('never', [`${host}/never/**`], signedBy('no key')),
    makePolicy('twice', [`${host}/twice/**`], signedBy(other)),
  )
  await configureMutation(plane.ask, webhook)
  await configureValidation(plane.ask, webhook)
  const images = {
    signed: await makeImage('signed/web', 'release'),
    bare: await makeImage('signed/bare'),
    stranger: await makeImage('signed/stranger', 'other'),
    strict: await makeImage('signed/strict/web', 'release'),
    both: await makeImage('signed/strict/both', 'release', 'other'),
    absent: `${host}/signed/absent:v1`,
    trial: await makeImage('trial/web'),
    withdrawn: await makeImage('withdrawn/web', 'release'),
    never: await makeImage('never/web', 'release'),
    elsewhere: await makeImage('elsewhere/web', 'release'),
    twice: await makeImage('twice/web', 'release'),
  }
  const pods = Object.entries(images).map(([name, image]) => makePod(name, image))
  const said = await foretold(pods, check('shop', '--policies', POLICIES))
  t.strictSame(
    said.map(({ name, isAdmitted, codes }) => `${name}: ${isAdmitted ? 'admitted' : codes.join(', ')}`),
    [
      'signed: admitted',
      'bare: image.unsigned',
      'stranger: signature.wrong-key',
      'strict: signature.wrong-key',
      'both: admitted',
      'absent: image.not-found',
      'trial: admitted',
      'withdrawn: policy.static-deny',
      'never: policy.invalid',
      'elsewhere: policy.none-matched',
      'twice: admitted',
    ],
  )
  // Refusals first: until the gate is closed, everything is admitted.
  for (const one of said.toSorted((a, b) => Number(a.isAdmitted) - Number(b.isAdmitted)))
    await comesTrue(one, makePod(one.name, images[one.name as keyof typeof images]))
})

t.test('what is not valid, and what a file has already, is a warning that names policy and fault', async t => {
  const { stderr } = await shedu(check('shop', '--policies', POLICIES), makePod('web', `${host}/any:v1`))
  const lines = stderr.split('\n').filter(line => line.includes('clusterimagepolicy/'))
  t.match(lines, [
    /^warning: clusterimagepolicy\/never is not valid, .*spec\.authorities\[0\]\.key\.data/,
    /^warning: clusterimagepolicy\/twice is not in force: .*own\.json has a policy of this name/,
  ])
})

t.test('without the folder, the policy of the cluster is in force', async t => {
  const pod = makePod('web', `${host}/twice/web:v1`)
  t.match(await shedu(check('shop'), pod), { code: 1, stdout: /signature\.wrong-key[^]*policies: twice\n/ })
})

t.test('explain shows a policy of the cluster, and the same verdict', async t => {
  const { code, stdout } = await shedu(['explain', `${host}/signed/strict/web:v1`, '--context', 'shop'])
  t.equal(code, 1)
  t.match(stdout, /\npolicy signed \(enforce\), from clusterimagepolicy\/signed, for its glob .*[^]*\] counts/)
  t.match(stdout, /\npolicy strict [^]*does not count: signature\.wrong-key[^]*refused: signature\.wrong-key/)
})

t.test('files, contexts and namespaces are those that kubectl finds', async t => {
  for (const name of ['stack', 'shop', 'pipeline', 'plugin', 'away']) {
    const args = ['config', 'view', '--minify', `--context=${name}`, '--output=json']
    const theirs = JSON.parse((await plane.kubectl(args, { env: { KUBECONFIG } })).stdout)
    const ours = readKubeconfig(FILES, name)
    t.equal(ours.getCurrentCluster()?.server, theirs.clusters[0].cluster.server, name)
    t.equal(ours.getCurrentUser()?.name, theirs.users[0].name, name)
    t.equal(ours.getContextObject(name)?.namespace, theirs.contexts[0].context.namespace, name)
  }
  t.equal(readKubeconfig(FILES, undefined).getCurrentContext(), 'stack')
  t.equal((await plane.kubectl(['config', 'current-context'], { env: { KUBECONFIG } })).stdout, 'stack\n')
  const pod = makePod('web', await makeImage('signed/web', 'release'))
  t.match((await shedu(check('shop'), pod)).stdout, /^admitted Pod ci\/web/)
  t.match((await shedu(check('stack'), pod)).stdout, /^admitted Pod default\/web/)
  t.match((await shedu(check('shop', '-n', 'mine'), pod)).stdout, /^admitted Pod mine\/web/)
})

t.test('a context that is not there is told with those that are', async t => {
  const { code, stderr } = await shedu(check('porod'), makePod('web', `${host}/any:v1`))
  t.equal(code, 2)
  t.match(stderr, /which has "stack", "shop", "pipeline", [^]*, "unknown", got "porod"/)
  const one = await shedu(check('shop', '--kubeconfig', plane.kubeconfig), makePod('web', `${host}/any:v1`))
  t.match(one, { code: 2, stderr: /which has "stack", got "shop"/ })
})

t.test('whoever may not list the policies is told which right is missing, and has enough with that', async t => {
  const pod = makePod('web', `${host}/signed/web:v1`)
  for (const context of ['pipeline', 'plugin']) {
    const { code, stdout, stderr } = await shedu(check(context), pod)
    t.strictSame([code, stdout], [2, ''], context)
    t.match(
      stderr,
      /got 403: .*serviceaccount:ci:pipeline.*; whoever asks needs the verb list on clusterimagepolicies\./,
    )
    t.notMatch(stderr, token.trim())
  }
  const expired = await shedu(check('expired'), pod)
  t.match(expired, { code: 2, stdout: /^$/, stderr: /does not know who asks: .*got 401.*log in to it again/ })
  // As docs/ci.md has it.
  const kind = 'clusterimagepolicies.policy.sigstore.dev'
  await plane.kubectl(['create', 'clusterrole', 'shedu-check', '--verb=list', `--resource=${kind}`])
  const to = ['--clusterrole=shedu-check', '--serviceaccount=ci:pipeline']
  await plane.kubectl(['create', 'clusterrolebinding', 'shedu-check', ...to])
  for (const context of ['pipeline', 'plugin'])
    t.match(await shedu(check(context), pod), { code: 0, stdout: /^admitted/ }, context)
})

t.test('a cluster that is down, or hangs, is not taken for one without policies', async t => {
  const pod = makePod('web', `${host}/signed/web:v1`)
  const untold = {
    code: 3,
    stdout: /^$/,
    stderr: /^error: the cluster of the context "[a-z]+" does not tell its policies/,
  }
  t.match(await shedu(check('away', '--no-match', 'allow'), pod), untold)
  t.match(await shedu(check('unknown'), pod), { ...untold, stderr: /got none \(UNABLE_TO_VERIFY.*\)/ })
  await trouble.pause()
  t.match(await shedu(check('shop', '--timeout', '1s'), pod), { ...untold, stderr: /within 1000 ms/ })
  trouble.resume()
  await trouble.kill()
  t.match(await shedu(check('shop', '--policies', POLICIES), pod), {
    ...untold,
    stderr: /ECONNREFUSED.*kubectl --context "shop"/,
  })
  await trouble.start()
  t.equal((await shedu(check('shop'), pod)).code, 0)
})
