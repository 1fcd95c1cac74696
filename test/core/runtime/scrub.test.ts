import fc from 'fast-check'
import t from 'tap'
import { CUT, scrub, scrubText } from '#core/runtime/scrub.ts'
import { anyText } from '#test/support/any-text.ts'

const base64url = (text: string) => Buffer.from(text).toString('base64url')
const TOKEN = `${base64url('{"alg":"RS256","typ":"JWT"}')}.${base64url('{"sub":"robot"}')}.c2lnbmF0dXJl`

const CASES: Readonly<Record<string, readonly [said: string, left: string]>> = {
  'a bearer token': ['authorization: Bearer abcdef0123456789', `authorization: Bearer ${CUT}`],
  'a password of HTTP': ['sent Basic cm9ib3Q6czNjcmV0 to it', `sent Basic ${CUT} to it`],
  'a scheme in capitals': ['AUTHORIZATION: BEARER Abc.def-123', `AUTHORIZATION: BEARER ${CUT}`],
  'an identity token': [`the token ${TOKEN} has expired`, `the token ${CUT} has expired`],
  'an encrypted token of five parts': [`${TOKEN}.aXY.dGFn, expired`, `${CUT}, expired`],
  'name and password in an address': ['https://robot:s3cret@ghcr.io/v2/', `https://${CUT}@ghcr.io/v2/`],
  'a token alone in an address': ['https://s3cret@ghcr.io/v2/', `https://${CUT}@ghcr.io/v2/`],
  'a signed link': [
    'GET https://blobs.test/x?sig=s3cret%3D&se=2026#part',
    `GET https://blobs.test/x?sig=${CUT}&se=${CUT}#part`,
  ],
  'the answer of a token service': [
    'got {"token":"s3cret","access_token" : "s3c\\"ret","expires_in":300}',
    `got {"token":"${CUT}","access_token" : "${CUT}","expires_in":300}`,
  ],
  'a pull secret': ['{"auths":{"ghcr.io":{"auth":"cm9ib3Q6czNjcmV0"}}}', `{"auths":{"ghcr.io":{"auth":"${CUT}"}}}`],
  'a private key': [
    'read -----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY----- of it',
    `read ${CUT} of it`,
  ],
  'a private key that is cut off': ['-----BEGIN PRIVATE KEY-----\nMHcCAQEE', CUT],
}

for (const [what, [said, left]] of Object.entries(CASES))
  t.test(`cuts ${what}`, async t => t.equal(scrubText(said), left))

t.test('leaves what holds no secret as it is', async t => {
  for (const text of [
    'ghcr.io/acme/app:v1@sha256:0123456789012345678901234567890123456789012345678901234567890123',
    'ghcr.io/acme/token-service:v1',
    'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
    'expected a Bearer challenge, got a basic one',
    'certificate ["https://token.actions.githubusercontent.com",["oidc:alice@example.com"]]',
    'system:serviceaccount:kube-system:replicaset-controller',
  ])
    t.equal(scrubText(text), text)
})

t.test('cuts by name, at every depth, and copies only what it changes', async t => {
  const isSecret = (name: string) => name === 'token'
  const kept = { list: ['a', { b: 1 }], err: new Error('https://a:b@c') }
  t.equal(scrub(kept, isSecret), kept)
  t.strictSame(scrub({ kept, more: [{ token: { any: 'thing' } }] }, isSecret), { kept, more: [{ token: CUT }] })
  const deep = { a: { a: { a: { a: { a: { a: { a: 'x' } } } } } } }
  t.match(JSON.stringify(scrub(deep, isSecret)), CUT)
})

t.test('whatever stands around it, the secret does not survive', async t => {
  const secret = fc.stringMatching(/^[A-Za-z0-9]{16}[0-9]{4}[A-Za-z0-9]{4}$/)
  const around = anyText({ maxLength: 40 }).filter(text => !/[-\w.~%+/=\\"#]$/.test(text))
  const forms: readonly ((secret: string) => string)[] = [
    one => ` Bearer ${one}`,
    one => ` Basic ${one}==`,
    one => ` https://robot:${one}@r.test/`,
    one => ` https://r.test/x?a=1&token=${one}`,
    one => ` {"identitytoken":"${one}"}`,
    one => ` {"password": "${one}\\"${one}"}`,
    one => ` eyJ${one}.eyJ${one}.${one}`,
  ]
  fc.assert(
    fc.property(secret, around, fc.string(), fc.constantFrom(...forms), (one, before, after, form) => {
      const said = scrubText(`${before}${form(one)} ${after}`)
      return !said.includes(one) || before.includes(one) || after.includes(one)
    }),
    { numRuns: 2000 },
  )
})

t.test('takes time in proportion to the text, whatever it is made of', async t => {
  const pieces = ['"token":"\\', '://', '?a=', 'Bearer ', 'eyJaaaa.', '-----BEGIN PRIVATE KEY-----', ' ', 'a', '=', '@']
  for (const piece of pieces) {
    const text = piece.repeat(Math.ceil(60_000 / piece.length))
    const start = process.threadCpuUsage()
    scrubText(text)
    const { user, system } = process.threadCpuUsage(start)
    t.ok(user + system < 400_000, `${JSON.stringify(piece)}: ${user + system} us`)
  }
})
