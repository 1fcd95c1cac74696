/** POST /mutate: pins tags, decides nothing. */
import type { FastifyInstance } from 'fastify'
import { type PinScope, pin } from '#core/gate/pin.ts'
import { type AnswerDeps, answer, type Webhook } from '../answer.ts'
import { respondPinning } from '../patch.ts'
import { tellPinning } from '../tell.ts'

export type MutateDeps = AnswerDeps & { readonly pinScope: PinScope }

/** Adds the route. */
export function addMutate(server: FastifyInstance, deps: MutateDeps): void {
  const webhook: Webhook = {
    ...deps,
    review: 'mutate',
    decide: async (subject, gate, signal) => {
      const pinning = await pin(subject, gate, deps.pinScope, signal)
      deps.metrics.pinned(pinning.pins.length, pinning.unpinned.length)
      return { outcome: 'allow', codes: [], response: respondPinning(pinning), told: tellPinning(pinning) }
    },
  }
  server.post('/mutate', (request, reply) => answer(webhook, request, reply))
}
