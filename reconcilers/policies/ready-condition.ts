/** The condition `Ready` of a ClusterImagePolicy: whether it is in force as it stands, and every reason why not. */
import type { FoundPolicy } from '#assembly/policy-set.ts'
import type { SeenCondition } from './seen-policy.ts'

export type ReadyCondition = {
  readonly type: 'Ready'
  readonly status: 'True' | 'False'
  readonly reason: 'Valid' | 'Invalid'
  readonly message: string
  readonly observedGeneration: number
  readonly lastTransitionTime: string
}

/** Kubernetes' own bound of the message of a condition, in characters. */
const MESSAGE_CHARACTERS = 32 * 1024

// What the webhooks do cannot be seen from here: one that has started anew knows no earlier form.
const REFUSING =
  'until it is corrected, a webhook that has seen it valid judges by its last valid form, and any other refuses the images that it names'
const NOTHING = 'until it is corrected, nothing stands in its place where it was not seen valid'

/** The condition that tells what was found; undefined if the present one tells it already. */
export function readyConditionOf(
  found: FoundPolicy,
  present: SeenCondition | undefined,
  now: Date,
): ReadyCondition | undefined {
  const isValid = found.examined.kind === 'valid'
  const status = isValid ? 'True' : 'False'
  const told = {
    type: 'Ready',
    status,
    reason: isValid ? 'Valid' : 'Invalid',
    message: messageOf(found).slice(0, MESSAGE_CHARACTERS),
    observedGeneration: typeof found.generation === 'number' ? found.generation : 0,
  } as const
  if (present !== undefined && isSame(told, present)) return undefined
  const since = present?.status === status ? present.lastTransitionTime : undefined
  // To the second: that is all that Kubernetes keeps.
  return { ...told, lastTransitionTime: since ?? `${now.toISOString().slice(0, 19)}Z` }
}

function messageOf({ examined, refusing }: FoundPolicy): string {
  if (examined.kind === 'invalid') return [...examined.faults, refusing === undefined ? NOTHING : REFUSING].join('\n')
  return examined.warnings.length === 0 ? 'the policy is in force' : examined.warnings.join('\n')
}

function isSame(told: Omit<ReadyCondition, 'lastTransitionTime'>, present: SeenCondition): boolean {
  const fields = ['status', 'reason', 'message', 'observedGeneration'] as const
  return fields.every(field => told[field] === present[field])
}
