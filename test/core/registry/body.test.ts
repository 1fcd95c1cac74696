import { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { refusal } from '#core/domain/refusal.ts'
import { readBody } from '#core/registry/body.ts'

const excess = (found: string) => refusal('limit.exceeded', `got ${found}`)

function read(pieces: Iterable<Uint8Array>, bytes: number) {
  return readBody(Readable.from(pieces) as never, new Map(), { cap: { bytes, excess }, about: 'a' })
}

t.test('a body is put together from pieces of any length, up to the bound and no further', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 30 }), async pieces => {
      const whole = Buffer.concat(pieces)
      t.strictSame(await read(pieces, whole.byteLength), whole)
      if (whole.byteLength > 0) t.match(await read(pieces, whole.byteLength - 1), { code: 'limit.exceeded' })
    }),
  )
})

t.test('no piece is kept, so that a body in pieces of one byte costs no more than its bytes', async t => {
  function* pieces() {
    const piece = new Uint8Array(1)
    for (let n = 0; n < 1000; n++) {
      yield piece.fill(n % 251)
    }
  }
  t.strictSame(await read(pieces(), 1000), Buffer.from(Array.from({ length: 1000 }, (_, n) => n % 251)))
})
