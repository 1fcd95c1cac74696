import * as fc from 'fast-check'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { parseIdentityExpression } from '#policies/identity-expression.ts'

function faultOf(text: string): string | undefined {
  try {
    parseIdentityExpression(text)
    return undefined
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}

t.test('compiles what RE2 knows, and refuses what only others do', async t => {
  for (const text of ['^https://github\\.com/org/', '(?i)a', '\\Qa.b\\E', '[[:alpha:]]+', '\\p{Greek}', '', 'a{1000}'])
    t.equal(faultOf(text), undefined, text)
  for (const text of ['(', '[', 'a**', '(?=a)', '(?<=a)b', '\\1', 'a{1001}', '\\'])
    t.match(faultOf(text), /^regex is invalid: error parsing regexp: /, text)
})

t.test('bounds the text, at the bound and one beyond', async t => {
  t.equal(faultOf('a'.repeat(1024)), undefined)
  t.equal(faultOf('a'.repeat(1025)), 'regex is invalid: expected at most 1024 characters, got 1025')
})

t.test('bounds what repetition makes of a short text, at the bound and one beyond', async t => {
  const stepsOf = (text: string) => parseIdentityExpression(text).programSize()
  // Four times 1000 and the steps that every expression has; the rest is written out.
  const almost = 'a{1000}b{1000}c{1000}d{1000}'
  const missing = 4096 - stepsOf(almost)
  t.equal(stepsOf(`${almost}${'x'.repeat(missing)}`), 4096)
  t.match(
    faultOf(`${almost}${'x'.repeat(missing + 1)}`),
    'regex is invalid: expected at most 4096 steps once repetition is written out, got 4097',
  )
})

t.test('answers in one line that hides nothing, whatever the expression', async t => {
  t.equal(faultOf('(\n'), 'regex is invalid: error parsing regexp: missing closing ): `(\\x{a}`')
  t.equal(faultOf('(\u202e'), 'regex is invalid: error parsing regexp: missing closing ): `(\\x{202e}`')
  t.equal(faultOf('\ud800'), 'regex is invalid: error parsing regexp: invalid UTF-8')
  const texts = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'ab(|)[]{}*+?^$.\\,:01dQEpP<>='.split(''), '\n') }),
    fc.string(),
  )
  fc.assert(fc.property(texts, text => /^[\x20-\x7e]*$/.test(faultOf(text) ?? '')))
})

t.test('no expression makes a search long: what takes others for ever takes this one no time', async t => {
  const expression = parseIdentityExpression('^(a+)+$')
  t.equal(expression.test(`${'a'.repeat(10_000)}!`), false)
  t.equal(expression.test('a'.repeat(10_000)), true)
})
