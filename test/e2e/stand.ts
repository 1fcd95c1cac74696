/** Puts the recorder before an API server for one namespace: what one test provokes, no other test sees. */
import type { ControlPlane } from '../stack/control-plane.ts'
import { eventually } from '../stack/eventually.ts'
import type { Owner } from '../stack/owner.ts'
import { makePod } from './objects.ts'
import { type Recorded, type Recorder, type Reply, review } from './recording-server.ts'
import { create, MUTATING, makeWebhook, VALIDATING, type WebhookSettings } from './webhook-configurations.ts'

export const ALLOW = review({ allowed: true })

/** An answer that changes the object. */
export function patch(...operations: readonly object[]): Reply {
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64')
  return review({ allowed: true, patchType: 'JSONPatch', patch })
}

type Settings = Partial<WebhookSettings> & {
  readonly namespace: string
  readonly kind: 'mutate' | 'validate'
  /** The configurations of one kind are asked in the order of their names. */
  readonly name: string
  readonly reinvocationPolicy?: 'IfNeeded'
}

type Stand = {
  readonly seen: () => readonly Recorded[]
  readonly answer: (reply: Reply) => void
}

export type Scene = {
  readonly plane: ControlPlane
  readonly recorder: Recorder
}

/** Adds a webhook that allows everything, and resolves once it is asked. */
export async function stand(owner: Owner, { plane, recorder }: Scene, settings: Settings): Promise<Stand> {
  const { kind, name, namespace, reinvocationPolicy, ...rest } = settings
  const path = `/${namespace}/${kind}/${name}`
  recorder.answer(path, ALLOW)
  const webhook = {
    ...makeWebhook(`${kind}.${name}.test`, { url: `${recorder.url}${path}`, ca: recorder.ca, ...rest }),
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    ...(reinvocationPolicy === undefined ? {} : { reinvocationPolicy }),
  }
  const collection = kind === 'mutate' ? MUTATING : VALIDATING
  const metadata = { name: `${name}-${namespace}` }
  await create(plane.ask, collection, { metadata, webhooks: [webhook] })
  owner.teardown(async () => void (await plane.ask('DELETE', `${collection}/${metadata.name}`)))
  await eventually('the webhook to be asked', async () => {
    await createPod(plane, namespace, '?dryRun=All')
    return recorder.seen(path)[0]
  })
  recorder.forget(path)
  return { seen: () => recorder.seen(path), answer: reply => recorder.answer(path, reply) }
}

export type Created = {
  readonly status: number
  /** What kubectl prints in parentheses, as far as the API server gives one. */
  readonly reason: string
  readonly message: string
  readonly images: readonly string[]
}

let pods = 0

/** Creates a Pod, of a fresh name unless one is handed in. */
export async function createPod({ ask }: ControlPlane, namespace: string, query = '', pod?: object): Promise<Created> {
  const path = `/api/v1/namespaces/${namespace}/pods${query}`
  const { status, body } = await ask('POST', path, pod ?? makePod(`web-${pods++}`, 'registry.test/web:1'))
  const { message = '', reason = '', spec } = body as Partial<Created> & { spec?: ReturnType<typeof makePod>['spec'] }
  return { status, reason, message, images: spec?.containers.map(({ image }) => image) ?? [] }
}
