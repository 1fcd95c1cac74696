import t from 'tap'
import { podSpecPath } from '#core/kinds/workload-kinds.ts'

t.test('knows where the spec of the Pod lies in every kind that has one', async t => {
  const paths = {
    '/Pod': 'spec',
    '/PodTemplate': 'template.spec',
    '/ReplicationController': 'spec.template.spec',
    'apps/ReplicaSet': 'spec.template.spec',
    'apps/Deployment': 'spec.template.spec',
    'apps/StatefulSet': 'spec.template.spec',
    'apps/DaemonSet': 'spec.template.spec',
    'batch/Job': 'spec.template.spec',
    'batch/CronJob': 'spec.jobTemplate.spec.template.spec',
  }
  for (const [groupAndKind, path] of Object.entries(paths)) {
    const [group = '', kind = ''] = groupAndKind.split('/')
    t.equal(podSpecPath(group, kind)?.join('.'), path, groupAndKind)
  }
})

t.test('knows of no Pod in any other kind, whatever it calls itself', async t => {
  const others = [
    ['', 'ConfigMap'],
    ['', 'Deployment'],
    ['apps', 'Pod'],
    ['example.com', 'Pod'],
    ['apps', 'deployment'],
    ['apps/Deployment', ''],
    ['', ''],
    ['', 'constructor'],
    ['__proto__', 'toString'],
  ] as const
  for (const [group, kind] of others) t.equal(podSpecPath(group, kind), undefined, `${group}/${kind}`)
})
