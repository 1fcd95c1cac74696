/** A stream of bytes as lines, of which none may be longer than somebody is willing to hold. */
import { ClusterUnavailable } from './cluster-error.ts'

const NEW_LINE = 0x0a

/** The lines, without what ends them. A last one that nothing ends was cut off, and is left out. */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  mostBytes: number,
): AsyncGenerator<Buffer, void, undefined> {
  let held: Uint8Array[] = []
  let length = 0
  const take = (piece: Uint8Array) => {
    length += piece.byteLength
    if (length > mostBytes)
      throw new ClusterUnavailable(`expected lines of at most ${mostBytes} bytes, got a longer one`)
    held.push(piece)
  }
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEW_LINE); end !== -1; end = chunk.indexOf(NEW_LINE, start)) {
      take(chunk.subarray(start, end))
      yield Buffer.concat(held)
      held = []
      length = 0
      start = end + 1
    }
    take(chunk.subarray(start))
  }
}
