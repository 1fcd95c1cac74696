/** Keeps the status of one ClusterImagePolicy true: written when it says something else, and then only. */

import { CLUSTER_IMAGE_POLICIES } from '#assembly/policy-watch.ts'
import type { ClusterClient } from '#core/cluster/client.ts'
import { ClusterError } from '#core/cluster/cluster-error.ts'
import type { ClusterEvent } from '#core/cluster/events.ts'
import type { ClusterObject } from '#core/cluster/resource.ts'
import { CLUSTER_IMAGE_POLICY } from '#core/kinds/cluster-image-policy.ts'
import type { Result } from '../result.ts'
import { type ReadyCondition, readyConditionOf } from './ready-condition.ts'
import type { SeenPolicy } from './seen-policy.ts'

export type PolicyDeps = {
  readonly client: Pick<ClusterClient, 'applyStatus'>
  /** The policy of this name as it was last seen; undefined when it is gone. */
  readonly find: (name: string) => SeenPolicy | undefined
  readonly record: (event: ClusterEvent) => void
  /** Asked before each write. */
  readonly isLeading: () => boolean
  readonly now: () => Date
}

const IDENTITY = {
  apiVersion: `${CLUSTER_IMAGE_POLICY.group}/${CLUSTER_IMAGE_POLICY.stored}`,
  kind: CLUSTER_IMAGE_POLICY.kind,
}

/** Looks at the policy, and says in its status and by an event what has changed. */
export async function reconcilePolicy(name: string, deps: PolicyDeps, signal: AbortSignal): Promise<Result> {
  const seen = deps.find(name)
  if (seen === undefined) return { next: 'settled' }
  const condition = readyConditionOf(seen.found, seen.ready, deps.now())
  if (condition === undefined || !deps.isLeading()) return { next: 'settled' }
  try {
    // Taken from whoever wrote it before: it would go on saying what another product thought of the policy.
    await deps.client.applyStatus(CLUSTER_IMAGE_POLICIES, objectOf(name, seen, condition), 'take', signal)
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    if (error.code === 'not-found') return { next: 'settled' }
    if (error.code === 'invalid') return { next: 'stuck', why: error.message }
    throw error
  }
  const event = eventOf(name, seen, condition)
  if (event !== undefined) deps.record(event)
  return { next: 'settled' }
}

/** With the uid, so that a policy of the same name that was made meanwhile is not told what is wrong with its predecessor. */
function objectOf(name: string, { uid }: SeenPolicy, condition: ReadyCondition): ClusterObject {
  const metadata = { name, ...(uid === undefined ? {} : { uid }) }
  const { observedGeneration } = condition
  return { ...IDENTITY, metadata, status: { observedGeneration, conditions: [condition] } }
}

/** A policy that turns. One that was valid from the beginning is no news. */
function eventOf(name: string, { uid, ready }: SeenPolicy, condition: ReadyCondition): ClusterEvent | undefined {
  if (condition.status === (ready?.status ?? 'True')) return undefined
  return {
    type: condition.status === 'True' ? 'Normal' : 'Warning',
    reason: condition.reason,
    action: 'Validate',
    note: condition.message,
    regarding: { ...IDENTITY, name, ...(uid === undefined ? {} : { uid }) },
  }
}
