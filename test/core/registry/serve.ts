/** Small servers for faults that the embedded registry cannot show: they say exactly what the test tells them to. */
import { once } from 'node:events'
import type { Server as HttpServer, IncomingMessage, RequestListener } from 'node:http'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer as createTcp } from 'node:net'
import { digestOf } from '#core/domain/digest.ts'

type Test = { readonly teardown: (end: () => Promise<void>) => unknown }
type Identity = { readonly key: string; readonly cert: string }

export type Served = {
  readonly port: number
  readonly host: string
  /** Every request so far, in order. */
  readonly requests: readonly IncomingMessage[]
}

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json'

/** The smallest manifest that is one. */
export const MANIFEST = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config: {}, layers: [] })
export const MANIFEST_DIGEST = digestOf(Buffer.from(MANIFEST))

/** Serves HTTP, or HTTPS with an identity. */
export async function serve(t: Test, listener: RequestListener, identity?: Identity): Promise<Served> {
  const requests: IncomingMessage[] = []
  const record: RequestListener = (request, response) => {
    requests.push(request)
    listener(request, response)
  }
  const server: HttpServer = identity === undefined ? createHttp(record) : createHttps(identity, record)
  const port = await listen(t, server)
  t.teardown(async () => server.closeAllConnections())
  return { port, host: `127.0.0.1:${port}`, requests }
}

/** Serves bytes: whatever a connection sends first is answered by `speak`. */
export async function serveBytes(t: Test, speak: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createTcp(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => speak(socket))
  })
  const port = await listen(t, server)
  t.teardown(async () => sockets.forEach(socket => socket.destroy()))
  return `127.0.0.1:${port}`
}

/** A host that refuses connections: whoever listened there is gone. */
export async function serveNothing(): Promise<string> {
  const server = createTcp().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `127.0.0.1:${port}`
}

/** Answers with the smallest manifest. */
export const answerManifest: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': MANIFEST_TYPE }).end(MANIFEST)
}

async function listen(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => void server.close())
  return (server.address() as AddressInfo).port
}
