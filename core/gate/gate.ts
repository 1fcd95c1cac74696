/** What an admission needs of the world, handed in: the gate decides nothing and fetches nothing itself. */
import type { Asker } from '#core/domain/asker.ts'
import type { Demand } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import type { Fact, Finding } from '#core/domain/fact.ts'
import type { ImageRef, PinnedRef } from '#core/domain/image-ref.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import type { Verdict } from '#core/domain/verdict.ts'
import type { Workload } from '#core/domain/workload.ts'
import type { Sight } from '#core/runtime/sight.ts'

export type Gate = {
  /** What the policies that match this image want known about it; empty when nothing has to be looked up. Pure. */
  readonly demandsOf: (image: ImageRef) => readonly Demand[]
  /** Asks the registry for this asker what the tag points at; once, unless it lets none in. Throws Unavailable. */
  readonly resolve: (image: ImageRef, asker: Asker, signal: AbortSignal) => Promise<Digest | Refusal>
  /** One finding for each demand, in their order, and none that this asker could not have had. Throws Unavailable when nothing at all could be learnt. */
  readonly prove: (
    image: PinnedRef,
    demands: readonly Demand[],
    asker: Asker,
    signal: AbortSignal,
  ) => Promise<readonly Finding[]>
  /** Turns facts into an answer. Pure, never throws but for a bug. */
  readonly judge: (workload: Workload, facts: readonly Fact[]) => Verdict
  /** Told what an admission does; left out where nobody looks. */
  readonly sight?: Pick<Sight, 'step' | 'found'>
}
