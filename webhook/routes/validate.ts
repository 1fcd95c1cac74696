/** POST /validate: judges, changes nothing. */
import type { FastifyInstance } from 'fastify'
import { codesOf, type Verdict } from '#core/domain/verdict.ts'
import { admit } from '#core/gate/admit.ts'
import { type AnswerDeps, answer, type Webhook } from '../answer.ts'
import { respond } from '../respond.ts'

/** How many images of one workload the log names. */
const IMAGES = 16

/** Adds the route. */
export function addValidate(server: FastifyInstance, deps: AnswerDeps): void {
  const webhook: Webhook = {
    ...deps,
    review: 'validate',
    decide: async (subject, gate, signal) => {
      const verdict = await admit(subject, gate, signal)
      return { outcome: verdict.outcome, codes: codesOf(verdict), response: respond(verdict), told: tell(verdict) }
    },
  }
  server.post('/validate', (request, reply) => answer(webhook, request, reply))
}

function tell(verdict: Verdict): Readonly<Record<string, unknown>> {
  if ('passed' in verdict && verdict.passed !== undefined) return { passed: verdict.passed }
  const images = verdict.outcome === 'allow' ? verdict.proofs.map(proof => proof.digest) : imagesOf(verdict.objections)
  return {
    policies: verdict.policies,
    images: [...new Set(images)].slice(0, IMAGES),
    warnings: verdict.warnings.length,
  }
}

function imagesOf(objections: readonly { readonly image: string }[]): readonly string[] {
  return objections.map(({ image }) => image.slice(0, 300))
}
