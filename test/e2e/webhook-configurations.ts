/** The two webhook configurations that put the gate before an API server, and what it takes until they are in effect. */
import type { Ask } from '../stack/api-client.ts'

const API = '/apis/admissionregistration.k8s.io/v1'
export const MUTATING = `${API}/mutatingwebhookconfigurations`
export const VALIDATING = `${API}/validatingwebhookconfigurations`

/** Every resource in which a PodSpec comes in. */
const RESOURCES: Readonly<Record<string, readonly string[]>> = {
  '': ['pods', 'pods/ephemeralcontainers', 'podtemplates', 'replicationcontrollers'],
  apps: ['replicasets', 'deployments', 'statefulsets', 'daemonsets'],
  batch: ['jobs', 'cronjobs'],
}

export type WebhookSettings = {
  readonly url: string
  readonly ca: string
  readonly failurePolicy?: 'Fail' | 'Ignore'
  /** The API server's own default is taken where this is left out. */
  readonly timeoutSeconds?: number
}

/** Makes one webhook as it stands in a configuration, named after what it does. */
export function makeWebhook(name: string, { url, ca, failurePolicy = 'Fail', timeoutSeconds }: WebhookSettings) {
  return {
    name,
    clientConfig: { url, caBundle: Buffer.from(ca).toString('base64') },
    rules: Object.entries(RESOURCES).map(([group, resources]) => ({
      apiGroups: [group],
      apiVersions: ['v1'],
      operations: ['CREATE', 'UPDATE'],
      resources,
    })),
    failurePolicy,
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    namespaceSelector: {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system'] }],
    },
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
  }
}

type Target = { readonly url: string; readonly ca: string }

/**
 * Lets the webhook at `url` pin, from some moment on: it takes a second or so until the API server heeds it. IfNeeded,
 * because a webhook that is asked later may add a container, whose tag would be left for validation to refuse.
 */
export function configureMutation(ask: Ask, target: Target): Promise<void> {
  const webhook = makeWebhook('mutate.shedu.dev', settingsOf(target, 'mutate'))
  return create(ask, MUTATING, {
    metadata: { name: 'shedu' },
    webhooks: [{ ...webhook, reinvocationPolicy: 'IfNeeded' }],
  })
}

/** Lets it judge, from some moment on. */
export function configureValidation(ask: Ask, target: Target): Promise<void> {
  const webhook = makeWebhook('validate.shedu.dev', settingsOf(target, 'validate'))
  return create(ask, VALIDATING, { metadata: { name: 'shedu' }, webhooks: [webhook] })
}

function settingsOf({ url, ca }: Target, path: string): WebhookSettings {
  return { url: `${url}/${path}`, ca, timeoutSeconds: 10 }
}

/** Creates an object of this collection. */
export async function create(ask: Ask, path: string, body: object): Promise<void> {
  const answer = await ask('POST', path, body)
  if (answer.status !== 201) throw new Error(`expected status 201 of ${path}, found ${JSON.stringify(answer)}`)
}
