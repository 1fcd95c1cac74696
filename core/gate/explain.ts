/** Everything that is attached to an image, and what each thing is worth to each demand: for a reader, never for a verdict. */
import { setImmediate } from 'node:timers/promises'
import type { Artefact, Found } from '#core/domain/artefact.ts'
import type { Asker } from '#core/domain/asker.ts'
import type { Demand } from '#core/domain/demand.ts'
import type { Finding } from '#core/domain/fact.ts'
import type { PinnedRef } from '#core/domain/image-ref.ts'
import type { Refusal, Silence } from '#core/domain/refusal.ts'
import { silence } from '#core/domain/refusal.ts'
import type { Place } from '#core/domain/search.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { type Claimed, claimedBy } from '#core/verify/sigstore/claimed.ts'
import { isOfUse, type ProverDeps, untrusted } from './prove.ts'

/** One thing that lies there. */
export type Exhibit = {
  readonly artefact: Artefact
  readonly claimed: Claimed | Refusal
  readonly answers: readonly {
    readonly demand: Demand
    /** What it is worth to the demand; undefined where it lies in a place or a layout that the demand is not about. */
    readonly found: Finding | undefined
  }[]
}

export type LookedAt = Pick<Found, 'refusals' | 'silences'> & {
  readonly place: Place
  readonly exhibits: readonly Exhibit[]
}

export type Explanation = {
  readonly presence: 'present' | Refusal | Silence
  readonly places: readonly LookedAt[]
}

/** `demandsOf` says what each thing is to be held against. Throws Unavailable when nothing can be asked at all. */
export type Explain = (
  image: PinnedRef,
  demandsOf: (claimed: Claimed) => readonly Demand[],
  asker: Asker,
  signal: AbortSignal,
) => Promise<Explanation>

const PLACES: readonly Place[] = ['signature-tag', 'attestation-tag', 'referrers']

/** Makes one that looks and verifies as the prover does, but at everything, and at each thing alone. */
export function makeExplainer({ viewFor, verify, trust }: Pick<ProverDeps, 'viewFor' | 'verify' | 'trust'>): Explain {
  return async (image, demandsOf, asker, signal) => {
    const roots = trust()
    const view = await viewFor(asker, signal)
    const discovery = view.discover(image, { places: PLACES, isForAttestations: true }, signal)
    const examine = async (artefact: Artefact): Promise<Exhibit> => {
      await setImmediate()
      const claimed = claimedBy(artefact)
      const demands = claimed.kind === 'claimed' ? demandsOf(claimed) : []
      const answers: Exhibit['answers'][number][] = []
      for (const demand of demands) {
        const ask = async () =>
          (await verify(artefact, { digest: image.digest, demands: [demand], trust: roots }, signal))[0]
        const found = isOfUse(artefact, demand) ? (untrusted(demand, roots) ?? (await settle(ask()))) : undefined
        answers.push({ demand, found })
      }
      return { artefact, claimed, answers }
    }
    const places: LookedAt[] = []
    for (const [index, looking] of discovery.places.entries()) {
      const { artefacts, refusals, silences } = await looking
      const exhibits: Exhibit[] = []
      for (const artefact of artefacts) exhibits.push(await examine(artefact))
      places.push({ place: PLACES[index] as Place, exhibits, refusals, silences })
    }
    return { presence: await discovery.manifest, places }
  }
}

async function settle(answer: Promise<Finding | undefined>): Promise<Finding | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Unavailable) return silence(error.code, error.message)
    throw error
  }
}
