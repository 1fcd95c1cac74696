/** The thread behind the verifier: the same pure code as on the event loop, for one artefact at a time. */
import type { Artefact } from '#core/domain/artefact.ts'
import type { Demand } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import type { Proof } from '#core/domain/proof.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { verifyArtefact } from '#core/verify/sigstore/verify-artefact.ts'
import { type TrustParcel, unpackTrust } from './trust-parcel.ts'

type Job = {
  readonly artefact: Artefact
  readonly digest: Digest
  readonly demands: readonly Demand[]
  readonly trust: TrustParcel
  readonly now: Date
}

/** Called by the pool, by this name. */
export function verify({ artefact, digest, demands, trust, now }: Job): readonly (Proof | Refusal)[] {
  const world = { trust: unpackTrust(trust), now }
  return demands.map(demand => verifyArtefact(artefact, digest, demand, world))
}
