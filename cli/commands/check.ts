/** `shedu check`: judges manifests as the webhooks would, by calling what the webhooks call. */
import { assembleGate } from '#assembly/assemble-gate.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Gate } from '#core/gate/gate.ts'
import type { PinScope } from '#core/gate/pin.ts'
import { preflight } from '#core/gate/preflight.ts'
import { kindMeant, podSpecPath } from '#core/kinds/workload-kinds.ts'
import type { ProxyFor } from '#core/registry/proxy.ts'
import { deadline } from '#core/runtime/deadline.ts'
import type { DockerConfigOptions } from '../docker-config.ts'
import { readInputs } from '../read-inputs.ts'
import type { SourcedObject } from '../read-objects.ts'
import { readObjects } from '../read-objects.ts'
import { renderJson } from '../report/json.ts'
import { paintFor } from '../report/paint.ts'
import type { CheckResult } from '../report/result.ts'
import { exitCodeOf, invalidResult, resultOf, summaryOf } from '../report/result.ts'
import { renderResult, renderSummary } from '../report/text.ts'
import { visible } from '../report/visible.ts'
import type { Streams } from '../streams.ts'

export type CheckOptions = DockerConfigOptions & {
  /** Files, folders, `-`. */
  readonly paths: readonly string[]
  readonly policiesDir: string
  readonly registriesFile: string | undefined
  readonly proxyFor?: ProxyFor
  readonly trustRootsDir: string | undefined
  readonly noMatch: 'deny' | 'warn' | 'allow'
  readonly pinScope: PinScope
  readonly namespace: string
  /** For one object, its images together: what an API server gives a webhook. */
  readonly timeoutMs: number
  readonly output: 'text' | 'json'
  readonly isQuiet: boolean
}

/** Enough to hide the latency of a registry; few enough that a rate limit is not met by our own doing. */
const OBJECTS_AT_ONCE = 8

/** What was learnt about an image of one object serves the next ones that name it. */
const CACHE_BYTES = 16 * 1024 * 1024

/** Checks everything and says what was found; the exit code is the answer in one digit. Throws an InputError for wrong usage. */
export async function check(options: CheckOptions, streams: Streams): Promise<0 | 1 | 2 | 3> {
  const objects = readObjects(await readInputs(options.paths, streams.stdin), options.namespace)
  // An empty folder must not look like a folder full of proven images.
  if (objects.length === 0) throw new InputError(`there are no objects in ${options.paths.join(', ')}`)
  const { gate, warnings, close } = await assembleGate({ ...options, cacheBytes: CACHE_BYTES })
  for (const warning of warnings) streams.stderr.write(`warning: ${visible(warning)}\n`)
  try {
    return await report(judgeAll(objects, gate, options), options, streams)
  } finally {
    await close()
  }
}

async function report(
  found: AsyncIterable<CheckResult>,
  options: CheckOptions,
  streams: Streams,
): Promise<0 | 1 | 2 | 3> {
  const paint = paintFor(streams)
  const results: CheckResult[] = []
  for await (const result of found) {
    results.push(result)
    const isSaid = options.output === 'text' && !(options.isQuiet && isUneventful(result))
    if (isSaid) streams.stdout.write(renderResult(result, paint))
  }
  const summary = summaryOf(results)
  if (options.output === 'json') streams.stdout.write(renderJson(results, summary))
  else if (!options.isQuiet) streams.stdout.write(renderSummary(summary))
  return exitCodeOf(summary)
}

/** Yields in the order of the objects, whichever is known first. */
async function* judgeAll(
  objects: readonly SourcedObject[],
  gate: Gate,
  options: CheckOptions,
): AsyncGenerator<CheckResult> {
  const running: Promise<CheckResult>[] = []
  for (const object of objects) {
    const result = judgeOne(object, gate, options)
    // It is awaited when its turn comes; until then a rejection must not count as unhandled.
    result.catch(() => {})
    running.push(result)
    if (running.length >= OBJECTS_AT_ONCE) yield running.shift() as Promise<CheckResult>
  }
  for (const result of running) yield result
}

async function judgeOne(object: SourcedObject, gate: Gate, options: CheckOptions): Promise<CheckResult> {
  const { group, kind } = object.subject
  const meant = podSpecPath(group, kind) === undefined ? kindMeant(kind) : undefined
  // A slip here would leave its images unlooked at and the job green; what is no slip is a kind of somebody else's.
  if (meant !== undefined && isServedByKubernetes(group))
    return invalidResult(object, `there is no ${kind} in ${apiOf(group)}; did you mean ${meant.replace(/^\//, 'v1 ')}?`)
  using limit = deadline(options.timeoutMs)
  try {
    const { verdict, pinning } = await preflight(object.subject, gate, options.pinScope, limit.signal)
    return resultOf(object, verdict, pinning)
  } catch (error) {
    if (error instanceof InputError) return invalidResult(object, error.message)
    throw error
  }
}

/** The groups of Kubernetes itself have no dot, but for those that end in its name. */
function isServedByKubernetes(group: string): boolean {
  return !group.includes('.') || group.endsWith('.k8s.io')
}

function apiOf(group: string): string {
  return group === '' ? 'the core API (apiVersion: v1)' : `the API group ${JSON.stringify(group)}`
}

function isUneventful({ outcome, warnings }: CheckResult): boolean {
  return (outcome === 'admitted' || outcome === 'skipped') && warnings.length === 0
}
