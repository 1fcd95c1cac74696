/** Says when enough is known about an image, so that nobody waits for what cannot change the answer any more. */
import { demandKey } from '#core/domain/demand.ts'
import type { Finding } from '#core/domain/fact.ts'
import type { ImageRef } from '#core/domain/image-ref.ts'
import type { Proof } from '#core/domain/proof.ts'
import { silence } from '#core/domain/refusal.ts'
import { judgeImage } from './judge-image.ts'
import type { Policy } from './policy.ts'

const UNKNOWN: Finding = silence('internal.error', 'not looked for any further')

/**
 * Whether these proofs, by the key of the demand that each meets, satisfy every policy that speaks of the image, those
 * in warn mode included. One of several keys is enough for most policies: while a key is rotated, the other never signs.
 */
export function suffices(policies: readonly Policy[], image: ImageRef, proofs: ReadonlyMap<string, Proof>): boolean {
  const use = { where: '', role: 'container', text: '', ref: image } as const
  const judged = judgeImage(policies, 'deny', use, demand => [proofs.get(demandKey(demand)) ?? UNKNOWN])
  return judged.objections.length === 0 && judged.warnings.length === 0
}
