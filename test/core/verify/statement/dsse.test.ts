import fc from 'fast-check'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { encodePreAuth } from '#core/verify/statement/dsse.ts'

/** A second construction, byte by byte, that shares nothing with the first: UTF-8 by hand, numbers by hand. */
function preAuthByHand(type: string, payload: Uint8Array): number[] {
  const ascii = (text: string) => text.split('').map(letter => letter.charCodeAt(0))
  const utf8 = Array.from(type).flatMap(character => {
    const point = character.codePointAt(0) ?? 0
    const tail = (count: number) =>
      Array.from({ length: count }, (_, index) => 0x80 | ((point >> (6 * (count - 1 - index))) & 0x3f))
    if (point < 0x80) return [point]
    if (point < 0x800) return [0xc0 | (point >> 6), ...tail(1)]
    if (point < 0x10000) return [0xe0 | (point >> 12), ...tail(2)]
    return [0xf0 | (point >> 18), ...tail(3)]
  })
  return [...ascii(`DSSEv1 ${utf8.length} `), ...utf8, ...ascii(` ${payload.length} `), ...payload]
}

t.test('encodes the example of the specification', async t => {
  const encoded = encodePreAuth('http://example.com/HelloWorld', Buffer.from('hello world'))
  t.equal(Buffer.from(encoded).toString(), 'DSSEv1 29 http://example.com/HelloWorld 11 hello world')
})

t.test('encodes whatever type and payload as an independent construction does', async t => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.uint8Array(), (type, payload) => {
      t.strictSame([...encodePreAuth(type, payload)], preAuthByHand(type, payload))
    }),
  )
})

t.test('counts bytes, not characters', async t => {
  t.equal(Buffer.from(encodePreAuth('ŴťŸ', Buffer.from('ü'))).toString(), 'DSSEv1 6 ŴťŸ 2 ü')
})

t.test('gives no two pairs of type and payload one encoding', async t => {
  const type = fc.string({ unit: fc.constantFrom('a', ' ', '1', '\u0161', '\u0261') })
  const payload = fc.array(fc.constantFrom(0x61, 0x20, 0x31)).map(bytes => Uint8Array.from(bytes))
  fc.assert(
    fc.property(type, payload, type, payload, (oneType, one, otherType, other) => {
      const isSame = oneType === otherType && Buffer.from(one).equals(other)
      return Buffer.from(encodePreAuth(oneType, one)).equals(encodePreAuth(otherType, other)) === isSame
    }),
  )
})

t.test('refuses a lone surrogate, which UTF-8 would turn into the same three bytes as any other', async t => {
  t.throws(() => encodePreAuth('a\ud800', Buffer.alloc(0)), InputError)
})
