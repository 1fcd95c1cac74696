/** The policies in force: those of files as they were read, and those of the cluster each in its last valid form. */
import type { ClusterObject } from '#core/cluster/resource.ts'
import type { Change } from '#core/cluster/store.ts'
import {
  type ExaminedPolicy,
  examineClusterImagePolicy,
} from '#policies/dialects/cluster-image-policy/parse-cluster-image-policy.ts'
import { refuseInItsPlace } from '#policies/dialects/cluster-image-policy/refuse-in-its-place.ts'
import type { Policy } from '#policies/policy.ts'
import { sortedByName } from '#policies/select.ts'

/**
 * What stands for a policy of the cluster: itself; what it was when it was last valid; the refusal of every image that
 * it names, because it was never seen valid; or nothing, because it names none or a file has a policy of its name.
 */
export type Standing = 'valid' | 'last-valid' | 'refusing' | 'nothing'

/** One policy of the cluster as it was found, judged by nothing but itself. */
export type FoundPolicy = {
  readonly name: string
  /** The API server raises it with each change of the spec, and with no other. */
  readonly generation: unknown
  readonly examined: ExaminedPolicy
  /** What to put in its place if it is not valid. */
  readonly refusing: Policy | undefined
}

/** What has become of one policy of the cluster. */
export type PolicyNews =
  | { readonly name: string; readonly standing: 'gone' }
  | {
      readonly name: string
      readonly standing: Standing
      readonly faults: readonly string[]
      readonly warnings: readonly string[]
    }

type Held = { readonly standing: Standing; readonly policy: Policy | undefined }

/** Examines an object of the cluster; `fileOf` says which file has a policy of its name already. */
export function findPolicy(object: ClusterObject, fileOf: (name: string) => string | undefined): FoundPolicy {
  const { name, generation } = object.metadata
  const named = { name, source: `clusterimagepolicy/${name}` }
  const file = fileOf(name)
  if (file !== undefined) {
    const fault = `duplicate value: ${name}: metadata.name: ${file} has a policy of this name, which stays in force`
    return { name, generation, examined: { kind: 'invalid', faults: [fault] }, refusing: undefined }
  }
  const examined = examineClusterImagePolicy(object, named.source)
  const refusing = examined.kind === 'valid' ? undefined : refuseInItsPlace(object, named, examined.faults)
  return { name, generation, examined, refusing }
}

/** Holds what is in force, change by change. */
export class PolicySet {
  readonly #files: readonly Policy[]
  readonly #held = new Map<string, Held>()

  constructor(files: readonly Policy[]) {
    this.#files = files
  }

  /** The file that has a policy of this name. */
  readonly fileOf = (name: string): string | undefined => this.#files.find(policy => policy.name === name)?.source

  /** All that is in force now, by name; a new list each time, which never changes. */
  policies(): readonly Policy[] {
    return sortedByName([...this.#files, ...[...this.#held.values()].flatMap(({ policy }) => policy ?? [])])
  }

  /** How many policies of the cluster stand so. */
  count(standing: Standing): number {
    return [...this.#held.values()].filter(held => held.standing === standing).length
  }

  /** Takes the changes in, and says what they come to; nothing for one that leaves the spec as it was. */
  apply(changes: readonly Change<FoundPolicy>[]): readonly PolicyNews[] {
    return changes.flatMap(change => this.#applyOne(change))
  }

  #applyOne(change: Change<FoundPolicy>): readonly PolicyNews[] {
    if (change.type === 'removed') {
      this.#held.delete(change.key)
      return [{ name: change.key, standing: 'gone' }]
    }
    const { item, key } = change
    // A status was written, or a label.
    const isSame = change.type === 'changed' && item.generation === change.before.generation
    if (isSame && item.generation !== undefined) return []
    const held = standingOf(item, this.#held.get(key))
    this.#held.set(key, held)
    const { examined } = item
    const faults = examined.kind === 'valid' ? [] : examined.faults
    return [
      { name: key, standing: held.standing, faults, warnings: examined.kind === 'valid' ? examined.warnings : [] },
    ]
  }
}

function standingOf({ examined, refusing }: FoundPolicy, before: Held | undefined): Held {
  if (examined.kind === 'valid') return { standing: 'valid', policy: examined.policy }
  if (before?.standing === 'valid' || before?.standing === 'last-valid') return { ...before, standing: 'last-valid' }
  return { standing: refusing === undefined ? 'nothing' : 'refusing', policy: refusing }
}
