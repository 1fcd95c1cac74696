/** A webhook that writes down everything an API server sends it, and answers as it is told. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { makeAuthority } from '../stack/authority.ts'
import type { Owner } from '../stack/owner.ts'

export type Recorded = {
  readonly path: string
  /** The query of the address, as sent. */
  readonly query: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** Which of the connections it came by, counted from the start of the server. */
  readonly connection: number
  readonly request: ReviewRequest
  /** Milliseconds until the API server let go of the connection without an answer; undefined while it has not. */
  readonly leftAfterMs: () => number | undefined
}

type ReviewRequest = {
  readonly uid: string
  readonly operation: string
  readonly dryRun: boolean
  readonly object: unknown
}

/** Answers a request, or does not. */
export type Reply = (response: ServerResponse, request: ReviewRequest) => void

export type Recorder = {
  readonly url: string
  readonly ca: string
  /** From now on requests at this path are answered so. */
  readonly answer: (path: string, reply: Reply) => void
  /** What came at this path since it was last forgotten. */
  readonly seen: (path: string) => readonly Recorded[]
  readonly forget: (path: string) => void
}

/** The answer of a webhook, with the uid of the request unless it says otherwise. */
export function review(response: object): Reply {
  return (reply, { uid }) => {
    reply.setHeader('content-type', 'application/json')
    reply.end(
      JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, ...response } }),
    )
  }
}

/** Starts one on a free port, speaking what Shedu's webhook speaks: HTTP/1.1, kept alive. */
export async function startRecorder(owner: Owner): Promise<Recorder> {
  const authority = await makeAuthority('recorder')
  const pair = await authority.issue({ commonName: 'recorder' }, 'loopback')
  const replies = new Map<string, Reply>()
  const connections = new Map<TLSSocket, number>()
  let all: readonly Recorded[] = []
  const server = createServer({ ...pair, ALPNProtocols: ['http/1.1'], keepAliveTimeout: 120_000 })
  server.on('secureConnection', socket => connections.set(socket, connections.size))
  const respond = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const recorded = await record(incoming, response, connections.get(incoming.socket as TLSSocket) ?? -1)
    all = [...all, recorded]
    replies.get(recorded.path)?.(response, recorded.request)
  }
  server.on('request', (incoming, response) => void respond(incoming, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  owner.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: authority.cert,
    answer: (path, reply) => void replies.set(path, reply),
    seen: path => all.filter(one => one.path === path),
    forget: path => {
      all = all.filter(one => one.path !== path)
    },
  }
}

async function record(incoming: IncomingMessage, response: ServerResponse, connection: number): Promise<Recorded> {
  const started = performance.now()
  let left: number | undefined
  response.once('close', () => {
    if (!response.writableFinished) left = performance.now() - started
  })
  const body = Buffer.concat(await incoming.toArray())
  const { pathname, search } = new URL(incoming.url ?? '', 'https://recorder')
  return {
    path: pathname,
    query: search,
    headers: incoming.headers,
    body,
    connection,
    request: (JSON.parse(body.toString()) as { readonly request: ReviewRequest }).request,
    leftAfterMs: () => left,
  }
}
