/** Finds every place in an object where an image is named. */

import type { ImageRef } from '#core/domain/image-ref.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import type { ImageRole, ImageUse } from '#core/domain/image-use.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { KubeObject } from '#core/domain/subject.ts'
import { expectObject, listIn, podSpecAt, textIn } from './pod-spec.ts'

/** The lists of a PodSpec whose items name an image, in the order in which they start. */
const LISTS: readonly { readonly list: string; readonly role: ImageRole }[] = [
  { list: 'initContainers', role: 'init-container' },
  { list: 'containers', role: 'container' },
  { list: 'ephemeralContainers', role: 'ephemeral-container' },
  { list: 'volumes', role: 'volume' },
]

/**
 * Lists the images of the PodSpec at `path`. An object without that PodSpec has none. Throws an InputError when a list
 * or an item is not what its kind says: what cannot be read is not admitted.
 */
export function imagesOf(object: KubeObject, path: readonly string[]): readonly ImageUse[] {
  const spec = podSpecAt(object, path)
  if (spec === undefined) return []
  return LISTS.flatMap(({ list, role }) =>
    listIn(spec, list, path).flatMap((item, index) => use(item, role, `${path.join('.')}.${list}[${index}]`)),
  )
}

function use(item: unknown, role: ImageRole, at: string): readonly ImageUse[] {
  const fields = expectObject(item, at)
  if (role !== 'volume') return [readUse(textIn(fields, 'image', `${at}.image`), role, `${at}.image`)]
  // Most volumes hold no image; `image: {}` would take its reference from elsewhere, so its absence is read as none.
  if (fields['image'] === undefined || fields['image'] === null) return []
  const image = expectObject(fields['image'], `${at}.image`)
  const where = `${at}.image.reference`
  return [readUse(textIn(image, 'reference', where), role, where)]
}

function readUse(text: string, role: ImageRole, where: string): ImageUse {
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
