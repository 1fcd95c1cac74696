import fc from 'fast-check'
import t from 'tap'
import { DEFAULT_RATE, makeBudget } from '#core/registry/budget.ts'

const HOST = 'https://r.example'

t.test('a burst goes at once, and what follows goes at the rate', async t => {
  let now = 1000
  const budget = makeBudget(() => now)
  const rate = { perSecond: 10, burst: 3 }
  const waits: (number | undefined)[] = []
  for (let n = 0; n < 5; n++) waits.push(await budget(HOST, rate, 1000))
  t.strictSame(waits, [0, 0, 0, 100, 200])
  now += 1000
  t.equal(await budget(HOST, rate, 1000), 0)
})

t.test('whoever would wait too long is told at once and takes no place', async t => {
  const budget = makeBudget(() => 0)
  const rate = { perSecond: 1, burst: 1 }
  t.equal(await budget(HOST, rate, 0), 0)
  t.equal(await budget(HOST, rate, 999), undefined)
  t.equal(await budget(HOST, rate, 1000), 1000)
  t.equal(await budget(HOST, rate, 1999), undefined)
  t.equal(await budget(HOST, rate, 2000), 2000)
})

t.test('one host is no other', async t => {
  const budget = makeBudget(() => 0)
  const rate = { perSecond: 1, burst: 1 }
  for (const host of ['https://a.example', 'https://a.example:444', 'http://a.example'])
    t.equal(await budget(host, rate, 0), 0, host)
})

t.test('an image of the largest size allowed goes at once by default', async t => {
  const budget = makeBudget(() => 0)
  for (let n = 0; n < 2000; n++) if ((await budget(HOST, DEFAULT_RATE, 0)) !== 0) t.fail(`request ${n} waits`)
  t.equal(await budget(HOST, DEFAULT_RATE, 0), undefined)
})

t.test('whatever is asked when, no span of time holds more than a burst and what the rate adds', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(500), fc.nat(3000)), { maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 5 }),
      async (asked, perSecond, burst) => {
        let now = 0
        const budget = makeBudget(() => now)
        const sent: number[] = []
        for (const [pause, patience] of asked) {
          now += pause
          const wait = await budget(HOST, { perSecond, burst }, patience)
          if (wait !== undefined) sent.push(now + wait)
        }
        return sent.every((from, index) =>
          sent.slice(index).every((to, more) => more + 1 <= burst + ((to - from) * perSecond) / 1000 + 1e-6),
        )
      },
    ),
  )
})
