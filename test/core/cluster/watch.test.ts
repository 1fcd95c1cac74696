import t from 'tap'
import { backoffMs } from '#core/cluster/backoff.ts'
import type { ClusterClient } from '#core/cluster/client.ts'
import { ClusterUnavailable } from '#core/cluster/cluster-error.ts'
import { splitLines } from '#core/cluster/lines.ts'
import { watchKind } from '#core/cluster/watch.ts'
import type { WatchEvent } from '#core/cluster/watch-stream.ts'

const THINGS = { group: 'test.shedu.dev', version: 'v1', plural: 'things' }

type Stream = 'breaks' | 'ends' | 'bookmark'

/** A client whose streams go as it is told, one after the other, and a clock that passes only while somebody sleeps. */
async function run(streams: readonly Stream[]): Promise<{ waits: number[]; lists: number; stale: number[] }> {
  const left = [...streams]
  const waits: number[] = []
  const stale: number[] = []
  const done = Promise.withResolvers<void>()
  let ms = 0
  let lists = 0
  const client: Pick<ClusterClient, 'list' | 'watch'> = {
    async list() {
      lists++
      return { objects: [], resourceVersion: '1' }
    },
    async *watch(): AsyncGenerator<WatchEvent> {
      const next = left.shift()
      if (next === 'bookmark') yield { type: 'bookmark', resourceVersion: '2' }
      if (next === 'breaks') throw new ClusterUnavailable('broken')
    },
  }
  const watch = watchKind(client, THINGS, () => '', {
    onChange: () => {},
    report: () => {},
    random: () => 0,
    clock: {
      now: () => ms,
      date: () => new Date(0),
      async sleep(forMs) {
        if (left.length === 0) done.resolve()
        waits.push(forMs)
        ms += forMs
        stale.push(watch.staleMs())
        await new Promise(setImmediate)
      },
    },
  })
  await done.promise
  await watch.close()
  return { waits: waits.slice(0, streams.length), lists, stale: stale.slice(0, streams.length) }
}

t.test('waits twice as long after each failure, up to half a minute', async t => {
  const { waits } = await run(Array.from({ length: 8 }, () => 'breaks' as const))
  t.strictSame(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
})

t.test('a sign of life makes the next wait a short one, an empty stream or a list does not', async t => {
  const { waits } = await run(['breaks', 'ends', 'ends', 'bookmark', 'ends', 'breaks'])
  t.strictSame(waits, [500, 1_000, 2_000, 500, 1_000, 2_000])
})

t.test('lists again after an error, and not when the server ended the stream', async t => {
  t.equal((await run(['ends', 'bookmark', 'ends', 'bookmark'])).lists, 1)
  t.ok((await run(['breaks', 'breaks', 'breaks'])).lists >= 3)
})

t.test('grows old from the last bookmark or list', async t => {
  const { stale } = await run(['ends', 'ends', 'bookmark', 'ends'])
  t.strictSame(stale, [500, 1_500, 500, 1_500])
})

t.test('those who failed together do not come back together', async t => {
  t.equal(backoffMs(0, 0), 500)
  t.equal(backoffMs(0, 1), 250)
  t.equal(backoffMs(1_000, 0), 30_000)
})

t.test('lines come whole however the bytes come, up to the bound and not one byte beyond', async t => {
  const lines = async (most: number, ...chunks: readonly string[]) => {
    const all: string[] = []
    for await (const line of splitLines(bytesOf(chunks), most)) all.push(line.toString())
    return all
  }
  t.strictSame(await lines(3, 'a\nbc', 'd\n', '\n', 'cut off'.slice(0, 3)), ['a', 'bcd', ''])
  await t.rejects(lines(3, 'ab', 'cd\n'), ClusterUnavailable)
  await t.rejects(lines(3, 'abc', 'd'), ClusterUnavailable)
  t.strictSame(await lines(8, 'é'), [])
  t.strictSame(await lines(2, 'é\n'), ['é'], 'bytes, not characters')
})

async function* bytesOf(chunks: readonly string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}
