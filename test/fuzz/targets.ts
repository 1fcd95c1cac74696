/** Every reader of what others wrote. */
import { ATTACHED_TARGETS } from './attached-targets.ts'
import { EDGE_TARGETS } from './edge-targets.ts'
import type { Target } from './target.ts'
import { VERIFY_TARGETS } from './verify-targets.ts'

export const TARGETS: readonly Target[] = [...ATTACHED_TARGETS, ...EDGE_TARGETS, ...VERIFY_TARGETS]
