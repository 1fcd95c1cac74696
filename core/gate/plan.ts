/** Says what of a subject has to be looked at, and why the rest has not. Pure. */
import { InputError } from '#core/domain/input-error.ts'
import type { KubeObject, Subject } from '#core/domain/subject.ts'
import type { PassReason } from '#core/domain/verdict.ts'
import type { Workload } from '#core/domain/workload.ts'
import { podSpecPath } from '#core/kinds/workload-kinds.ts'
import { askerOf } from './asker-of.ts'
import { imagesOf } from './images-of.ts'

/**
 * Of these each is looked up. Kubernetes sets no bound of its own; 1.5 MiB of etcd would hold some thousands. No workload
 * anyone runs has more than this, and one that does already can still be mended: unchanged images are not counted.
 */
export const MAX_IMAGES = 256

export type Plan =
  | { readonly kind: 'pass'; readonly reason: PassReason }
  | { readonly kind: 'examine'; readonly workload: Workload }

/**
 * Plans one admission. A deletionTimestamp excuses nothing: a finalizer can keep such an object, and its Pods, alive for
 * ever (CVE-2023-34091). Throws an InputError when the object is missing or does not have the shape of its kind.
 */
export function plan(subject: Subject): Plan {
  if (subject.operation === 'DELETE') return pass('delete')
  if (subject.operation === 'CONNECT') return pass('connect')
  // The API server copies nothing but the status from such a request into the stored object.
  if (subject.subresource === 'status') return pass('status')
  const path = podSpecPath(subject.group, subject.kind)
  if (path === undefined) return pass('kind-without-images')
  if (subject.object === undefined)
    throw new InputError(`expected an object with the ${subject.operation} of a ${subject.kind}, got none`)
  const images = imagesOf(subject.object, path)
  if (images.length === 0) return pass('no-images')
  if (isUnchanged(subject, path)) return pass('images-unchanged')
  if (images.length > MAX_IMAGES)
    throw new InputError(`expected at most ${MAX_IMAGES} images in one object, got ${images.length}`)
  return { kind: 'examine', workload: { subject, images, asker: askerOf(subject.namespace, subject.object, path) } }
}

function pass(reason: PassReason): Plan {
  return { kind: 'pass', reason }
}

/**
 * An update that brings in no image that was not there must not fail because a registry is down or a policy has changed:
 * labels, scale-downs and the removal of finalizers have to stay possible. What runs already is the re-scan's concern.
 */
function isUnchanged(subject: Subject, path: readonly string[]): boolean {
  if (subject.operation !== 'UPDATE' || subject.object === undefined || subject.oldObject === undefined) return false
  const before = texts(subject.oldObject, path)
  return [...texts(subject.object, path)].every(text => before.has(text))
}

function texts(object: KubeObject, path: readonly string[]): Set<string> {
  return new Set(imagesOf(object, path).map(use => use.text))
}
