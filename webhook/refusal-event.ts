/** A refusal as an event about the object that wanted the refused one: that is where its owner looks. Pure. */
import type { ClusterEvent } from '#core/cluster/events.ts'
import { isObjectName } from '#core/domain/object-name.ts'
import type { KubeObject, Subject } from '#core/domain/subject.ts'
import type { ReviewResponse } from './admission-review.ts'

/** Of these one is the controller; Kubernetes sets no bound, and nobody writes as many. */
const OWNERS = 64

const API_VERSION = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?v[a-z0-9]{1,62}$/
const KIND = /^[A-Z][A-Za-z0-9]{0,62}$/
const UID = /^[!-~]{1,128}$/

const REASONS = { 403: 'ImageRefused', 503: 'ImageNotChecked', 400: 'ReviewFailed', 500: 'ReviewFailed' } as const

/**
 * What to say about whom; nothing where the object was admitted, where it was only asked what would happen, and where nobody
 * controls it: whoever creates an object himself gets our answer himself. The note names no generated name, so that a
 * controller which tries again and again makes one series.
 */
export function refusalEvent(subject: Subject, { allowed, status }: ReviewResponse): ClusterEvent | undefined {
  if (allowed || status === undefined || subject.isDryRun) return undefined
  const regarding = parentOf(subject)
  if (regarding === undefined) return undefined
  const note = `${subject.kind}: ${status.message.replaceAll(/\s*\n\s*/g, '; ')}`
  return { type: 'Warning', reason: REASONS[status.code], action: 'Admit', note, regarding }
}

/** untrusted: whoever creates an object says who controls it. The event lies in its own namespace, whatever it says. */
function parentOf({ namespace, object }: Subject): ClusterEvent['regarding'] | undefined {
  const { apiVersion, kind, name, uid } = controllerOf(object?.['metadata']) ?? {}
  if (!fits(apiVersion, API_VERSION) || !fits(kind, KIND) || !fits(uid, UID)) return undefined
  return isName(name) && isName(namespace) ? { apiVersion, kind, namespace, name, uid } : undefined
}

function controllerOf(metadata: unknown): KubeObject | undefined {
  const owners = (metadata as KubeObject | null | undefined)?.['ownerReferences']
  if (!Array.isArray(owners)) return undefined
  return owners.slice(0, OWNERS).find((owner: KubeObject | null) => owner?.['controller'] === true)
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && isObjectName(value)
}

function fits(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value)
}
