/** Reads from a PodSpec as whom its node would pull the images. Pure. */
import type { Asker } from '#core/domain/asker.ts'
import { InputError } from '#core/domain/input-error.ts'
import { isObjectName } from '#core/domain/object-name.ts'
import type { KubeObject } from '#core/domain/subject.ts'
import { expectObject, listIn, podSpecAt, textIn } from './pod-spec.ts'

/** Each may cost a request to the API server. Nobody has as many registries; Kubernetes sets no bound of its own. */
export const MAX_PULL_SECRETS = 32

/**
 * Derives the asker of the PodSpec at `path`. The namespace is that of the request: an object may say what it likes.
 * A name that no Secret can have is passed over, as a kubelet passes over a Secret that is not there. Throws an
 * InputError where the PodSpec does not have its shape, or lists more than MAX_PULL_SECRETS.
 */
export function askerOf(namespace: string, object: KubeObject, path: readonly string[]): Asker {
  const spec = podSpecAt(object, path) ?? {}
  const at = `${path.join('.')}.imagePullSecrets`
  const listed = listIn(spec, 'imagePullSecrets', path)
  if (listed.length > MAX_PULL_SECRETS)
    throw new InputError(`expected at most ${MAX_PULL_SECRETS} items in ${at}, got ${listed.length}`)
  const names = listed.map((item, index) =>
    textIn(expectObject(item, `${at}[${index}]`), 'name', `${at}[${index}].name`),
  )
  return {
    namespace,
    serviceAccount: serviceAccountOf(spec, path.join('.')),
    pullSecrets: [...new Set(names.filter(isObjectName))],
  }
}

/** `serviceAccount` is the older name of the field; the API server keeps the two equal, a file need not. */
function serviceAccountOf(spec: KubeObject, at: string): string {
  const name =
    textIn(spec, 'serviceAccountName', `${at}.serviceAccountName`) ||
    textIn(spec, 'serviceAccount', `${at}.serviceAccount`) ||
    'default'
  if (isObjectName(name)) return name
  throw new InputError(`expected ${at}.serviceAccountName to be the name of a ServiceAccount`)
}
