/** The plain HTTP port for kubelet and Prometheus; three fixed answers need no framework. It says nothing about what is in the cluster. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { ReconcilerMetrics } from '#core/runtime/reconciler-metrics.ts'

export type OpsDeps = {
  /** Why nothing is reconciled here now; undefined when all is known, leading or not. */
  readonly unreadyBecause: () => string | undefined
  readonly metrics: Pick<ReconcilerMetrics, 'registry'>
}

/** A request is one line and a few headers; nobody posts anything here. */
const REQUEST_MS = 5_000
const CONNECTIONS = 64

/** Builds the server with /healthz, /readyz and /metrics; the caller listens and closes. */
export function buildOpsServer(deps: OpsDeps): Server {
  const options = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }
  const server = createServer(options, (request, reply) => {
    answer(deps, request.method === 'GET' ? request.url : undefined, reply).catch(() => reply.destroy())
  })
  server.maxConnections = CONNECTIONS
  return server
}

async function answer({ unreadyBecause, metrics }: OpsDeps, url: string | undefined, reply: ServerResponse) {
  switch (url) {
    case '/healthz':
      // Alive means that this line runs. An API server that is down must not make the kubelet restart us.
      return say(reply, 200, 'ok')
    case '/readyz': {
      const reason = unreadyBecause()
      return say(reply, reason === undefined ? 200 : 503, reason ?? 'ok')
    }
    case '/metrics':
      reply.setHeader('content-type', metrics.registry.contentType)
      reply.end(await metrics.registry.metrics())
      return
    default:
      return say(reply, 404, 'expected GET /healthz, /readyz or /metrics')
  }
}

function say(reply: ServerResponse, status: number, text: string): void {
  reply.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
}
