import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { digestOf, hexOf, parseDigest } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'

const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: 64, maxLength: 64 })

t.test('parses what it prints, and prints what it parsed', async t => {
  fc.assert(fc.property(hex, digits => hexOf(parseDigest(`sha256:${digits}`)) === digits))
  fc.assert(fc.property(fc.uint8Array(), bytes => parseDigest(digestOf(bytes)) === digestOf(bytes)))
})

t.test('is the SHA-256 of the bytes', async t => {
  fc.assert(
    fc.property(fc.uint8Array(), bytes => hexOf(digestOf(bytes)) === createHash('sha256').update(bytes).digest('hex')),
  )
  t.equal(digestOf(Buffer.alloc(0)), 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

t.test('knows one spelling of one algorithm', async t => {
  const digits = 'ab'.repeat(32)
  const texts = [
    digits,
    `sha256:${digits.toUpperCase()}`,
    `SHA256:${digits}`,
    `sha256:${digits}0`,
    `sha256:${digits.slice(1)}`,
    `sha256:${'zz'.repeat(32)}`,
    `sha256-${digits}`,
    ` sha256:${digits}`,
    `sha256:${digits}\n`,
    `sha512:${digits}${digits}`,
    `sha384:${digits}`,
    'sha256:../../etc/passwd',
    'sha256:',
    '',
  ]
  for (const text of texts) t.throws(() => parseDigest(text), InputError, JSON.stringify(text))
})

t.test('is text and nothing else', async t => {
  for (const value of [undefined, null, 1, true, {}, [`sha256:${'ab'.repeat(32)}`], Symbol('sha256')])
    t.throws(() => parseDigest(value), InputError)
})

t.test('quotes what it refuses, and not all of it', async t => {
  t.throws(() => parseDigest('a"\n'), { message: 'expected sha256: and 64 lower-case hex digits, got "a\\"\\n"' })
  t.throws(() => parseDigest('x'.repeat(10_000)), { message: /^.{0,200}$/ })
})

t.test('what is no text is refused in words, bigints of untrusted JSON included', async t => {
  for (const value of [1n, 1, null, undefined, {}, Symbol('x')])
    t.throws(() => parseDigest(value), { name: 'InputError' })
})
