import t from 'tap'
import { expressionWarnings, type IdentityPart } from '#policies/identity-canaries.ts'
import { parseIdentityExpression } from '#policies/identity-expression.ts'

const ANCHOR = 'it is looked for anywhere in a name: put ^(?: before it and )$ behind it, with .* where more may follow'
const HOST = 'write the whole host before anything that may be chosen freely'
const DOT = 'a dot stands for any character: write \\. for a dot'
const STRANGER = 'name somebody in particular'

function warnings(expression: string, part: IdentityPart = 'subject'): readonly string[] {
  return expressionWarnings(parseIdentityExpression(expression), part)
}

function also(canary: string, remedy: string): string {
  return `also matches ${JSON.stringify(canary)}: ${remedy}`
}

t.test('has nothing to say of an expression that is as narrow as it looks', async t => {
  for (const expression of [
    '^https://github\\.com/org/.*$',
    '^https://github\\.com/org/',
    '^https://github\\.com/org/repo/\\.github/workflows/release\\.yml@refs/tags/v[0-9.]+$',
    '^https://github\\.com/(org|other)/[^/]+/\\.github/workflows/.+@refs/heads/main$',
    '^\\Qhttps://github.com/org/\\E',
    '^me@example\\.com$',
    '^[^@]+@example\\.com$',
    '^.*@example\\.com$',
    '@example\\.com$',
    '^spiffe://cluster\\.local/ns/prod/sa/.+$',
  ])
    t.strictSame(warnings(expression), [], expression)
  for (const expression of ['^https://accounts\\.google\\.com$', '^https://[^/]+\\.example\\.com(/.*)?$'])
    t.strictSame(warnings(expression, 'issuer'), [], expression)
})

t.test('one that matches everybody is told so, and nothing else', async t => {
  for (const expression of ['.*', '^.*$', '.+', '.', '(.*)', 'a|.*', '[a-z]', '^'])
    for (const part of ['issuer', 'subject'] as const)
      t.strictSame(warnings(expression, part), [`matches every ${part}: ${STRANGER}`], expression)
})

t.test('CVE-2026-22772 and its like: one that is found in the names of others is told which', async t => {
  const table: readonly (readonly [string, string])[] = [
    ['https://github.com/org/.*', 'https://evil.example/?https://github.com/org/'],
    ['https://github\\.com/org/', 'https://evil.example/?https://github.com/org/'],
    ['org', 'xorg'],
    ['^https://github\\.com/org', 'https://github.com/org.attacker.example'],
    ['^https://github\\.com', 'https://github.com.attacker.example'],
    ['^me@example\\.com', 'me@example.com.attacker.example'],
    ['me@example\\.com$', 'xme@example.com'],
    ['.*@example\\.com', '@example.com.attacker.example'],
    ['^https://a\\.test/x/|https://b\\.test/x/$', 'https://evil.example/?https://b.test/x/'],
  ]
  for (const [expression, canary] of table)
    t.ok(warnings(expression).includes(also(canary, ANCHOR)), `${expression}: ${warnings(expression).join('\n')}`)
})

t.test('one that leaves the host to be chosen is told so, even where it says that itself', async t => {
  const table: readonly (readonly [string, string])[] = [
    ['^.*github\\.com/org/.*$', 'https://evil.example/?github.com/org/'],
    ['^https://.*\\.example\\.com$', 'https://evil.example/?https://.example.com'],
    ['^https://[^/]+/org/.*$', 'https://attacker.example/org/'],
    ['^me@gmail.*$', 'me@gmail.attacker.example'],
    ['^https://github\\.com.*/org/.*$|^https://a\\.test.*$', 'https://a.test.attacker.example'],
  ]
  for (const [expression, canary] of table) t.strictSame(warnings(expression), [also(canary, HOST)], expression)
})

t.test('one that takes any character for a dot is told of the host that somebody could buy', async t => {
  t.strictSame(warnings('^https://token.actions.githubusercontent.com$', 'issuer'), [
    also('https://token.actionsxgithubusercontent.com', DOT),
  ])
  t.strictSame(warnings('^me@mail.example.com$'), [also('me@mailxexample.com', DOT)])
  t.strictSame(warnings('^https://github.com/org/.*$'), [], 'there is nothing to buy where no dot is left')
})

t.test('one that anybody can meet is told who, for example', async t => {
  const workflow = 'https://github.com/mallory/evil/.github/workflows/build.yml@refs/heads/main'
  t.strictSame(warnings('^https://github\\.com/.*$'), [also(workflow, STRANGER)])
  t.strictSame(warnings('^[^@]+@gmail\\.com$'), [also('mallory@gmail.com', STRANGER)])
  t.ok(warnings('^https://', 'issuer').includes(also('https://attacker.example', STRANGER)))
})

t.test('says each thing once, and never at length', async t => {
  const [first, ...more] = warnings(`${'a{100}'.repeat(20)}/`)
  t.strictSame(more, [])
  t.ok((first ?? '').length < 500)
})
