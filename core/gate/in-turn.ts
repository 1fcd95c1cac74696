/** How many images of one workload are looked up at the same time. */
import { makeTurns, type Turns } from '#core/runtime/turns.ts'

/**
 * More than any workload has that people write; a hostile one with hundreds may not make us hold what hundreds of
 * registries send (docs/limits.md says how much that is for each).
 */
const IMAGES_AT_ONCE = 16

const atOnce: Turns = work => work()

/** Turns for a workload of so many images; where all of them fit, nobody waits. */
export function turnsFor(images: number): Turns {
  return images > IMAGES_AT_ONCE ? makeTurns(IMAGES_AT_ONCE) : atOnce
}
