import t from 'tap'
import { startControlPlane } from './control-plane.ts'
import { eventually } from './eventually.ts'
import { PROGRAMS } from './programs.ts'
import { CommandFailed } from './run-command.ts'

t.setTimeout(300_000)

const started = performance.now()
const plane = await startControlPlane(t)
const startedMs = performance.now() - started

t.test('is usable five seconds after its start', async t => {
  t.comment(`${Math.round(startedMs)} ms`)
  // Twice the aim: other work on this machine must not make a test fail that proves nothing about speed.
  t.ok(startedMs < 10_000, `${Math.round(startedMs)} ms`)
})

t.test('says the version that the module file pins', async t => {
  const { stdout } = await plane.kubectl(['version', '--output=json'])
  const { clientVersion, serverVersion } = JSON.parse(stdout)
  t.equal(clientVersion.gitVersion, PROGRAMS.kubectl.version)
  t.equal(serverVersion.gitVersion, PROGRAMS['kube-apiserver'].version)
})

t.test('admits a Pod into a new namespace at once, and leaves it Pending', async t => {
  const namespace = await plane.makeNamespace()
  const input = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web' },
    spec: { containers: [{ name: 'web', image: 'registry.test/web:1' }] },
  })
  await plane.kubectl(['apply', '--namespace', namespace, '--filename=-'], { input })
  const { stdout } = await plane.kubectl(['get', 'pod', 'web', '--namespace', namespace, '--output=json'])
  const pod = JSON.parse(stdout)
  t.equal(pod.status.phase, 'Pending')
  t.equal(pod.spec.serviceAccountName, 'default')
})

t.test('makes the Pods of a Deployment', async t => {
  const namespace = await plane.makeNamespace()
  await plane.kubectl(['create', 'deployment', 'web', '--image=registry.test/web:1', '--namespace', namespace])
  const pods = await eventually('a Pod', async () => {
    const { body } = await plane.ask('GET', `/api/v1/namespaces/${namespace}/pods`)
    const { items } = body as { items: readonly { metadata: { ownerReferences: { kind: string }[] } }[] }
    return items.length === 0 ? undefined : items
  })
  t.equal(pods[0]?.metadata.ownerReferences[0]?.kind, 'ReplicaSet')
})

t.test('refuses what RBAC does not grant, and kubectl says so', async t => {
  const namespace = await plane.makeNamespace()
  const asNobody = ['get', 'pods', '--namespace', namespace, `--as=system:serviceaccount:${namespace}:default`]
  const refusal = await plane.kubectl(asNobody).catch((error: unknown) => error)
  t.type(refusal, CommandFailed)
  t.match(refusal, { code: 1, message: /cannot list resource "pods"/ })
  await plane.kubectl([
    'create',
    'rolebinding',
    'see',
    '--clusterrole=view',
    `--serviceaccount=${namespace}:default`,
    '--namespace',
    namespace,
  ])
  const seen = await eventually('the role to take effect', () => plane.kubectl(asNobody))
  t.match(seen.stderr, /No resources found/)
})

t.test('issues a token for a service account and knows it again', async t => {
  const namespace = await plane.makeNamespace()
  const { stdout: token } = await plane.kubectl(['create', 'token', 'default', '--namespace', namespace])
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: token.trim() } }
  const { body } = await plane.ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review)
  t.match(body, { status: { authenticated: true, user: { username: `system:serviceaccount:${namespace}:default` } } })
})

t.test('two run side by side and know nothing of each other', async t => {
  const other = await startControlPlane(t)
  const namespace = await other.makeNamespace()
  const here = await plane.ask('GET', `/api/v1/namespaces/${namespace}`)
  const there = await other.ask('GET', `/api/v1/namespaces/${namespace}`)
  t.equal(here.status, 404)
  t.equal(there.status, 200)
})
