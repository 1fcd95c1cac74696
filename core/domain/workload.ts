/** A subject whose images must be judged. */
import type { ImageUse } from './image-use.ts'
import type { Subject } from './subject.ts'

export type Workload = { readonly subject: Subject; readonly images: readonly ImageUse[] }
