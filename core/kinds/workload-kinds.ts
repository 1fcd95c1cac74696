/** The kinds that name images, and where in each of them the spec of the Pod lies. Any other kind names none that a kubelet would pull. */

const POD = ['spec']
const POD_TEMPLATE = ['template', 'spec']
const WORKLOAD = ['spec', 'template', 'spec']
const CRON_JOB = ['spec', 'jobTemplate', 'spec', 'template', 'spec']

// A Map: group and kind are the caller's text, and an object would answer to `constructor`.
// No version is part of the key: Kubernetes may not move the template within one kind.
const PATHS: ReadonlyMap<string, readonly string[]> = new Map([
  ['/Pod', POD],
  ['/PodTemplate', POD_TEMPLATE],
  ['/ReplicationController', WORKLOAD],
  ['apps/ReplicaSet', WORKLOAD],
  ['apps/Deployment', WORKLOAD],
  ['apps/StatefulSet', WORKLOAD],
  ['apps/DaemonSet', WORKLOAD],
  ['batch/Job', WORKLOAD],
  ['batch/CronJob', CRON_JOB],
])

/**
 * The kind that was probably meant, as `group/Kind`, for one that is not known: the same letters in another case, or the
 * right kind in another group. For messages only; the API server knows neither and refuses both.
 */
export function kindMeant(kind: string): string | undefined {
  return [...PATHS.keys()].find(known => known.split('/')[1]?.toLowerCase() === kind.toLowerCase())
}

/** The fields that lead from the root of such an object to the spec of its Pod; undefined for a kind that has none. */
export function podSpecPath(group: string, kind: string): readonly string[] | undefined {
  return PATHS.get(`${group}/${kind}`)
}
