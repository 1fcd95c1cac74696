import t from 'tap'
import { timeBudget } from '#webhook/time-budget.ts'

const TIMING = { defaultTimeoutMs: 8000, replyMarginMs: 500 }

const total = (timeout: unknown) => timeBudget(timeout, { ...TIMING, replyMarginMs: 0 }).workMs

t.test('the time the API server allows is read as Go writes it', async t => {
  const durations: readonly [string, number][] = [
    ['10s', 10_000],
    ['1s', 1000],
    ['500ms', 500],
    ['1.5s', 1500],
    ['2s500ms', 2500],
    ['1500000µs', 1500],
    ['1500000us', 1500],
    ['2000000000ns', 2000],
  ]
  for (const [text, ms] of durations) t.equal(total(text), ms, text)
})

t.test('no caller makes us work longer than an API server can wait', async t => {
  for (const text of ['30s', '1m30s', '31s', '2562047h47m16s']) t.equal(total(text), 30_000, text)
})

t.test('a time that is absent or unusable is the default', async t => {
  const unusable = [undefined, '', '10', 's', '-10s', '+10s', '10 s', '10S', '1e3s', 'Infinitys', '0s', '0', '10s10', 5]
  for (const text of [...unusable, ['10s', '20s'], '1s'.repeat(17)]) t.equal(total(text), 8000, JSON.stringify(text))
})

t.test('the margin is kept back, half of it for work that stops late', async t => {
  t.strictSame(timeBudget('10s', TIMING), { workMs: 9500, graceMs: 250 })
})

t.test('the margin never takes more than half of a short time, and the answer is out before its end', async t => {
  const { workMs, graceMs } = timeBudget('600ms', TIMING)
  t.equal(workMs, 300)
  t.ok(workMs + graceMs < 600)
})
