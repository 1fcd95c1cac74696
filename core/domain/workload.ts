/** A subject whose images must be judged. */
import type { Asker } from './asker.ts'
import type { ImageUse } from './image-use.ts'
import type { Subject } from './subject.ts'

export type Workload = { readonly subject: Subject; readonly asker: Asker; readonly images: readonly ImageUse[] }
