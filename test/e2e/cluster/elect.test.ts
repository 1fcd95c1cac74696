import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import t from 'tap'
import { type ClusterClient, makeClusterClient } from '#core/cluster/client.ts'
import { standForElection } from '#core/cluster/elect.ts'
import { LEASES } from '#core/cluster/lease.ts'
import { startControlPlane } from '#test/stack/control-plane.ts'
import { eventually } from '#test/stack/eventually.ts'
import type { Owner } from '#test/stack/owner.ts'
import { makeTrouble } from './trouble.ts'

t.setTimeout(300_000)

const ELECTOR = join(import.meta.dirname, 'elector.ts')

/** A fifth of what is used in earnest: it leads for 2 s after a renewal, and is followed 3 s after it at the earliest. */
const SECONDS = 3

const plane = await startControlPlane(t)
const trouble = await makeTrouble(t, plane)
const { signal } = new AbortController()
const client: ClusterClient = makeClusterClient({ from: 'kubeconfig', file: plane.kubeconfig })
t.teardown(() => client.close())

/** The moments, in milliseconds of the machine's clock, at which one process believed that it led. */
type Elector = {
  readonly claims: number[]
  readonly child: ChildProcessByStdio<Writable, Readable, null>
  readonly isLeading: () => boolean
  readonly begun: () => number
}

function startElector(owner: Owner, namespace: string, identity: string): Elector {
  const args = [ELECTOR, plane.kubeconfig, namespace, identity, String(SECONDS)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const claims: number[] = []
  let begun = 0
  createInterface({ input: child.stdout }).on('line', line => {
    const { at } = JSON.parse(line) as { readonly at?: number }
    if (at === undefined) begun++
    else claims.push(at)
  })
  owner.teardown(async () => {
    child.kill('SIGKILL')
  })
  const isLeading = () => now() - (claims.at(-1) ?? 0) < 200
  return { claims, child, isLeading, begun: () => begun }
}

function now(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

/** Whenever the leader changes in the order of time, the one before has claimed for the last time, until it leads anew. */
function overlaps(electors: readonly Elector[]): readonly string[] {
  const all = electors.flatMap(({ claims }, who) => claims.map(at => ({ at, who }))).toSorted((a, b) => a.at - b.at)
  const changes = all.filter(({ who }, index) => index > 0 && who !== all[index - 1]?.who)
  return changes.map(({ at, who }) => `${who} at ${at}`)
}

async function leaderOf(electors: readonly Elector[]): Promise<Elector> {
  return eventually('a leader', async () => electors.find(elector => elector.isLeading()))
}

async function holderOf(namespace: string): Promise<unknown> {
  const lease = await client.get({ resource: LEASES, namespace, name: 'election' }, signal)
  return (lease?.['spec'] as { readonly holderIdentity?: unknown } | undefined)?.holderIdentity
}

t.test('a paused leader is followed by another, and does not believe that it leads when it wakes', async t => {
  const namespace = await plane.makeNamespace()
  const electors = ['one', 'two'].map(identity => startElector(t, namespace, identity))
  for (let turns = 1; turns <= 2; turns++) {
    const first = await leaderOf(electors)
    first.child.kill('SIGSTOP')
    const second = await eventually('a successor', async () => electors.find(one => one !== first && one.isLeading()))
    const woken = now()
    first.child.kill('SIGCONT')
    const atLeast = second.claims.length + 100
    await eventually('the successor to go on', async () => (second.claims.length > atLeast ? true : undefined))
    // It may have been stopped between a claim and the writing of it: what counts is the time that the claim names.
    t.same(
      first.claims.filter(at => at >= woken),
      [],
      'the one that woke claimed nothing',
    )
    t.equal(overlaps(electors).length, turns, 'the lead passed once')
  }
})

t.test('a leader that ends hands the Lease over at once', async t => {
  const namespace = await plane.makeNamespace()
  const electors = ['one', 'two'].map(identity => startElector(t, namespace, identity))
  const first = await leaderOf(electors)
  const second = electors.find(one => one !== first)
  first.child.stdin.write('stop')
  await eventually('a successor', async () => (second?.isLeading() ? true : undefined))
  const gap = (second?.claims[0] ?? Number.POSITIVE_INFINITY) - (first.claims.at(-1) ?? 0)
  t.ok(gap > 0 && gap < SECONDS * 1000, `${gap} ms`)
  t.equal(overlaps(electors).length, 1)
})

t.test('a leader that is killed is followed when its time has run out', async t => {
  const namespace = await plane.makeNamespace()
  const electors = ['one', 'two'].map(identity => startElector(t, namespace, identity))
  const first = await leaderOf(electors)
  first.child.kill('SIGKILL')
  const second = electors.find(one => one !== first)
  await eventually('a successor', async () => (second?.isLeading() ? true : undefined))
  t.equal(overlaps(electors).length, 1)
})

t.test('nobody leads while the API server is paused, and somebody does when it goes on', async t => {
  const namespace = await plane.makeNamespace()
  const electors = ['one', 'two'].map(identity => startElector(t, namespace, identity))
  await leaderOf(electors)
  await trouble.pause()
  t.teardown(trouble.resume)
  const paused = now()
  await eventually('the lead to end', async () => (electors.some(one => one.isLeading()) ? undefined : true))
  const last = Math.max(...electors.map(({ claims }) => claims.at(-1) ?? 0))
  // Two thirds of its time, and what the machine takes.
  t.ok(last - paused < SECONDS * 1000, `${last - paused} ms`)
  trouble.resume()
  await leaderOf(electors)
  t.ok(overlaps(electors).length <= 1)
})

t.test('work that ends late keeps the Lease until then, and work that fails is heard of', async t => {
  const namespace = await plane.makeNamespace()
  const config = { namespace, name: 'election', identity: 'slow', seconds: SECONDS }
  const stop = new AbortController()
  const begun = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const report = () => {}
  const lead = async () => {
    begun.resolve()
    await finish.promise
    throw new Error('failed')
  }
  const standing = standForElection(client, config, { lead, report }, stop.signal)
  const outcome = standing.then(
    () => undefined,
    (error: unknown) => error,
  )
  await begun.promise
  t.match(await holderOf(namespace), /^slow_/)
  stop.abort()
  t.match(await holderOf(namespace), /^slow_/)
  finish.resolve()
  t.match(await outcome, { message: 'failed' })
  t.equal(await holderOf(namespace), '')
})

t.test('work that fails while the Lease is being renewed is heard of once, and the Lease is given back', async t => {
  const namespace = await plane.makeNamespace()
  const config = { namespace, name: 'election', identity: 'hasty', seconds: SECONDS }
  const renewing = Promise.withResolvers<void>()
  let looks = 0
  const slow = {
    ...client,
    get: async (...args: Parameters<ClusterClient['get']>) => {
      if (++looks === 2) renewing.resolve()
      // Long enough for a failure that nobody listens to, to end the process.
      if (looks === 2) await new Promise(resolve => setTimeout(resolve, 20))
      return client.get(...args)
    },
  }
  const lead = async () => {
    await renewing.promise
    throw new Error('failed')
  }
  await t.rejects(standForElection(slow, config, { lead, report: () => {} }, signal), { message: 'failed' })
  t.equal(await holderOf(namespace), '')
})

t.test('a Lease that somebody else takes by force is given up as soon as that is seen', async t => {
  const namespace = await plane.makeNamespace()
  const [elector] = [startElector(t, namespace, 'one')]
  await leaderOf([elector])
  await eventually('the theft', async () => {
    const lease = await client.get({ resource: LEASES, namespace, name: 'election' }, signal)
    if (lease === undefined) return undefined
    const spec = { ...(lease['spec'] as object), holderIdentity: 'thief', leaseDurationSeconds: 3600 }
    return client.replace(LEASES, { ...lease, spec }, signal)
  })
  const stolen = now()
  await eventually('the end of the lead', async () => (elector.isLeading() ? undefined : true))
  t.ok((elector.claims.at(-1) ?? 0) - stolen < 2 * ((SECONDS * 1000) / 7.5))
  t.equal(await holderOf(namespace), 'thief')
})
