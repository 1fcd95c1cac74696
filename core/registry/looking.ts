/** One image that is being looked at, and what every look at it shares. */
import type { Digest } from '#core/domain/digest.ts'
import type { Turns } from '#core/runtime/turns.ts'

export type Looking = {
  readonly digest: Digest
  readonly turns: Turns
  /** Whether attestations are of use: only then are things as large as they may be read. */
  readonly isForAttestations: boolean
}
