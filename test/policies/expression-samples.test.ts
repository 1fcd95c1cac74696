import * as fc from 'fast-check'
import { RE2JSException } from 're2js'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { samplesOf } from '#policies/expression-samples.ts'
import { parseIdentityExpression } from '#policies/identity-expression.ts'

function samples(text: string): readonly string[] {
  return samplesOf(parseIdentityExpression(text))
}

t.test('gives the shortest text that an expression is found in', async t => {
  const table: readonly (readonly [string, string])[] = [
    ['https://github.com/org/.*', 'https://github.com/org/'],
    ['^https://github\\.com/[^/]+/x$', 'https://github.com/x/x'],
    ['^\\Qa.b+c\\E$', 'a.b+c'],
    ['ab{2}c{2,}d{0,3}e?f+g*h??', 'abbccf'],
    ['(?i)^(?P<name>a)(?:b)(?i:c)(?<other>d)$', 'abcd'],
    ['[[:digit:]][^x][]a][\\d-]\\w\\D\\pL', '0aa0xxx'],
    ['\\Aa\\b\\.b\\z', 'a.b'],
    ['a{,2}', 'a{,2}'],
    ['', ''],
  ]
  for (const [expression, sample] of table) t.strictSame(samples(expression), [sample], expression)
})

t.test('gives one for each alternative, up to a bound', async t => {
  t.strictSame(samples('^(a|b)c$|^d$'), ['ac', 'd'])
  t.strictSame(samples('^(a|b|c)/(d|e|f)$'), ['a/d', 'b/e', 'c/f'])
  t.strictSame(samples('^(a|)$'), ['a', ''])
  const letters = (count: number) => Array.from({ length: count }, (_, n) => `x${n}`)
  t.strictSame(samples(letters(8).join('|')), letters(8))
  t.strictSame(samples(letters(9).join('|')), letters(8))
})

t.test('leaves out what it guessed wrongly', async t => {
  t.strictSame(samples('^[é]$'), [])
  t.strictSame(samples('a\\bb'), [])
  t.strictSame(samples('a$b|c'), ['c'])
  t.strictSame(samples('\\x61'), [])
})

t.test('whatever the expression, every sample is matched by it, and there are few', async () => {
  const units = fc.constantFrom(...'ab/.@(|)[]{}*+?^$\\-,:0123dwsQEpPLbAz<>='.split(''))
  const texts = fc.oneof(fc.string({ unit: units, maxLength: 40 }), fc.string())
  fc.assert(
    fc.property(texts, text => {
      try {
        const expression = parseIdentityExpression(text)
        const found = samplesOf(expression)
        return found.length <= 8 && found.every(sample => expression.test(sample))
      } catch (error) {
        // Nothing but what was wrong with the expression to begin with.
        return error instanceof InputError && error.cause instanceof RE2JSException
      }
    }),
    { numRuns: 2000 },
  )
})

t.test('reads an expression that nests as deeply as one may', async t => {
  const nested = (depth: number) => `${'('.repeat(depth)}a${')'.repeat(depth)}`
  t.strictSame(samples(nested(500)), ['a'])
})
