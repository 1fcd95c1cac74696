/** The webhook configurations of the first try. The API server reaches the webhook by its address, for there is no Service. */

const RULES = Object.entries({
  '': ['pods', 'pods/ephemeralcontainers', 'podtemplates', 'replicationcontrollers'],
  apps: ['replicasets', 'deployments', 'statefulsets', 'daemonsets'],
  batch: ['jobs', 'cronjobs'],
}).map(([group, resources]) => ({
  apiGroups: [group],
  apiVersions: ['v1'],
  operations: ['CREATE', 'UPDATE'],
  resources,
}))

/** Makes both, as a List that kubectl can apply. */
export function makeConfigurations(url: string, ca: string): object {
  const webhook = (path: string) => ({
    name: `${path}.shedu.dev`,
    clientConfig: { url: `${url}/${path}`, caBundle: Buffer.from(ca).toString('base64') },
    rules: RULES,
    failurePolicy: 'Fail',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    timeoutSeconds: 10,
    namespaceSelector: {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system'] }],
    },
  })
  const make = (kind: string, one: object) => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name: 'shedu' },
    webhooks: [one],
  })
  const items = [
    make('MutatingWebhookConfiguration', { ...webhook('mutate'), reinvocationPolicy: 'IfNeeded' }),
    make('ValidatingWebhookConfiguration', webhook('validate')),
  ]
  return { apiVersion: 'v1', kind: 'List', items }
}
