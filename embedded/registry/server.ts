/** One HTTP server with two doors: the distribution API that clients meet, and the control behind it. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { answerControl } from './control.ts'
import { deliver, isSilent } from './deliver.ts'
import type { Asked } from './distribution.ts'
import { answer, parseAsked } from './distribution.ts'
import type { Fault, Strike } from './faults.ts'
import { distort, divert } from './faults.ts'
import type { Registry } from './registry.ts'
import type { Reply } from './reply.ts'
import { errorReply } from './reply.ts'

/** As it stands in node:http, an import of which loads the whole fetch of Node: that takes as long as the rest of this program. */
const { createServer } = process.getBuiltinModule('node:http')

const NO_STRIKE: Strike = { fault: {}, before: 0 }

/** A server that is not listening yet. */
export function buildServer(registry: Registry): Server {
  return createServer((request, response) => {
    // a bug in here must be loud in the test that met it, not a connection that closes
    handle(request, response, registry).catch(error => {
      const { status, headers, body } = errorReply(500, `the embedded registry failed: ${String(error)}`)
      if (!response.headersSent) response.writeHead(status, headers)
      response.end(body)
    })
  })
}

async function handle(request: IncomingMessage, response: ServerResponse, registry: Registry): Promise<void> {
  const host = `127.0.0.1:${request.socket.localPort}`
  if (request.url?.startsWith('/_control/')) {
    return deliver(response, await answerControl(request, registry, host), {})
  }
  const logged = registry.requests.add(request)
  const { reply, fault } = answerClient(request, registry, host)
  logged.status = isSilent(fault) ? 0 : reply.status
  await deliver(response, reply, fault)
  if (!isSilent(fault)) logged.endedMs = performance.now()
}

function answerClient(request: IncomingMessage, registry: Registry, host: string): { reply: Reply; fault: Fault } {
  const url = URL.parse(request.url ?? '/', `http://${host}`)
  const asked = url === null ? undefined : parseAsked(url)
  if (asked === undefined) return { reply: errorReply(404, 'no such path'), fault: {} }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { reply: errorReply(405, 'this registry is read-only'), fault: {} }
  }
  const { authorization } = request.headers
  // who may not pull meets no fault: `times` counts requests that would have been answered
  const challenge = asked.kind === 'token' ? undefined : registry.auth.challenge(asked, authorization, host)
  if (challenge !== undefined) return { reply: challenge, fault: {} }
  const strike = registry.faults.strike(asked) ?? NO_STRIKE
  const honest = (diverted: Asked): Reply =>
    diverted.kind === 'token'
      ? registry.auth.giveToken(diverted, authorization, host)
      : answer(diverted, registry.store.find(diverted.repository))
  return { reply: distort(honest(divert(asked, strike)), asked, strike), fault: strike.fault }
}
