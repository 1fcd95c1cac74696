/** Puts a reply on the wire, as slowly, as long or as little as the fault says. */
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { Fault } from './faults.ts'
import type { Reply } from './reply.ts'

/** Streamed piece by piece, so that a body of many gigabytes costs this process nothing. */
const PIECE = Buffer.alloc(64 * 1024, ' ')

/** Whether the fault leaves the client without any answer. */
export function isSilent(fault: Fault): boolean {
  return fault.hang === true || fault.disconnect === true
}

/** Delivers the reply. Resolves when it is sent, or when the client has gone. */
export async function deliver(response: ServerResponse, reply: Reply, fault: Fault): Promise<void> {
  if (fault.latencyMs !== undefined) await wait(fault.latencyMs)
  if (fault.hang) return
  if (fault.disconnect) {
    response.destroy()
    return
  }
  response.writeHead(reply.status, { ...reply.headers, ...lengthHeader(reply, fault) })
  try {
    await sendBody(response, reply.body, fault)
  } catch {
    // the client has hung up, as it should on most of these
    response.destroy()
  }
}

function lengthHeader({ body }: Reply, { lieLength = 0, oversizeBytes }: Fault): Record<string, string> {
  return oversizeBytes === undefined ? { 'content-length': String(body.byteLength + lieLength) } : {}
}

async function sendBody(response: ServerResponse, body: Uint8Array, fault: Fault): Promise<void> {
  if (response.req.method === 'HEAD') {
    response.end()
    return
  }
  if (fault.oversizeBytes !== undefined) return pipeline(Readable.from(padded(body, fault.oversizeBytes)), response)
  if (fault.dripMs !== undefined) return pipeline(Readable.from(drip(body, fault.dripMs)), response)
  // a client that was promised more must learn that nothing follows
  if ((fault.lieLength ?? 0) > 0) response.write(body, () => response.destroy())
  else response.end(body)
}

/** The body, then blanks: a reader that waits for the end of the JSON waits long. */
function* padded(body: Uint8Array, bytes: number): Generator<Uint8Array> {
  yield body.subarray(0, bytes)
  for (let left = bytes - body.byteLength; left > 0; left -= PIECE.byteLength) yield PIECE.subarray(0, left)
}

async function* drip(body: Uint8Array, ms: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.byteLength; at++) {
    yield body.subarray(at, at + 1)
    await wait(ms)
  }
}
