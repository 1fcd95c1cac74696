/** Reads what was posted, holding no more of it than a review may have, whatever its sender announces. */
import type { Readable } from 'node:stream'
import { HEAD_BYTES } from './find-uid.ts'

/**
 * The largest review: the old and the new object, each of which the API server bounds at 3 MiB of request, and 1 MiB for
 * the envelope. Beyond it is only an object of more than a megabyte that is full of `<`, `>` and `&`, each of which Go
 * writes as six bytes: it is refused in words.
 */
export const REVIEW_BYTES = 7 * 1024 * 1024

/** What is read and thrown away beyond that, so that an honest sender gets to hear the answer; then we stop listening. */
const DISCARDED_BYTES = 3 * REVIEW_BYTES

/**
 * What may be held of all reviews that are being received or judged at one time. An API server sends some kilobytes at a
 * time; whoever opens hundreds of connections and sends almost all of the largest review on each is none.
 */
export const HELD_BYTES = 128 * 1024 * 1024

/** Keeps count of the bytes that are held at one time. */
export class HeldBytes {
  #left = HELD_BYTES

  /** Whether there is room for so many more; if so, they count until they are given back. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false
    this.#left -= bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#left += bytes
  }
}

/**
 * `whole`: all bytes. `too-large`: its first HEAD_BYTES. `endless`: the same, and the sender is still sending.
 * `broken`: what had arrived when the connection broke. `no-room`: its beginning; too much is held already.
 */
export type ReviewBody = {
  readonly bytes: Buffer
  readonly is: 'whole' | 'too-large' | 'endless' | 'broken' | 'no-room'
}

/** Reads the body; never rejects. What it holds counts until `isDone` says that nobody needs it any more. */
export function readReviewBody(stream: Readable, held: HeldBytes, isDone: Promise<unknown>): Promise<ReviewBody> {
  const { promise, resolve } = Promise.withResolvers<ReviewBody>()
  let chunks: Buffer[] = []
  let length = 0
  let taken = 0
  let isCrowded = false
  void isDone.finally(() => held.giveBack(taken))
  const hold = (chunk: Buffer) => {
    if (!held.take(chunk.length)) isCrowded = true
    if (isCrowded) return
    taken += chunk.length
    chunks.push(chunk)
  }
  const settle = (is: ReviewBody['is']) => {
    stream.off('data', onData).off('end', onEnd)
    resolve({ bytes: Buffer.concat(chunks), is })
  }
  const onEnd = () => settle(isCrowded ? 'no-room' : length > REVIEW_BYTES ? 'too-large' : 'whole')
  const onData = (chunk: Buffer) => {
    const hadRoom = length <= REVIEW_BYTES
    length += chunk.length
    if (length <= REVIEW_BYTES) hold(chunk)
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
