import fc from 'fast-check'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { parseChallenges } from '#core/registry/challenge.ts'
import { parseNextPage } from '#core/registry/link.ts'

const challenges = (text: string) =>
  parseChallenges(text).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])

t.test('a challenge is a scheme and its parameters, plain or quoted', async t => {
  t.strictSame(
    challenges('Bearer realm="https://auth.example/token",service="r.example",scope="repository:a/b:pull,push"'),
    [['bearer', { realm: 'https://auth.example/token', service: 'r.example', scope: 'repository:a/b:pull,push' }]],
  )
  t.strictSame(challenges('BEARER ReAlM = "a \\"b\\" \\\\ c" , service=plain'), [
    ['bearer', { realm: 'a "b" \\ c', service: 'plain' }],
  ])
  t.strictSame(challenges('Bearer realm=""'), [['bearer', { realm: '' }]])
})

t.test('several challenges share one header and its commas', async t => {
  t.strictSame(challenges('Basic realm="a, Bearer realm=b", Bearer realm="c",service=d, Negotiate'), [
    ['basic', { realm: 'a, Bearer realm=b' }],
    ['bearer', { realm: 'c', service: 'd' }],
    ['negotiate', {}],
  ])
  t.strictSame(challenges(', Negotiate , Basic'), [
    ['negotiate', {}],
    ['basic', {}],
  ])
  t.strictSame(challenges('NTLM TlRMTVNTUAAB==, Bearer realm=x'), [
    ['ntlm', {}],
    ['bearer', { realm: 'x' }],
  ])
  t.strictSame(challenges(''), [])
})

t.test('what is not of the grammar is refused, not guessed', async t => {
  for (const text of [
    'Bearer realm="unclosed',
    'Bearer realm="x" service="y"',
    'Bearer realm=a b',
    'Bearer realm=x;service=y',
    'Bearer realm="x"y',
    '"Bearer"',
    'Bearer realm="x",realm="y"',
    'Bearer realm="x",REALM="y"',
    'Bearer realm=\u00e9',
  ])
    t.throws(() => parseChallenges(text), InputError, text)
})

t.test(
  'no text makes the parser do anything but parse or refuse, in a time that grows with its length only',
  async t => {
    const piece = fc.constantFrom('Bearer', ' ', ',', 'realm', '=', '"', '\\', 'x', '\t', '==', 'a/b', 'é', '\u0000')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
        try {
          parseChallenges(pieces.join(''))
        } catch (error) {
          if (!(error instanceof InputError)) throw error
        }
      }),
    )
    for (const unit of [' ', ',', 'a', 'a=b,', '\\"', 'a =', '= ', '\t,']) {
      const begun = performance.now()
      for (const start of ['', 'Bearer ', 'Bearer realm="', 'Bearer realm=x']) {
        try {
          parseChallenges(start + unit.repeat(16_384 / unit.length))
        } catch (error) {
          t.type(error, InputError)
        }
      }
      t.ok(performance.now() - begun < 1000, JSON.stringify(unit))
    }
  },
)

t.test('the next page is found among the links', async t => {
  const page = new URL('https://r.example:5000/v2/a/referrers/sha256:1')
  const next = (header: string) => parseNextPage(header, page)?.href
  t.equal(next('</v2/a/referrers/sha256:1?n=1&last=x>; rel="next"'), `${page.href}?n=1&last=x`)
  t.equal(next('<?page=2>; rel=next'), `${page.href}?page=2`)
  t.equal(next('<https://r.example:5000/x>; title="a,b;c"; rel="prev next"'), 'https://r.example:5000/x')
  t.equal(next('<a>; rel="prev", <b>; REL=Next; x'), 'https://r.example:5000/v2/a/referrers/b')
  t.equal(next(''), undefined)
  t.equal(next('<a>; rel="nextish", <b>; rel=nexto, <c>; rel="prev", <d>'), undefined)
})

t.test('the next page lies where this one lay, and a header that hides it is refused', async t => {
  const page = new URL('https://r.example:5000/v2/a/referrers/sha256:1')
  for (const header of [
    '<https://evil.example/x>; rel="next"',
    '<//evil.example/x>; rel="next"',
    '<http://r.example:5000/x>; rel="next"',
    '<https://r.example/x>; rel="next"',
    '<https://u:p@r.example:5000/x>; rel="next"',
    '<https://[>; rel="next"',
    '/x; rel="next"',
    '</x; rel="next"',
    '</x>; rel="next',
    '</x> rel="next"',
  ])
    t.throws(() => parseNextPage(header, page), InputError, header)
  const begun = performance.now()
  for (const unit of ['<', '>', ';', ' ', '<a>;', '<a>,', '; rel=', '; a="', ',<a>;rel="a '])
    try {
      parseNextPage(`<a>${unit.repeat(16_384 / unit.length)}`, page)
    } catch (error) {
      t.type(error, InputError)
    }
  t.ok(performance.now() - begun < 2000)
})
