/** The plain HTTP port for kubelet and Prometheus. It says nothing about what is admitted. */
import Fastify, { type FastifyInstance } from 'fastify'
import type { Metrics } from '#core/runtime/make-metrics.ts'

export type OpsDeps = {
  /** Why no review should be sent here now; undefined when one may. */
  readonly unreadyBecause: () => string | undefined
  readonly metrics: Metrics
}

/** Nobody posts anything here. */
const BODY_BYTES = 1

/** Builds the server with /healthz, /readyz and /metrics; the caller listens and closes. */
export function buildOpsServer({ unreadyBecause, metrics }: OpsDeps): FastifyInstance {
  const server = Fastify({ bodyLimit: BODY_BYTES })
  // Alive means that this line runs. A registry that is down must not make the kubelet restart us.
  server.get('/healthz', () => 'ok\n')
  server.get('/readyz', (_request, reply) => {
    const reason = unreadyBecause()
    return reply.code(reason === undefined ? 200 : 503).send(`${reason ?? 'ok'}\n`)
  })
  server.get('/metrics', async (_request, reply) => {
    reply.type(metrics.registry.contentType)
    return await metrics.registry.metrics()
  })
  return server
}
