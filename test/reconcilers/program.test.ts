import t, { type Test } from 'tap'
import type { ClusterClient } from '#core/cluster/client.ts'
import { ClusterUnavailable } from '#core/cluster/cluster-error.ts'
import type { ClusterObject } from '#core/cluster/resource.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Log } from '#core/runtime/log.ts'
import { makeReconcilerMetrics } from '#core/runtime/reconciler-metrics.ts'
import { readConfig } from '#reconcilers/config.ts'
import { type Program, startProgram } from '#reconcilers/program.ts'

const POLICY: ClusterObject = {
  apiVersion: 'policy.sigstore.dev/v1alpha1',
  kind: 'ClusterImagePolicy',
  metadata: { name: 'a', generation: 1, resourceVersion: '1', uid: 'u' },
  spec: { images: [{ glob: 'r.test/**' }], authorities: [{ static: { action: 'pass' } }] },
}

/** A cluster with one policy, and a Lease that is kept as it is written. */
function makeCluster(list: () => Promise<void> = async () => {}) {
  const done: string[] = []
  let lease: ClusterObject | undefined
  let version = 0
  const keep = async (_resource: unknown, object: ClusterObject) => {
    lease = { ...object, metadata: { ...object.metadata, resourceVersion: `${++version}` } }
    done.push(`lease ${(object['spec'] as { holderIdentity: string }).holderIdentity.split('_')[0]}`)
    return lease
  }
  const never = () => Promise.reject(new Error('not to be called'))
  const client: ClusterClient = {
    get: async () => lease,
    create: keep,
    replace: keep,
    list: async () => {
      await list()
      return { objects: [{ object: POLICY, bytes: 1 }], resourceVersion: '1' }
    },
    async *watch(_resource, _from, signal) {
      yield { type: 'bookmark', resourceVersion: '1' }
      await new Promise(resolve => signal.addEventListener('abort', resolve))
    },
    applyStatus: async (_resource, object) => {
      done.push(`status ${object.metadata.name}`)
      return object
    },
    apply: never,
    delete: never,
    close: async () => void done.push('closed'),
    namespace: undefined,
  }
  return { client, done }
}

async function start(t: Test, client: ClusterClient, env: Record<string, string> = {}) {
  const messages: string[] = []
  const write = (_fields: object, message: string) => void messages.push(message)
  const log = { info: write, warn: write, error: write } as unknown as Log
  const config = readConfig({ SHEDU_OPS_PORT: '0', ...env })
  const program = await startProgram(config, { client, identity: 'pod-1', log, metrics: makeReconcilerMetrics() })
  t.teardown(program.end)
  return { program, messages }
}

async function ops({ opsPort }: Program, path: string, method = 'GET'): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${opsPort}${path}`, { method, headers: { connection: 'close' } })
  return `${response.status} ${(await response.text()).trim()}`
}

async function until(look: () => Promise<boolean>): Promise<void> {
  while (!(await look())) await new Promise(resolve => setTimeout(resolve, 5))
}

t.test('it takes the Lease, writes what is to be written, and gives the Lease back before it ends', async t => {
  const { client, done } = makeCluster()
  const { program, messages } = await start(t, client)
  await until(async () => done.includes('status a'))
  t.equal(await ops(program, '/healthz'), '200 ok')
  t.equal(await ops(program, '/readyz'), '200 ok')
  const metrics = await ops(program, '/metrics')
  t.match(metrics, /\nshedu_leader 1\n/)
  t.match(metrics, /shedu_reconciles_total\{reconciler="cluster-image-policy",outcome="settled"\} 1\n/)
  t.match(metrics, /\nshedu_policies_stale_seconds /)
  t.match(await ops(program, '/else'), /^404 /)
  t.match(await ops(program, '/metrics', 'POST'), /^404 /)
  await program.end()
  t.strictSame(done, ['lease pod-1', 'status a', 'lease ', 'closed'])
  t.strictSame(messages, ['listening', 'leading', 'leading no more', 'ended'])
  await t.rejects(ops(program, '/healthz'))
})

t.test('it is not ready before it has seen all policies', async t => {
  const silent = Promise.withResolvers<void>()
  const { client } = makeCluster(() => silent.promise)
  const { program } = await start(t, client)
  t.equal(await ops(program, '/healthz'), '200 ok')
  t.equal(await ops(program, '/readyz'), '503 starting: not all policies have been seen yet')
  silent.resolve()
  await until(async () => (await ops(program, '/readyz')) === '200 ok')
})

t.test('a cluster that does not answer is reported, and is no reason to end', async t => {
  const { client } = makeCluster(() => Promise.reject(new ClusterUnavailable('gone')))
  const { program, messages } = await start(t, client)
  await until(async () => messages.includes('policies cannot be followed now'))
  t.match(await ops(program, '/readyz'), /^503/)
})

t.test('a folder of policies that cannot be read is a mistake in the settings', async t => {
  await t.rejects(start(t, makeCluster().client, { SHEDU_POLICIES_DIR: '/does/not/exist' }), InputError)
})

t.test('a port that is taken is an error, and leaves nothing open', async t => {
  const { program } = await start(t, makeCluster().client)
  const { client, done } = makeCluster()
  await t.rejects(start(t, client, { SHEDU_OPS_PORT: String(program.opsPort) }), { code: 'EADDRINUSE' })
  t.equal(done.at(-1), 'closed')
})
