import fc from 'fast-check'
import t from 'tap'
import { parseRetryAfter } from '#core/registry/retry-after.ts'

const now = new Date('2026-11-28T12:00:00Z')
const parse = (headers: Readonly<Record<string, string>>) => parseRetryAfter(new Map(Object.entries(headers)), now)

t.test('seconds are seconds, and a date is a time from now', async t => {
  t.equal(parse({ 'retry-after': '0' }), 0)
  t.equal(parse({ 'retry-after': '120' }), 120_000)
  t.equal(parse({ 'retry-after': 'Sat, 28 Nov 2026 12:00:30 GMT' }), 30_000)
  t.equal(parse({ 'retry-after': 'Sat, 28 Nov 2026 11:00:00 GMT' }), 0)
})

t.test('a date is held against the date of the server that wrote it, whose clock may be wrong', async t => {
  const date = 'Sat, 28 Nov 2026 09:00:00 GMT'
  t.equal(parse({ date, 'retry-after': 'Sat, 28 Nov 2026 09:00:07 GMT' }), 7000)
})

t.test('what cannot be read is nothing', async t => {
  for (const text of ['', 'soon', '-1', '-5', '1.5', '1e3', '1, 900', '9999999999', '5 s', '2026-11-28', 'Saturday'])
    t.equal(parse({ 'retry-after': text }), undefined, text)
  t.equal(parse({}), undefined)
  t.equal(parse({ 'retry-after': 'tomorrow <b>' }), undefined)
  fc.assert(
    fc.property(fc.string(), text => {
      const ms = parse({ 'retry-after': text })
      return ms === undefined || ms >= 0
    }),
  )
})
