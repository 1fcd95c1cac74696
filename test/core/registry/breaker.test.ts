import t from 'tap'
import { Breaker, FAILURES_IN_A_ROW, OPEN_MS } from '#core/registry/breaker.ts'

const HOST = 'https://r.example'

function makeBreaker(random = 0.5) {
  const clock = { now: 0 }
  const breaker = new Breaker({ nowMs: () => clock.now, random: () => random })
  const fail = (times: number, host = HOST) => {
    for (let n = 0; n < times; n++) breaker.failed(host, 'connection refused')
  }
  return { clock, breaker, fail }
}

t.test('a host is asked until it has failed so many times in a row, and not once more', async t => {
  const { breaker, fail } = makeBreaker()
  fail(FAILURES_IN_A_ROW - 1)
  t.equal(breaker.objection(HOST), undefined)
  breaker.answered(HOST)
  fail(FAILURES_IN_A_ROW - 1)
  t.equal(breaker.objection(HOST), undefined)
  fail(1)
  t.match(
    breaker.objection(HOST),
    /^not asked, because the last 10 requests to it failed, the last one 0 s ago \(connection refused\); it is asked again in 5 s$/,
  )
})

t.test('one host that fails is no reason to leave another alone', async t => {
  const { breaker, fail } = makeBreaker()
  fail(FAILURES_IN_A_ROW, 'https://bad.example')
  t.type(breaker.objection('https://bad.example'), 'string')
  t.equal(breaker.objection(HOST), undefined)
  t.equal(breaker.objection('https://bad.example:444'), undefined)
})

t.test('after its time one request finds out, and the others wait for what it finds', async t => {
  const { clock, breaker, fail } = makeBreaker()
  fail(FAILURES_IN_A_ROW)
  clock.now = OPEN_MS - 1
  t.type(breaker.objection(HOST), 'string')
  clock.now = OPEN_MS
  t.equal(breaker.objection(HOST), undefined)
  breaker.begin(HOST)
  t.match(breaker.objection(HOST), /one request finds out just now$/)
  breaker.failed(HOST, 'connection reset')
  t.match(breaker.objection(HOST), /last 11 requests .*\(connection reset\); it is asked again in 5 s$/)
  clock.now = 2 * OPEN_MS
  t.equal(breaker.objection(HOST), undefined)
  breaker.begin(HOST)
  breaker.answered(HOST)
  t.equal(breaker.objection(HOST), undefined)
  fail(FAILURES_IN_A_ROW - 1)
  t.equal(breaker.objection(HOST), undefined)
})

t.test('whoever was to find out and left leaves it to the next', async t => {
  const { clock, breaker, fail } = makeBreaker()
  fail(FAILURES_IN_A_ROW)
  clock.now = OPEN_MS
  breaker.begin(HOST)
  t.type(breaker.objection(HOST), 'string')
  breaker.abandoned(HOST)
  t.equal(breaker.objection(HOST), undefined)
})

t.test('not all replicas ask again at the same moment', async t => {
  for (const [random, ms] of [
    [0, 4000],
    [0.5, 5000],
    [1, 6000],
  ] as const) {
    const { clock, breaker, fail } = makeBreaker(random)
    fail(FAILURES_IN_A_ROW)
    clock.now = ms - 1
    t.type(breaker.objection(HOST), 'string')
    clock.now = ms
    t.equal(breaker.objection(HOST), undefined)
  }
})
