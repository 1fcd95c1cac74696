/** Replaces tags by what they point at now. It decides nothing: what it cannot pin, it leaves for validation to refuse. */
import type { Asker } from '#core/domain/asker.ts'
import type { Digest } from '#core/domain/digest.ts'
import type { ImageRef } from '#core/domain/image-ref.ts'
import { nameOf } from '#core/domain/image-ref.ts'
import type { ImageUse } from '#core/domain/image-use.ts'
import type { Refusal, Silence } from '#core/domain/refusal.ts'
import { silence } from '#core/domain/refusal.ts'
import type { Subject } from '#core/domain/subject.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { UNSEEN } from '#core/runtime/sight.ts'
import type { Gate } from './gate.ts'
import { turnsFor } from './in-turn.ts'
import { plan } from './plan.ts'

/** `matched`: images about which a policy wants something known. `all`: every image. */
export type PinScope = 'matched' | 'all'

export type Pin = { readonly where: string; readonly from: string; readonly to: string }

export type Pinning = {
  readonly pins: readonly Pin[]
  /** Images that should have been pinned and could not be. */
  readonly unpinned: readonly { readonly where: string; readonly image: string; readonly because: Refusal | Silence }[]
}

/**
 * Asks the registry once for each tag, however often the object names it, so that two containers with one tag get one
 * digest. What has a digest is left alone, so a second call finds nothing to do.
 */
export async function pin(subject: Subject, gate: Gate, scope: PinScope, signal: AbortSignal): Promise<Pinning> {
  const { step } = gate.sight ?? UNSEEN
  const planned = step('plan', () => plan(subject))
  if (planned.kind === 'pass') return { pins: [], unpinned: [] }
  const { images, asker } = planned.workload
  const tagged = images.flatMap(use => toPin(use, gate, scope))
  const asked = new Map<string, Promise<Digest | Refusal | Silence>>()
  const inTurn = turnsFor(tagged.length)
  for (const { ref } of tagged) {
    if (asked.has(nameOf(ref))) continue
    asked.set(
      nameOf(ref),
      inTurn(() => resolve(ref, asker, gate, signal)),
    )
  }
  const pins: Pin[] = []
  const unpinned: Pinning['unpinned'][number][] = []
  for (const { where, text, ref } of tagged) {
    const answer = (await asked.get(nameOf(ref))) ?? silence('internal.error', 'the tag was not asked for')
    if (typeof answer === 'string') pins.push({ where, from: text, to: pinned(ref, answer) })
    else unpinned.push({ where, image: text, because: answer })
  }
  return { pins, unpinned }
}

function toPin({ where, text, ref }: ImageUse, gate: Gate, scope: PinScope) {
  const isTagged = ref.kind !== 'refusal' && ref.digest === undefined
  if (!isTagged) return []
  return scope === 'all' || gate.demandsOf(ref).length > 0 ? [{ where, text, ref }] : []
}

async function resolve(
  ref: ImageRef,
  asker: Asker,
  gate: Gate,
  signal: AbortSignal,
): Promise<Digest | Refusal | Silence> {
  try {
    return await gate.resolve(ref, asker, signal)
  } catch (error) {
    if (error instanceof Unavailable) return silence(error.code, error.message)
    throw error
  }
}

/** The normalised name with the tag kept for the human reader: the digest alone decides what is pulled. */
function pinned(ref: ImageRef, digest: Digest): string {
  return `${ref.registry}/${ref.repository}:${ref.tag}@${digest}`
}
