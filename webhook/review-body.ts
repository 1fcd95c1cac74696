/** Reads what was posted, holding no more of it than a review may have, whatever its sender announces. */
import type { Readable } from 'node:stream'
import { HEAD_BYTES } from './find-uid.ts'

/**
 * The largest review: the old and the new object, each of which the API server bounds at 3 MiB of request, and 1 MiB for
 * the envelope. A review beyond it was not written by an API server.
 */
export const REVIEW_BYTES = 7 * 1024 * 1024

/** What is read and thrown away beyond that, so that an honest sender gets to hear the answer; then we stop listening. */
const DISCARDED_BYTES = 3 * REVIEW_BYTES

/**
 * `whole`: all bytes. `too-large`: its first HEAD_BYTES. `endless`: the same, and the sender is still sending.
 * `broken`: what had arrived when the connection broke.
 */
export type ReviewBody = { readonly bytes: Buffer; readonly is: 'whole' | 'too-large' | 'endless' | 'broken' }

/** Reads the body; never rejects. */
export function readReviewBody(stream: Readable): Promise<ReviewBody> {
  const { promise, resolve } = Promise.withResolvers<ReviewBody>()
  let chunks: Buffer[] = []
  let length = 0
  const settle = (is: ReviewBody['is']) => {
    stream.off('data', onData).off('end', onEnd)
    resolve({ bytes: Buffer.concat(chunks), is })
  }
  const onEnd = () => settle(length > REVIEW_BYTES ? 'too-large' : 'whole')
  const onData = (chunk: Buffer) => {
    const hadRoom = length <= REVIEW_BYTES
    length += chunk.length
    if (length <= REVIEW_BYTES) chunks.push(chunk)
    else if (hadRoom) chunks = [headOf([...chunks, chunk])]
    else if (length > REVIEW_BYTES + DISCARDED_BYTES) {
      stream.pause()
      settle('endless')
    }
  }
  // This listener stays: a connection that breaks after an `endless` body must not end the process.
  stream
    .on('data', onData)
    .on('end', onEnd)
    .on('error', () => settle('broken'))
  return promise
}

/** A copy, so that the chunks it is cut from can go. */
function headOf(chunks: readonly Buffer[]): Buffer {
  return Buffer.concat(chunks, HEAD_BYTES)
}
