/** The webhook program between start and end: listen, become ready, drain. */
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { AssembledGate, assembleGate } from '#assembly/assemble-gate.ts'
import type { PolicyListener, PolicyWatch } from '#assembly/policy-watch.ts'
import type { TrustRootListener } from '#certs/trusted/follow-trust-roots.ts'
import type { ClusterEvent } from '#core/cluster/events.ts'
import { firstEnd, type TrustRoots } from '#core/domain/trust-root.ts'
import type { Gate } from '#core/gate/gate.ts'
import { Lifecycle } from '#core/runtime/lifecycle.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Metrics } from '#core/runtime/make-metrics.ts'
import { makeSight, type Sight } from '#core/runtime/sight.ts'
import type { Tracing } from '#core/runtime/tracing.ts'
import type { Policy } from '#policies/policy.ts'
import type { Config } from './config.ts'
import { followPolicies } from './follow-policies.ts'
import { buildOpsServer } from './ops-server.ts'
import { presentCertificate } from './present-certificate.ts'
import { refusalEvent } from './refusal-event.ts'
import { buildServer } from './server.ts'

export type ProgramDeps = {
  readonly assemble: typeof assembleGate
  /** Opens a watch on the policies of the cluster that `kubeconfig` names, or of the one we run in. */
  readonly watchPolicies: (
    kubeconfig: string | undefined,
    files: readonly Policy[],
    listener: PolicyListener,
  ) => Promise<PolicyWatch>
  /** Opens what writes Kubernetes Events into the cluster that `kubeconfig` names, or the one we run in; called where they are on. */
  readonly openEvents: (kubeconfig: string | undefined, report: (error: unknown) => void) => Promise<EventSink>
  readonly log: Log
  readonly metrics: Metrics
  /** Where spans go; none are made without it. */
  readonly tracing?: Tracing | undefined
}

/** Takes events at once, writes them by and by. */
export type EventSink = {
  readonly record: (event: ClusterEvent) => void
  readonly dropped: () => number
  readonly close: () => Promise<void>
}

export type Program = {
  readonly port: number
  readonly opsPort: number
  /** Resolves when reviews can be judged; rejects when what was configured cannot be assembled. */
  readonly ready: Promise<void>
  /** Ends the program once, without losing an answer: unready, wait to be dropped, stop accepting, finish, close. */
  readonly drain: () => Promise<void>
}

type State = {
  assembling: Promise<AssembledGate> | undefined
  following: Promise<PolicyWatch> | undefined
  gate: Gate | undefined
  isDraining: boolean
  /** Their versions, by name, as the log tells them. */
  trustRoots: Readonly<Record<string, string>>
  readonly sight: Sight
}

/** Listens at once, so that whoever asks gets a closed answer and the kubelet a reason; assembles the gate meanwhile. */
export async function startProgram(config: Config, deps: ProgramDeps): Promise<Program> {
  const state: State = {
    assembling: undefined,
    following: undefined,
    gate: undefined,
    isDraining: false,
    trustRoots: {},
    sight: makeSight(deps.metrics, deps.tracing),
  }
  const life = new Lifecycle()
  try {
    const ports = await listenAll(config, deps, state, life)
    deps.log.info({ host: config.host, ...ports }, 'listening')
    const policiesDir = config.policiesFrom === 'cluster' ? undefined : config.policiesDir
    state.assembling = deps.assemble({ ...config, policiesDir }, trustListener(state, deps), state.sight)
    const ready = state.assembling.then(assembled => openGate(assembled, config, state, deps))
    let drained: Promise<void> | undefined
    return { ...ports, ready, drain: () => (drained ??= drain(config.drainMs, state, life, deps)) }
  } catch (error) {
    await life.close()
    throw error
  }
}

/** Digits of a version in each event; the whole of it is told once, when it is in force. */
const VERSION_DIGITS = 12

function trustListener(state: State, { log, metrics }: ProgramDeps): TrustRootListener {
  return {
    onTrustRoots({ roots, ignored }) {
      state.trustRoots = versionsOf(roots)
      metrics.trustRootsTaken(roots.size, new Date(), () => firstEnd(roots, Date.now()))
      log.info(
        { trustRoots: [...roots.values()].map(({ name, version }) => ({ name, version })) },
        'trust roots in force',
      )
      for (const file of ignored) log.warn({ file }, 'file is not read: its name does not end in .json')
    },
    report(err) {
      metrics.trustRootsFailed()
      log.error({ err }, 'trust roots cannot be taken, those before stay in force')
    },
  }
}

function versionsOf(roots: TrustRoots): Readonly<Record<string, string>> {
  return Object.fromEntries([...roots.values()].map(({ name, version }) => [name, version.slice(0, VERSION_DIGITS)]))
}

async function listenAll(config: Config, deps: ProgramDeps, state: State, life: Lifecycle) {
  const { log, metrics } = deps
  const tls = await presentCertificate(config, new Date())
  metrics.certificateEnds(tls.notAfter)
  const ops = buildOpsServer({ unreadyBecause: () => unreadyBecause(state) ?? endedBecause(tls.notAfter), metrics })
  const opsPort = await listen(ops, config.host, config.opsPort, life)
  // Registered between the two: closed after the reviews that use the gate, before the port that tells how it goes.
  life.onClose(async () => (await state.assembling?.catch(() => undefined))?.close())
  life.onClose(async () => {
    await state.assembling?.catch(() => undefined)
    await (await state.following?.catch(() => undefined))?.close()
  })
  const events = await openEvents(config, deps, life)
  const { defaultTimeoutMs, replyMarginMs, pinScope } = config
  const server = buildServer({
    gate: () => state.gate,
    isDraining: () => state.isDraining,
    timing: { defaultTimeoutMs, replyMarginMs },
    pinScope,
    tls,
    log,
    metrics,
    sight: state.sight,
    trustRoots: () => state.trustRoots,
    onClosed(subject, response) {
      const event = events === undefined ? undefined : refusalEvent(subject, response)
      if (event !== undefined) events?.record(event)
    },
  })
  return { port: await listen(server, config.host, config.port, life), opsPort }
}

async function openEvents(config: Config, deps: ProgramDeps, life: Lifecycle): Promise<EventSink | undefined> {
  if (config.events === 'off') return undefined
  const report = (err: unknown) => deps.log.warn({ err }, 'a Kubernetes Event was not written')
  const events = await deps.openEvents(config.kubeconfig, report)
  deps.metrics.eventsDropped(events.dropped)
  life.onClose(events.close)
  return events
}

async function listen(server: FastifyInstance, host: string, port: number, life: Lifecycle): Promise<number> {
  life.onClose(() => server.close())
  await server.listen({ host, port })
  return (server.server.address() as AddressInfo).port
}

/** Opens it over the policies that were read from files, or over those of the cluster once all of them have been seen. */
async function openGate(assembled: AssembledGate, config: Config, state: State, deps: ProgramDeps): Promise<void> {
  const { log, metrics } = deps
  for (const warning of assembled.warnings) log.warn({ warning }, 'policy warning')
  metrics.verifierQueue(assembled.verifierQueue)
  if (config.policiesFrom === 'files') {
    state.gate = assembled.gate
    metrics.policies(assembled.policies.length)
    return becomeReady(assembled.policies, state, deps)
  }
  const first = Promise.withResolvers<readonly Policy[]>()
  state.following = followPolicies({
    watch: listener => deps.watchPolicies(config.kubeconfig, assembled.policies, listener),
    swap(policies) {
      state.gate = assembled.over(policies)
      first.resolve(policies)
    },
    log,
    metrics,
  })
  await state.following
  becomeReady(await first.promise, state, deps)
}

function becomeReady(policies: readonly Policy[], state: State, { log, metrics }: ProgramDeps): void {
  metrics.ready(!state.isDraining)
  log.info({ policies: policies.map(({ name, source }) => ({ name, source })) }, 'ready')
}

function unreadyBecause(state: State): string | undefined {
  if (state.isDraining) return 'draining: this process is about to end'
  return state.gate === undefined ? 'starting: policies are not loaded yet' : undefined
}

/** An API server does not speak to an expired certificate; better that the endpoints of the Service forget us before. */
function endedBecause(notAfter: Date): string | undefined {
  if (Date.now() < notAfter.getTime()) return undefined
  return `expired: the serving certificate ended at ${notAfter.toISOString()}; start again with a new one`
}

/** Reviews keep coming, and are answered, until the endpoints of the Service have dropped us; hence the wait, if we were ever ready. */
async function drain(drainMs: number, state: State, life: Lifecycle, { log, metrics }: ProgramDeps): Promise<void> {
  state.isDraining = true
  metrics.ready(false)
  log.info({ drainMs }, 'draining')
  if (state.gate !== undefined) await wait(drainMs)
  await life.close()
  log.info({}, 'ended')
}
