/** Asks the webhooks as a kube-apiserver does: admission.k8s.io/v1, kept-alive TLS, mutate and then validate. */
import { randomUUID } from 'node:crypto'
import { applyPatch, type Operation } from 'rfc6902'
import { Agent, request } from 'undici'

export type Answer = {
  readonly isAllowed: boolean
  readonly message: string
  readonly warnings: readonly string[]
  /** What validation saw of each image: its text after mutation. */
  readonly images: readonly string[]
  readonly auditAnnotations: Readonly<Record<string, string>>
  /** Mutation and validation together. */
  readonly ms: number
}

type Pod = { readonly spec: { readonly containers: readonly { readonly image: string }[] } }

type Response = {
  readonly allowed: boolean
  readonly patch?: string
  readonly warnings?: readonly string[]
  readonly status?: { readonly message?: string }
  readonly auditAnnotations?: Readonly<Record<string, string>>
}

export type ApiServer = {
  /** Creates a Pod with these images; nothing is stored, the answer of the webhooks is the result. */
  readonly createPod: (images: readonly string[], timeoutSeconds: number) => Promise<Answer>
  readonly close: () => Promise<void>
}

/** Makes the asking side; `ca` is what the webhook configuration would carry as its caBundle. */
export function makeApiServer(port: number, ca: string): ApiServer {
  const dispatcher = new Agent({ connect: { ca }, keepAliveTimeout: 60_000 })
  const ask = async (path: string, object: object, timeoutSeconds: number): Promise<Response> => {
    const uid = randomUUID()
    const answer = await request(`https://127.0.0.1:${port}/${path}?timeout=${timeoutSeconds}s`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(makeReview(uid, object)),
      dispatcher,
    })
    const review = (await answer.body.json()) as { readonly response: Response & { readonly uid: string } }
    if (review.response.uid !== uid) throw new Error('the webhook answered another question')
    return review.response
  }
  return {
    createPod: async (images, timeoutSeconds) => {
      const pod = makePod(images)
      const started = performance.now()
      const mutated = await ask('mutate', pod, timeoutSeconds)
      if (mutated.patch !== undefined) patch(pod, mutated.patch)
      const validated = mutated.allowed ? await ask('validate', pod, timeoutSeconds) : mutated
      return {
        isAllowed: validated.allowed,
        message: validated.status?.message ?? '',
        warnings: [...(mutated.warnings ?? []), ...(validated.warnings ?? [])],
        images: pod.spec.containers.map(container => container.image),
        auditAnnotations: validated.auditAnnotations ?? {},
        ms: performance.now() - started,
      }
    },
    close: () => dispatcher.close(),
  }
}

function patch(pod: Pod, base64: string): void {
  const operations = JSON.parse(Buffer.from(base64, 'base64').toString()) as Operation[]
  const failed = applyPatch(pod, operations).find(error => error !== null)
  if (failed !== undefined) throw failed
}

/** A Pod with one container for each image. */
export function makePod(images: readonly string[]): Pod & Readonly<Record<string, unknown>> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'first-try', namespace: 'default', labels: { app: 'first-try' } },
    spec: { containers: images.map((image, index) => ({ name: `container-${index}`, image, resources: {} })) },
  }
}

/** The review of its creation. */
export function makeReview(uid: string, object: object): object {
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid,
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      name: 'first-try',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'first-try', groups: ['system:authenticated'] },
      object,
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  }
}
