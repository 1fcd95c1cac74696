import * as fc from 'fast-check'
import t from 'tap'
import { isWithin } from '#core/domain/trust-root.ts'

t.test('a stretch of time holds both of its ends and nothing beyond', async t => {
  const validity = { from: 1000, until: 2000 }
  for (const [at, expected] of [
    [999, false],
    [1000, true],
    [1500, true],
    [2000, true],
    [2001, false],
  ] as const)
    t.equal(isWithin(validity, at), expected, String(at))
})

t.test('an end that is left out is open', async t => {
  t.equal(isWithin({ from: undefined, until: 2000 }, Number.MIN_SAFE_INTEGER), true)
  t.equal(isWithin({ from: undefined, until: 2000 }, 2001), false)
  t.equal(isWithin({ from: 1000, until: undefined }, Number.MAX_SAFE_INTEGER), true)
  t.equal(isWithin({ from: 1000, until: undefined }, 999), false)
  t.equal(isWithin({ from: undefined, until: undefined }, 0), true)
})

t.test('an end at the beginning of time is an end all the same', async t => {
  t.equal(isWithin({ from: 0, until: undefined }, -1), false)
  t.equal(isWithin({ from: undefined, until: 0 }, 1), false)
})

t.test(
  'no moment lies in a stretch that ends before it begins, and what is no moment lies in none that has an end',
  async t => {
    fc.assert(fc.property(fc.integer(), at => !isWithin({ from: 2000, until: 1000 }, at)))
    t.equal(isWithin({ from: 1000, until: 2000 }, Number.NaN), false)
  },
)
