/** Finds every place in an object where an image is named. */

import type { ImageRef } from '#core/domain/image-ref.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import type { ImageRole, ImageUse } from '#core/domain/image-use.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { KubeObject } from '#core/domain/subject.ts'

/** Kubernetes sets no bound of its own; 1.5 MiB of etcd would hold some thousands. No workload anyone runs has more than this. */
export const MAX_IMAGES = 256

/** The lists of a PodSpec whose items name an image, in the order in which they start. */
const LISTS: readonly { readonly list: string; readonly role: ImageRole }[] = [
  { list: 'initContainers', role: 'init-container' },
  { list: 'containers', role: 'container' },
  { list: 'ephemeralContainers', role: 'ephemeral-container' },
  { list: 'volumes', role: 'volume' },
]

/**
 * Lists the images of the PodSpec at `path`. An object without that PodSpec has none. Throws an InputError when a list
 * or an item is not what its kind says, or when there are more than MAX_IMAGES: what cannot be read is not admitted.
 */
export function imagesOf(object: KubeObject, path: readonly string[]): readonly ImageUse[] {
  const spec = podSpec(object, path)
  if (spec === undefined) return []
  const uses = LISTS.flatMap(({ list, role }) =>
    items(spec, list, path).flatMap((item, index) => use(item, role, `${path.join('.')}.${list}[${index}]`)),
  )
  if (uses.length > MAX_IMAGES)
    throw new InputError(`expected at most ${MAX_IMAGES} images in one object, got ${uses.length}`)
  return uses
}

function podSpec(object: KubeObject, path: readonly string[]): KubeObject | undefined {
  let at: KubeObject = object
  for (const [depth, name] of path.entries()) {
    const next = Object.hasOwn(at, name) ? at[name] : undefined
    if (next === undefined || next === null) return undefined
    at = expectObject(next, path.slice(0, depth + 1).join('.'))
  }
  return at
}

function items(spec: KubeObject, list: string, path: readonly string[]): readonly unknown[] {
  const value = Object.hasOwn(spec, list) ? spec[list] : undefined
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new InputError(`expected ${path.join('.')}.${list} to be a list`)
  return value
}

function use(item: unknown, role: ImageRole, at: string): readonly ImageUse[] {
  const fields = expectObject(item, at)
  if (role !== 'volume') return [readUse(fields['image'], role, `${at}.image`)]
  // Most volumes hold no image; `image: {}` would take its reference from elsewhere, so its absence is read as none.
  if (fields['image'] === undefined || fields['image'] === null) return []
  const image = expectObject(fields['image'], `${at}.image`)
  return [readUse(image['reference'], role, `${at}.image.reference`)]
}

function readUse(value: unknown, role: ImageRole, where: string): ImageUse {
  if (value !== undefined && value !== null && typeof value !== 'string')
    throw new InputError(`expected ${where} to be text`)
  const text = value ?? ''
  return { where, role, text, ref: read(text) }
}

function read(text: string): ImageRef | Refusal {
  try {
    return parseImageRef(text)
  } catch (error) {
    if (error instanceof InputError) return refusal('image.reference-invalid', error.message)
    throw error
  }
}

function expectObject(value: unknown, where: string): KubeObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as KubeObject
  throw new InputError(`expected ${where} to be an object`)
}
