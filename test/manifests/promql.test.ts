/** Of what the other tests of this folder stand on. */
import t from 'tap'
import { evaluate, readScrape } from '#test/support/promql-evaluate.ts'
import { parsePromql } from '#test/support/promql-parse.ts'

const first = readScrape(
  'a_total{k="x"} 10\na_total{k="y"} 1\nh_bucket{le="1"} 0\nh_bucket{le="2"} 0\nh_bucket{le="+Inf"} 0',
  100,
)
const second = readScrape(
  '# HELP\na_total{k="x"} 40\na_total{k="y"} 4\ng 5\nh_bucket{le="1"} 5\nh_bucket{le="2"} 10\nh_bucket{le="+Inf"} 10',
  160,
)

function answer(text: string): readonly (readonly [string, number])[] {
  return evaluate(parsePromql(text), [first, second]).map(({ labels, value }) => [JSON.stringify(labels), value])
}

t.test('an expression gives what it says', async t => {
  t.strictSame(answer('g'), [['{}', 5]])
  t.strictSame(answer('a_total{k="x"}'), [['{"k":"x"}', 40]])
  t.strictSame(answer('a_total{k=~"x|z"}'), [['{"k":"x"}', 40]])
  t.strictSame(answer('a_total{k!="x"}'), [['{"k":"y"}', 4]])
  t.strictSame(answer('rate(a_total[5m])'), [
    ['{"k":"x"}', 0.5],
    ['{"k":"y"}', 0.05],
  ])
  t.strictSame(answer('sum(increase(a_total[5m]))'), [['{}', 33]])
  t.strictSame(answer('sum by (k) (a_total) > 10'), [['{"k":"x"}', 40]])
  t.strictSame(answer('sum(a_total) / g'), [['{}', 8.8]])
  t.strictSame(answer('g - time()'), [['{}', -155]])
  t.strictSame(answer('g + 2 * 3'), [['{}', 11]])
  t.strictSame(answer('(g + 2) * 3'), [['{}', 21]])
  t.strictSame(answer('g > 4 + 2'), [])
  t.strictSame(answer('absent(nothing)'), [['{}', 1]])
  t.strictSame(answer('absent(g)'), [])
  t.strictSame(answer('histogram_quantile(0.5, h_bucket)'), [['{}', 1]])
  t.strictSame(answer('histogram_quantile(0.75, sum by (le) (rate(h_bucket[5m])))'), [['{}', 1.5]])
})

t.test('what is no PromQL, or more of it than is used, is a mistake', async t => {
  for (const text of [
    '',
    'g g',
    'rate(a_total)',
    'rate(g[5m]',
    'histogram_quantile(h, h)',
    'sum by k (g)',
    'a{k}',
    'a{k="x}',
    'g[5x]',
    'foo(g)',
    'g >',
    '(g',
    'a{k=x}',
    'rate(sum(g)[5m])',
    'g $ 5',
  ])
    t.throws(() => parsePromql(text), Error, text)
})
