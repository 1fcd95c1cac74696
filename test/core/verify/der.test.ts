import fc from 'fast-check'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import {
  bitsOf,
  booleanOf,
  contextTag,
  type Der,
  decodeDer,
  decodeText,
  encodeDer,
  expectTag,
  integerOf,
  itemsOf,
  oidOf,
  Parts,
  TAG,
  textOf,
  timeOf,
} from '#core/verify/der.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const read = (text: string) => decodeDer(hex(text), 'it')

/** The value with this tag and this content, however long. */
const value = (tag: number, content: Uint8Array | string): Der =>
  decodeDer(encodeDer(tag, typeof content === 'string' ? hex(content) : content), 'it')

const times = (tag: number, text: string) => timeOf(value(tag, Buffer.from(text)), 'it')

t.test('reads one value, and keeps the bytes that it was read from', async t => {
  const { tag, content, bytes } = read('04 03 616263')
  t.equal(tag, TAG.octetString)
  t.strictSame(Buffer.from(content), hex('616263'))
  t.strictSame(Buffer.from(bytes), hex('04 03 616263'))
})

t.test('refuses what a second reader could read differently', async t => {
  for (const [bytes, why] of [
    ['', /with nothing behind it/],
    ['04', /end within a value/],
    ['04 03 6162', /end within a value/],
    ['04 01 61 0500', /with nothing behind it/],
    ['04 01 61 00', /end within a value/],
    ['04 01 61 04 01 61 04 01 61', /fewer parts/],
    // lengths: one octet too many, a leading zero, without an end, too long to count, cut
    ['04 81 01 61', /shortest form of a length/],
    [`04 82 0080 ${'00'.repeat(128)}`, /shortest form of a length/],
    ['04 80 61 0000', /definite length/],
    ['04 85 0000000001 61', /definite length/],
    ['04 ff', /definite length/],
    ['04 82 01', /end within a value/],
    ['04 84 ffffffff 61', /end within a value/],
    // a tag of several octets
    ['1f 8101 01 61', /no tag above 30/],
    ['bf 8101 01 61', /no tag above 30/],
  ] as const)
    t.throws(() => read(bytes), { name: 'InputError', message: why }, bytes)
})

t.test('a length has one spelling at each size', async t => {
  for (const size of [0, 127, 128, 255, 256, 65535, 65536]) {
    const bytes = encodeDer(TAG.octetString, Buffer.alloc(size))
    t.equal(decodeDer(bytes, 'it').content.length, size)
  }
})

t.test('what was encoded is read again, whatever it was', async t => {
  const tags = fc.integer({ min: 0, max: 255 }).filter(tag => (tag & 0x1f) !== 0x1f)
  fc.assert(
    fc.property(tags, fc.uint8Array({ maxLength: 300 }), (tag, content) => {
      const again = decodeDer(encodeDer(tag, content), 'it', tag)
      return Buffer.from(again.content).equals(content)
    }),
  )
})

t.test('random bytes are read and written the same, or are an InputError', async t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
      try {
        const { tag, content } = decodeDer(bytes, 'it')
        return Buffer.from(encodeDer(tag, content)).equals(bytes)
      } catch (error) {
        return error instanceof InputError
      }
    }),
    { numRuns: 2000 },
  )
})

t.test('no nesting is too deep: nothing is read below the level that is asked for', async t => {
  let nested: Uint8Array = encodeDer(TAG.sequence)
  for (let level = 0; level < 2000; level++) nested = encodeDer(TAG.sequence, nested)
  let levels = 0
  for (let at = itemsOf(decodeDer(nested, 'it'), 'it')[0]; at !== undefined; at = itemsOf(at, 'it')[0]) levels++
  t.equal(levels, 2000)
})

t.test('a list has at most a thousand parts', async t => {
  const parts = (count: number) => value(TAG.sequence, Buffer.concat(Array(count).fill(encodeDer(TAG.null))))
  t.equal(itemsOf(parts(1000), 'it').length, 1000)
  t.throws(() => itemsOf(parts(1001), 'it'), { name: 'InputError', message: /fewer parts/ })
  t.throws(() => itemsOf(value(TAG.octetString, '0500'), 'it'), {
    message: 'expected it to be made of parts, got octetString',
  })
})

t.test('a part is taken if it is the one that is expected, and nothing may be left', async t => {
  const parts = () => new Parts(value(TAG.sequence, '0500 0101ff 040161'), 'a thing')
  const all = parts()
  t.equal(all.takeIf(TAG.boolean), undefined)
  t.equal(all.take('the nothing', TAG.null).tag, TAG.null)
  t.equal(all.takeIf(TAG.boolean)?.tag, TAG.boolean)
  t.throws(() => all.end(), { name: 'InputError', message: 'expected nothing more in a thing' })
  t.equal(all.rest().length, 1)
  all.end()
  t.throws(() => all.take('the last'), { message: 'expected the last of a thing, got nothing' })
  t.throws(() => parts().take('the flag', TAG.boolean), {
    message: 'expected the flag of a thing to be boolean, got null',
  })
  t.throws(() => expectTag(undefined, contextTag(3, 'constructed'), 'it'), {
    message: 'expected it to be tag 0xa3, got nothing',
  })
})

t.test('object identifiers are read in their one spelling, and no longer than any that was given', async t => {
  const of = (content: string) => oidOf(value(TAG.oid, content), 'it')
  for (const [content, dots] of [
    ['2a8648ce3d040302', '1.2.840.10045.4.3.2'],
    ['551d13', '2.5.29.19'],
    ['00', '0.0'],
    ['27', '0.39'],
    ['4f', '1.39'],
    ['50', '2.0'],
    ['8837', '2.999'],
    ['2b06010401 83bf30 0101', '1.3.6.1.4.1.57264.1.1'],
  ] as const)
    t.equal(of(content), dots)
  for (const bad of ['', '80', '8037', '2b 8001', '2b 86']) t.throws(() => of(bad), { name: 'InputError' }, bad)
  t.equal(of('01'.repeat(64)).split('.').length, 65)
  t.throws(() => of('01'.repeat(65)), { message: 'expected it to be an object identifier' })
  t.throws(() => oidOf(value(TAG.octetString, '55'), 'it'), { name: 'InputError' })
})

t.test('numbers are read in their one spelling, negative ones too', async t => {
  const of = (content: string) => integerOf(value(TAG.integer, content), 'it')
  for (const [content, number] of [
    ['00', 0n],
    ['7f', 127n],
    ['0080', 128n],
    ['80', -128n],
    ['ff', -1n],
    ['ff7f', -129n],
    [`00${'ff'.repeat(20)}`, (1n << 160n) - 1n],
  ] as const)
    t.equal(of(content), number)
  for (const bad of ['', '0000', '007f', 'ff80', 'ffff']) t.throws(() => of(bad), { name: 'InputError' }, bad)
})

t.test('there is one true and one false', async t => {
  t.equal(booleanOf(value(TAG.boolean, 'ff'), 'it'), true)
  t.equal(booleanOf(value(TAG.boolean, '00'), 'it'), false)
  for (const bad of ['', '01', 'ffff', '80'])
    t.throws(() => booleanOf(value(TAG.boolean, bad), 'it'), { name: 'InputError' })
})

t.test('a bit string of whole bytes has no unused bits', async t => {
  t.strictSame(Buffer.from(bitsOf(value(TAG.bitString, '00 a5'), 'it')), hex('a5'))
  for (const bad of ['', '01 80', '08 80'])
    t.throws(() => bitsOf(value(TAG.bitString, bad), 'it'), { name: 'InputError' })
})

t.test('text is UTF-8 without a NUL, at which others would stop', async t => {
  t.equal(textOf(value(TAG.utf8String, Buffer.from('grüß dich')), 'it'), 'grüß dich')
  t.equal(textOf(value(TAG.printableString, Buffer.from('a')), 'it'), 'a')
  // a byte order mark is a character of the text, and not to be lost on the way
  t.equal(textOf(value(TAG.ia5String, hex('efbbbf61')), 'it'), '\ufeffa')
  for (const bad of ['6100', 'ff', 'c080', 'eda080']) t.throws(() => decodeText(hex(bad), 'it'), { name: 'InputError' })
  t.throws(() => textOf(value(TAG.octetString, '61'), 'it'), { message: 'expected it to be text' })
  t.throws(() => textOf(undefined, 'it'), { name: 'InputError' })
})

t.test('times are in UTC, to the second, and exist', async t => {
  t.equal(times(TAG.utcTime, '261121095241Z'), Date.UTC(2026, 10, 21, 9, 52, 41))
  t.equal(times(TAG.utcTime, '491231235959Z'), Date.UTC(2049, 11, 31, 23, 59, 59))
  t.equal(times(TAG.utcTime, '500101000000Z'), Date.UTC(1950, 0, 1))
  t.equal(times(TAG.generalizedTime, '99991231235959Z'), Date.UTC(9999, 11, 31, 23, 59, 59))
  t.equal(times(TAG.generalizedTime, '20240229000000Z'), Date.UTC(2024, 1, 29))
  for (const bad of [
    '2611210952Z',
    '261121095241',
    '261121095241+0100',
    '260230000000Z',
    '261121240000Z',
    '261121095260Z',
    '261321095241Z',
    '２61121095241Z',
    '261121095241Z ',
  ])
    t.throws(() => times(TAG.utcTime, bad), { name: 'InputError' }, bad)
  for (const bad of ['261121095241Z', '20230229000000Z', '20261121095241.Z', '20261121095241,5Z'])
    t.throws(() => times(TAG.generalizedTime, bad), { name: 'InputError' }, bad)
  t.throws(() => timeOf(value(TAG.octetString, '61'), 'it'), { name: 'InputError' })
})

t.test('a fraction of a second has no zero at its end, and counts to the millisecond', async t => {
  const base = Date.UTC(2026, 10, 21, 9, 52, 41)
  for (const [fraction, more] of [
    ['.5', 500],
    ['.05', 50],
    ['.123', 123],
    ['.123999999', 123],
    ['.000000001', 0],
  ] as const)
    t.equal(times(TAG.generalizedTime, `20261121095241${fraction}Z`), base + more)
  for (const bad of ['.0', '.50', '.1234567891'])
    t.throws(() => times(TAG.generalizedTime, `20261121095241${bad}Z`), { name: 'InputError' }, bad)
})
