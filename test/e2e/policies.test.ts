import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { startControlPlane } from '../stack/control-plane.ts'
import { eventually } from '../stack/eventually.ts'
import { startRegistry } from '../support/embedded-registry.ts'
import { makeTrouble } from './cluster/trouble.ts'
import { makePod } from './objects.ts'
import { startReconcilers, writeTokenKubeconfig } from './start-reconcilers.ts'
import { startWebhook } from './start-webhook.ts'
import { configureValidation } from './webhook-configurations.ts'

t.setTimeout(300_000)

/** Owns what outlives the test that starts it. */
const suite = t

const MANIFESTS = join(import.meta.dirname, '..', '..', 'manifests')

/** From the answer of the API server to a change until the webhook judges by it. */
const EFFECTIVE_MS = 2_000

const [plane, registry] = await Promise.all([startControlPlane(t), startRegistry(t)])
const trouble = await makeTrouble(t, plane)
const [release, other] = await Promise.all([registry.key('release'), registry.key('other')])

await plane.kubectl(['apply', `--filename=${join(MANIFESTS, 'base', 'namespace.yaml')}`])
await plane.kubectl(['apply', `--filename=${join(MANIFESTS, 'crds')}`, `--filename=${join(MANIFESTS, 'base')}`])
await plane.kubectl(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev'])
const webhook = await startWebhook(t, [registry.host], [], {
  SHEDU_POLICIES_FROM: 'cluster',
  SHEDU_KUBECONFIG: await writeTokenKubeconfig(t, plane, 'shedu-webhook'),
})
const kubeconfig = await writeTokenKubeconfig(t, plane, 'shedu-reconcilers')
const reconcilers = await startReconcilers(t, kubeconfig)
await configureValidation(plane.ask, webhook)
const namespace = await plane.makeNamespace()

function makePolicy(name: string, data: string, spec: object = {}) {
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name },
    spec: {
      images: [{ glob: `${registry.host}/${name}/**` }],
      authorities: [{ name: 'release', key: { data } }],
      ...spec,
    },
  }
}

async function apply(policy: object): Promise<void> {
  await plane.kubectl(['apply', '--filename=-'], { input: JSON.stringify(policy) })
}

/** An image in the repository of this policy, signed with the key `release`. */
async function makeImage(policy: string): Promise<string> {
  const repository = `${policy}/web`
  const { digest } = await registry.image({ repository })
  await registry.sign({ repository, digest, key: 'release' })
  return `${registry.host}/${repository}@${digest}`
}

/** What the API server answers to whoever would create such a Pod; nothing is stored. */
async function answer(image: string): Promise<string> {
  const { status, body } = await plane.ask(
    'POST',
    `/api/v1/namespaces/${namespace}/pods?dryRun=All`,
    makePod('web', image),
  )
  return status === 201 ? 'admitted' : String((body as { readonly message?: string }).message)
}

/** Asks until the answer is the wanted one; gives how long that took. */
async function becomes(image: string, wanted: string, waitMs = 30_000): Promise<number> {
  const began = performance.now()
  const look = async () => {
    const said = await answer(image)
    if (!said.includes(wanted)) throw new Error(`expected ${wanted}, found ${said}`)
    return true
  }
  await eventually(`${image} to be ${wanted}`, look, { waitMs })
  return performance.now() - began
}

async function isEffective(t: Test, image: string, wanted: string): Promise<void> {
  const ms = await becomes(image, wanted)
  t.comment(`${wanted} after ${Math.round(ms)} ms`)
  t.ok(ms < EFFECTIVE_MS, `${Math.round(ms)} ms`)
}

// The gate is closed before there is any policy.
await becomes('r.test/any:v1', 'policy.none-matched')

t.test('a policy is in force within two seconds, and so is another key, and its end', async t => {
  const image = await makeImage('shop')
  t.match(await answer(image), /policy\.none-matched/)
  await apply(makePolicy('shop', release))
  await isEffective(t, image, 'admitted')
  await apply(makePolicy('shop', other))
  await isEffective(t, image, 'signature.wrong-key')
  await apply(makePolicy('shop', release))
  await isEffective(t, image, 'admitted')
  await plane.kubectl(['delete', 'clusterimagepolicy/shop'])
  await isEffective(t, image, 'policy.none-matched')
})

type Status = {
  readonly metadata: { readonly generation: number; readonly resourceVersion: string }
  readonly status?: { readonly conditions?: readonly Readonly<Record<string, unknown>>[] }
}

const POLICIES = '/apis/policy.sigstore.dev/v1beta1/clusterimagepolicies'

/** The policy, once its condition Ready speaks of its present generation. */
function readStatus(name: string): Promise<Status & { readonly ready: Readonly<Record<string, unknown>> }> {
  return eventually(`the status of ${name}`, async () => {
    const { body } = await plane.ask('GET', `${POLICIES}/${name}`)
    const policy = body as Status
    const ready = policy.status?.conditions?.find(condition => condition['type'] === 'Ready')
    if (ready?.['observedGeneration'] !== policy.metadata.generation) throw new Error(JSON.stringify(policy.status))
    return { ...policy, ready }
  })
}

t.test(
  'what is not valid is told in the status, in the words of the validator, and the last valid form stays',
  async t => {
    const image = await makeImage('kept')
    await apply(makePolicy('kept', release))
    await becomes(image, 'admitted')
    t.match((await readStatus('kept')).ready, { status: 'True', reason: 'Valid' })
    await apply(makePolicy('kept', 'no key at all', { policy: { type: 'cue', data: 'x' } }))
    const { ready } = await readStatus('kept')
    t.match(ready, { status: 'False', reason: 'Invalid' })
    const faults = String(ready['message']).split('\n')
    t.ok(faults.includes('not supported yet: spec.policy'), 'a field that is not supported was kept, and is named')
    t.ok(faults.some(fault => fault.startsWith('invalid value: (text not shown): spec.authorities[0].key.data')))
    t.equal(await answer(image), 'admitted')
    await apply(makePolicy('kept', other, { policy: { type: 'cue', data: 'x' } }))
    await readStatus('kept')
    t.equal(await answer(image), 'admitted', 'the key of a policy that is not valid counts for nothing')
    await plane.kubectl(['delete', 'clusterimagepolicy/kept'])
    await isEffective(t, image, 'policy.none-matched')
  },
)

t.test('a policy that never was valid refuses what it names, and keeps no other out', async t => {
  const [image, beside] = [await makeImage('never'), await makeImage('beside')]
  await apply(makePolicy('never', 'no key'))
  await apply(makePolicy('beside', release))
  await isEffective(t, image, 'policy.invalid')
  await isEffective(t, beside, 'admitted')
  t.match(await answer(image), /spec\.authorities\[0\]\.key\.data[^]*to fix: .*kubectl describe clusterimagepolicy/)
  await apply(makePolicy('never', release))
  await isEffective(t, image, 'admitted')
})

t.test('events tell when a policy turns', async t => {
  await apply(makePolicy('turns', 'no key'))
  await readStatus('turns')
  await apply(makePolicy('turns', release))
  await readStatus('turns')
  await eventually('both events', async () => {
    const { stdout } = await plane.kubectl(['describe', 'clusterimagepolicy/turns'])
    const [, events = ''] = stdout.split('Events:')
    // Of two in the same second, kubectl shows either first.
    return /Warning +Invalid/.test(events) && /Normal +Valid/.test(events) ? true : undefined
  })
})

t.test('kubectl shows mode, readiness, its reason and the age', async t => {
  await apply(makePolicy('shown', release, { mode: 'warn' }))
  await readStatus('shown')
  const { stdout } = await plane.kubectl(['get', 'cip', 'shown'])
  const [head = '', row = ''] = stdout.split('\n').map(line => line.replaceAll(/ +/g, ' '))
  t.equal(head.trim(), 'NAME MODE READY REASON AGE')
  t.match(row, /^shown warn True Valid \d/)
})

t.test('the status is written once for each change', async t => {
  await apply(makePolicy('calm', 'no key'))
  const { metadata } = await readStatus('calm')
  // Another policy's way through the same queue: had the first been written again, it would have been by now.
  await apply(makePolicy('calm-2', release))
  await readStatus('calm-2')
  t.equal((await readStatus('calm')).metadata.resourceVersion, metadata.resourceVersion)
  t.match(await reconcilers.ops('/metrics'), /shedu_leader 1\n/)
})

t.test('the API server keeps what it knows, and refuses what cannot be', async t => {
  const keyless = { identities: [{ issuer: 'https://issuer.test', subjectRegExp: '.*' }], url: 'https://fulcio.test' }
  const authorities = [
    { keyless, ctlog: { url: 'https://rekor.test' }, attestations: [{ name: 'a', predicateType: 'b' }] },
  ]
  const match = [{ group: 'apps', resource: 'deployments', version: '*', selector: { matchLabels: { a: 'b' } } }]
  await apply(makePolicy('whole', release, { authorities, match }))
  for (const version of ['v1alpha1', 'v1beta1']) {
    const { body } = await plane.ask('GET', `/apis/policy.sigstore.dev/${version}/clusterimagepolicies/whole`)
    t.match(body, { spec: { authorities, match } }, version)
  }
  const bad = (name: string, spec: object) => plane.ask('POST', POLICIES, makePolicy(name, release, spec))
  t.match(await bad('bad-mode', { mode: 'audit' }), { status: 422, body: { message: /spec\.mode: Unsupported value/ } })
  t.match(await bad('bad-images', { images: [] }), { status: 422, body: { message: /spec\.images/ } })
  const many = Array.from({ length: 1025 }, (_, n) => ({ glob: `r.test/${n}` }))
  t.match(await bad('bad-many', { images: many }), { status: 422, body: { message: /spec\.images: Too many/ } })
  t.match(await bad('bad-long', { images: [{ glob: 'r'.repeat(1025) }] }), { status: 422 })
  t.match(await bad('misspelt', { moed: 'warn' }), { status: 201 })
  const { body } = await plane.ask('GET', `${POLICIES}/misspelt`)
  t.notOk((body as { spec: object }).spec.hasOwnProperty('moed'), 'a field that nobody knows is pruned')
})

t.test('each program may do what it does, and no more', async t => {
  const can = async (account: string, verb: string, what: string, ...more: string[]) => {
    const as = `--as=system:serviceaccount:shedu-system:${account}`
    const { stdout } = await plane.kubectl(['auth', 'can-i', verb, what, as, ...more]).catch(error => error.output)
    return stdout.trim() === 'yes'
  }
  for (const account of ['shedu-webhook', 'shedu-reconcilers']) {
    for (const verb of ['list', 'watch']) t.ok(await can(account, verb, 'clusterimagepolicies'), `${account} ${verb}`)
    for (const verb of ['create', 'update', 'patch', 'delete'])
      t.notOk(await can(account, verb, 'clusterimagepolicies'), `${account} ${verb}`)
    t.notOk(await can(account, 'get', 'secrets'), account)
    t.notOk(await can(account, 'update', 'leases/shedu-reconcilers', '--namespace=kube-system'), account)
  }
  t.notOk(await can('shedu-webhook', 'patch', 'clusterimagepolicies', '--subresource=status'))
  t.notOk(await can('shedu-reconcilers', 'update', 'leases/another', '--namespace=shedu-system'))
})

t.test('another replica takes over when the leader ends, and the status goes on', async t => {
  const second = await startReconcilers(suite, kubeconfig)
  t.match(await second.ops('/metrics'), /shedu_leader 0\n/)
  await reconcilers.stop()
  await eventually('another leader', async () => {
    return (await second.ops('/metrics')).includes('shedu_leader 1\n') ? true : undefined
  })
  await apply(makePolicy('after', 'no key'))
  t.match((await readStatus('after')).ready, { status: 'False' })
})

t.test('without the API server the webhook goes on judging, and learns afterwards what has changed', async t => {
  const image = await makeImage('steady')
  await apply(makePolicy('steady', release))
  await becomes(image, 'admitted')
  await trouble.kill()
  const review = await judge(image)
  t.equal(review.allowed, true, 'nothing is forgotten')
  await trouble.start()
  await apply(makePolicy('steady', other))
  await becomes(image, 'signature.wrong-key')
  t.match((await readStatus('steady')).ready, { status: 'True' })
})

/** What the webhook itself answers, when there is no API server to ask it. */
async function judge(image: string): Promise<{ readonly allowed: boolean }> {
  const dispatcher = new Agent({ connect: { ca: webhook.ca } })
  t.teardown(() => dispatcher.destroy())
  const kind = { group: '', version: 'v1', kind: 'Pod' }
  const resource = { group: '', version: 'v1', resource: 'pods' }
  const user = { username: 'someone' }
  const requested = { uid: 'u', kind, resource, namespace, name: 'web', operation: 'CREATE', userInfo: user }
  const object = { ...makePod('web', image), metadata: { name: 'web', namespace } }
  const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { ...requested, object } }
  const answered = await request(`${webhook.url}/validate?timeout=5s`, {
    dispatcher,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(review),
  })
  return ((await answered.body.json()) as { response: { readonly allowed: boolean } }).response
}
