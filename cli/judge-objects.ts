/** Judges objects as the webhooks would, several at once, and gives the results in the order of the objects. */
import { InputError } from '#core/domain/input-error.ts'
import type { Gate } from '#core/gate/gate.ts'
import type { PinScope } from '#core/gate/pin.ts'
import { preflight } from '#core/gate/preflight.ts'
import { kindMeant, kindsOf, podSpecPath } from '#core/kinds/workload-kinds.ts'
import { deadline } from '#core/runtime/deadline.ts'
import type { SourcedObject } from './read-objects.ts'
import { type CheckResult, invalidResult, resultOf } from './report/result.ts'

export type JudgeOptions = {
  readonly pinScope: PinScope
  /** For one object, its images together: what an API server gives a webhook. */
  readonly timeoutMs: number
  /** How many objects are judged at the same time. */
  readonly parallel: number
}

/** Yields in the order of the objects, whichever is known first. */
export async function* judgeObjects(
  objects: readonly SourcedObject[],
  gate: Gate,
  options: JudgeOptions,
): AsyncGenerator<CheckResult> {
  const running: Promise<CheckResult>[] = []
  for (const object of objects) {
    if (running.length >= options.parallel) yield running.shift() as Promise<CheckResult>
    const result = judgeOne(object, gate, options)
    // It is awaited when its turn comes; until then a rejection must not count as unhandled.
    result.catch(() => {})
    running.push(result)
  }
  for (const result of running) yield result
}

async function judgeOne(object: SourcedObject, gate: Gate, options: JudgeOptions): Promise<CheckResult> {
  const slip = slipOf(object)
  if (slip !== undefined) return invalidResult(object, slip)
  using limit = deadline(options.timeoutMs)
  try {
    const { verdict, pinning } = await preflight(object.subject, gate, options.pinScope, limit.signal)
    if (verdict.outcome === 'allow' && verdict.passed === 'no-images')
      return invalidResult(object, `expected containers in ${placeOfPod(object)}, found none`)
    return resultOf(object, verdict, pinning)
  } catch (error) {
    if (error instanceof InputError) return invalidResult(object, error.message)
    throw error
  }
}

/** A slip in the kind would leave images unlooked at and the job green; what is no slip is a kind of somebody else's. */
function slipOf({ subject: { group, kind } }: SourcedObject): string | undefined {
  if (podSpecPath(group, kind) !== undefined) return undefined
  const meant = kindMeant(kind)
  if (meant !== undefined && isServedByKubernetes(group))
    return `there is no ${kind} in ${apiOf(group)}; did you mean ${meant.replace(/^\//, 'v1 ')}?`
  const kinds = kindsOf(group)
  if (kinds === undefined || kinds.includes(kind)) return undefined
  return `there is no ${kind} in ${apiOf(group)}; its kinds are ${kinds.join(', ')}`
}

/** Where a kind that is a Pod, or makes some, must have them: the API server takes none without. */
function placeOfPod({ subject: { group, kind } }: SourcedObject): string {
  return (podSpecPath(group, kind) ?? []).join('.')
}

/** The groups of Kubernetes itself have no dot, but for those that end in its name. */
function isServedByKubernetes(group: string): boolean {
  return !group.includes('.') || group.endsWith('.k8s.io')
}

function apiOf(group: string): string {
  return group === '' ? 'the core API (apiVersion: v1)' : `the API group ${JSON.stringify(group)}`
}
