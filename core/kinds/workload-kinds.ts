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

/** The other kinds of the groups that workloads are in; that of the core group is empty. Kubernetes adds to these groups once in years. */
const WITHOUT_IMAGES: Readonly<Record<string, readonly string[]>> = {
  '': [
    'Binding',
    'ConfigMap',
    'Endpoints',
    'Event',
    'LimitRange',
    'Namespace',
    'Node',
    'PersistentVolume',
    'PersistentVolumeClaim',
    'ResourceQuota',
    'Secret',
    'Service',
    'ServiceAccount',
  ],
  apps: ['ControllerRevision'],
  batch: [],
}

/** All kinds of a group that workloads are in, by name; undefined for every other group. */
export function kindsOf(group: string): readonly string[] | undefined {
  if (!Object.hasOwn(WITHOUT_IMAGES, group)) return undefined
  const workloads = [...PATHS.keys()]
    .filter(known => known.startsWith(`${group}/`))
    .map(known => known.slice(group.length + 1))
  return [...workloads, ...(WITHOUT_IMAGES[group] ?? [])].toSorted((a, b) => (a < b ? -1 : 1))
}

/** The fields that lead from the root of such an object to the spec of its Pod; undefined for a kind that has none. */
export function podSpecPath(group: string, kind: string): readonly string[] | undefined {
  return PATHS.get(`${group}/${kind}`)
}
