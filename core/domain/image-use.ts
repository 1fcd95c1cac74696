/** One place in an object where an image is named. */
import type { ImageRef } from './image-ref.ts'
import type { Refusal } from './refusal.ts'

export type ImageRole = 'container' | 'init-container' | 'ephemeral-container' | 'volume'

export type ImageUse = {
  /** Path of the field from the root of the object, as kubectl explain would say it: `spec.template.spec.containers[0].image`. */
  readonly where: string
  readonly role: ImageRole
  /** The text of the field as the user wrote it. */
  readonly text: string
  /** The text parsed, or why it is no image reference. */
  readonly ref: ImageRef | Refusal
}
