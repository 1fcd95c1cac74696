/** The body of an answer, counted while it comes. */
import type { Dispatcher } from 'undici'
import type { Refusal } from '#core/domain/refusal.ts'
import { unreachable } from './failure.ts'

/** How many bytes may come, and what to say when more do. */
export type Cap = { readonly bytes: number; readonly excess: (found: string) => Refusal }

/** Told of bytes before they are kept; a promise of it is waited for. */
type Take = (bytes: number) => Promise<void> | undefined

export type Headers = ReadonlyMap<string, string>

type Body = Dispatcher.ResponseData['body']

/** A longer error page costs the connection instead of the time to read it; the distribution API's errors are below 1 KiB. */
const DISCARDED_BYTES = 16 * 1024

export type Reading = { readonly cap: Cap; readonly about: string; readonly take?: Take | undefined }

/** Reads up to the cap. Content-Length is believed only where it says too much. Throws Unavailable for an encoded answer. */
export async function readBody(
  body: Body,
  headers: Headers,
  { cap, about, take }: Reading,
): Promise<Uint8Array | Refusal> {
  const declared = Number(headers.get('content-length') ?? 0)
  if (declared > cap.bytes) {
    abandon(body)
    return cap.excess(`${declared}`)
  }
  // A few bytes of gzip are gigabytes of zeros, and a digest is over what is stored, not over what is unpacked.
  const encoding = headers.get('content-encoding') ?? ''
  // Object stores say nothing in many words: the header is there, and empty.
  if (!['', 'identity'].includes(encoding.toLowerCase())) {
    abandon(body)
    throw unreachable(about, `the answer is encoded as ${JSON.stringify(encoding.slice(0, 40))}, unasked`)
  }
  return await count(body, cap, take)
}

/** Nothing that comes with another status than 200 is of interest, but once it is read the connection can be used again. */
export async function discardBody(body: Body): Promise<Uint8Array> {
  await body.dump({ limit: DISCARDED_BYTES })
  return new Uint8Array()
}

async function count(body: Body, cap: Cap, take: Take | undefined): Promise<Uint8Array | Refusal> {
  let held = Buffer.alloc(0)
  let bytes = 0
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    const end = bytes + piece.byteLength
    // Leaving the loop destroys the stream, and with it the connection.
    if (end > cap.bytes) return cap.excess('more')
    // While it waits, nothing is read, and the other side's buffers fill.
    const room = take?.(piece.byteLength)
    if (room !== undefined) await room
    if (end > held.byteLength) held = grown(held, Math.min(cap.bytes, 2 * end))
    held.set(piece, bytes)
    bytes = end
  }
  return Buffer.from(held.subarray(0, bytes))
}

/** Pieces are copied, not kept: each costs a hundred bytes besides its own, and a body can come in pieces of one byte. */
function grown(held: Buffer, size: number): Buffer<ArrayBuffer> {
  const next = Buffer.alloc(size)
  next.set(held)
  return next
}

/** Destroying an unread body is an error to whoever listens; here nobody does. */
function abandon(body: Body): void {
  body.on('error', () => {}).destroy()
}
