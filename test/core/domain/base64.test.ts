import fc from 'fast-check'
import t from 'tap'
import { decodeBase64 } from '#core/domain/base64.ts'
import { InputError } from '#core/domain/input-error.ts'

t.test('decodes what is encoded', async t => {
  fc.assert(
    fc.property(fc.uint8Array(), bytes => {
      t.strictSame([...decodeBase64(Buffer.from(bytes).toString('base64'), 'it', 1000)], [...bytes])
    }),
  )
})

t.test('no two texts are decoded to the same bytes', async t => {
  const unit = fc.constantFrom(...'ABab01+/-_= \n'.split(''))
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 12 }), text => {
      try {
        return Buffer.from(decodeBase64(text, 'it', 1000)).toString('base64') === text
      } catch (error) {
        return error instanceof InputError
      }
    }),
    { numRuns: 1000 },
  )
})

t.test('refuses every other spelling of the same bytes', async t => {
  t.strictSame([...decodeBase64('+/8=', 'it', 10)], [0xfb, 0xff])
  for (const text of ['-_8=', '+/8', '+/8==', '+/9=', ' +/8=', '+/8=\n', '+/\n8=', '+/8=+/8=', '+/8=AAAA', '=', '+/8é'])
    t.throws(
      () => decodeBase64(text, 'it', 10),
      { message: /^expected it to be canonical base64/ },
      JSON.stringify(text),
    )
})

t.test('decodes no more than it was told', async t => {
  t.equal(decodeBase64(Buffer.alloc(6).toString('base64'), 'it', 6).length, 6)
  t.throws(() => decodeBase64(Buffer.alloc(7).toString('base64'), 'it', 6), { message: /at most 8 characters/ })
})
