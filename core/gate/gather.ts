/** Finds out what the policies want known about the images of one workload; all images at the same time. */
import type { Asker } from '#core/domain/asker.ts'
import type { Demand } from '#core/domain/demand.ts'
import type { Fact, Finding } from '#core/domain/fact.ts'
import type { ImageRef, PinnedRef } from '#core/domain/image-ref.ts'
import { nameOf } from '#core/domain/image-ref.ts'
import { refusal, silence } from '#core/domain/refusal.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { Workload } from '#core/domain/workload.ts'
import type { Gate } from './gate.ts'
import { turnsFor } from './in-turn.ts'

/**
 * Gathers one fact for each image and demand, in the order of the images. Ten images cost the slowest, not the sum; an
 * image named twice costs once. Silence is a fact too: a certain refusal of one image must win over a registry that is
 * down for another. Throws only what a bug throws.
 */
export async function gather(workload: Workload, gate: Gate, signal: AbortSignal): Promise<readonly Fact[]> {
  const asked = new Map<string, Promise<readonly Finding[]>>()
  const inTurn = turnsFor(workload.images.length)
  const facts = workload.images.map(async use => {
    if (use.ref.kind === 'refusal') return []
    const demands = gate.demandsOf(use.ref)
    if (demands.length === 0) return []
    const findings = await once(asked, nameOf(use.ref), () =>
      inTurn(() => findAll({ ref: use.ref as ImageRef, demands, asker: workload.asker }, gate, signal)),
    )
    return demands.map((demand, index): Fact => ({ use, demand, found: findings[index] ?? unanswered(demand) }))
  })
  return (await Promise.all(facts)).flat()
}

function once<T>(asked: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const known = asked.get(key)
  if (known !== undefined) return known
  const answer = ask()
  asked.set(key, answer)
  return answer
}

type Question = { readonly ref: ImageRef; readonly demands: readonly Demand[]; readonly asker: Asker }

async function findAll(question: Question, gate: Gate, signal: AbortSignal): Promise<readonly Finding[]> {
  const { ref, demands, asker } = question
  try {
    if (ref.digest !== undefined) return await gate.prove(ref as PinnedRef, demands, asker, signal)
    const found = await whyNotPinned(question, gate, signal)
    return demands.map(() => found)
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    return demands.map(() => silence(error.code, error.message))
  }
}

/**
 * A tag is never admitted: mutation has run before and would have pinned it. It is looked up all the same, because
 * "no such image" or "the registry is down" is what the reader can act upon, and "not pinned" would hide it.
 */
async function whyNotPinned({ ref, asker }: Question, gate: Gate, signal: AbortSignal): Promise<Finding> {
  const answer = await gate.resolve(ref, asker, signal)
  if (typeof answer !== 'string') return answer
  return refusal('image.not-pinned', `the tag ${JSON.stringify(ref.tag)} points at ${answer} just now`)
}

function unanswered(demand: Demand): Finding {
  return silence('internal.error', `no finding for a demand of kind ${demand.kind}`)
}
