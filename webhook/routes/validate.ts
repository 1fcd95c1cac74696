/** POST /validate: judges, changes nothing. */
import type { FastifyInstance } from 'fastify'
import { codesOf } from '#core/domain/verdict.ts'
import { admit } from '#core/gate/admit.ts'
import { type AnswerDeps, answer, type Webhook } from '../answer.ts'
import { respond } from '../respond.ts'
import { tellVerdict } from '../tell.ts'

/** Adds the route. */
export function addValidate(server: FastifyInstance, deps: AnswerDeps): void {
  const webhook: Webhook = {
    ...deps,
    review: 'validate',
    decide: async (subject, gate, signal) => {
      const verdict = await admit(subject, gate, signal)
      return {
        outcome: verdict.outcome,
        codes: codesOf(verdict),
        response: respond(verdict),
        told: tellVerdict(verdict),
      }
    },
  }
  server.post('/validate', (request, reply) => answer(webhook, request, reply))
}
