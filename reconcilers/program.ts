/** The reconcilers between start and end: listen, watch, stand for election, give the Lease back. */

import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readPolicies } from '#assembly/policy-files.ts'
import type { ClusterClient } from '#core/cluster/client.ts'
import { standForElection, type Term } from '#core/cluster/elect.ts'
import { EventRecorder } from '#core/cluster/events.ts'
import { Lifecycle } from '#core/runtime/lifecycle.ts'
import type { Log } from '#core/runtime/log.ts'
import type { ReconcilerMetrics } from '#core/runtime/reconciler-metrics.ts'
import type { Config } from './config.ts'
import { buildOpsServer } from './ops-server.ts'
import { type PolicyTender, tendPolicies } from './policies/tend-policies.ts'

export type ProgramDeps = {
  readonly client: ClusterClient
  /** Who we are in the Lease and in events: the name of the Pod. */
  readonly identity: string
  readonly log: Log
  readonly metrics: ReconcilerMetrics
}

export type Program = {
  readonly opsPort: number
  /** Rejects with a fault of ours; resolves when the program has been told to end and has given the Lease back. */
  readonly elected: Promise<void>
  /** Ends the program once: writes no more, gives the Lease back, says the events that wait, closes. */
  readonly end: () => Promise<void>
}

/** As long as client-go's: a leader that is killed is followed after so many seconds, one that ends in order at once. */
const LEASE_SECONDS = 15

/** Starts all of it. Throws an InputError when the policies of files cannot be read. */
export async function startProgram(config: Config, deps: ProgramDeps): Promise<Program> {
  const { client, log, metrics } = deps
  const files = readPolicies(config.policiesDir).policies
  const life = new Lifecycle()
  const ending = new AbortController()
  try {
    life.onClose(() => client.close())
    const recorder = openRecorder(deps)
    life.onClose(() => recorder.close())
    const fileOf = (name: string) => files.find(policy => policy.name === name)?.source
    const policies = tendPolicies({ client, fileOf, record: event => recorder.record(event), log, metrics })
    life.onClose(() => policies.close())
    const unreadyBecause = () => reasonOf(ending.signal.aborted, policies)
    const opsPort = await listen(buildOpsServer({ unreadyBecause, metrics }), config, life)
    log.info({ host: config.host, opsPort }, 'listening')
    const elected = elect(config, deps, policies, ending.signal)
    let ended: Promise<void> | undefined
    return { opsPort, elected, end: () => (ended ??= end(ending, elected, life, log)) }
  } catch (error) {
    await life.close()
    throw error
  }
}

function openRecorder({ client, identity, log }: ProgramDeps): EventRecorder {
  const reporter = { controller: 'shedu.dev/reconcilers', instance: identity }
  return new EventRecorder(client, reporter, { report: error => log.warn({ err: error }, 'an event was not recorded') })
}

function elect(config: Config, deps: ProgramDeps, policies: PolicyTender, signal: AbortSignal): Promise<void> {
  const { client, identity, log, metrics } = deps
  const lease = { namespace: config.leaseNamespace, name: 'shedu-reconcilers', identity, seconds: LEASE_SECONDS }
  const lead = async (term: Term) => {
    log.info({}, 'leading')
    metrics.leads(true)
    await policies.lead(term)
    metrics.leads(false)
    log.info({}, 'leading no more')
  }
  const report = (error: unknown) => log.warn({ err: error }, 'the Lease could not be read or written')
  return standForElection(client, lease, { lead, report }, signal)
}

function reasonOf(isEnding: boolean, policies: PolicyTender): string | undefined {
  if (isEnding) return 'ending: this process is about to end'
  return policies.hasSynced() ? undefined : 'starting: not all policies have been seen yet'
}

async function listen(server: Server, { host, opsPort }: Config, life: Lifecycle): Promise<number> {
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject)
  server.listen(opsPort, host, listening.resolve)
  await listening.promise
  life.onClose(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

async function end(ending: AbortController, elected: Promise<void>, life: Lifecycle, log: Log): Promise<void> {
  ending.abort(new Error('the program is ending'))
  await elected.catch(() => {})
  await life.close()
  log.info({}, 'ended')
}
