import fc from 'fast-check'
import t from 'tap'
import type { CertificateIdentity, TextPattern } from '#core/domain/identity.ts'
import { decodeCertificate } from '#core/verify/sigstore/certificate/certificate.ts'
import { identityOf, MOST_NAMES } from '#core/verify/sigstore/certificate/identity.ts'
import { matchIdentity, NAME_CHARACTERS, PATTERN_CHARACTERS } from '#core/verify/sigstore/certificate/match-identity.ts'
import {
  EXTENSIONS,
  email,
  extension,
  hex,
  ISSUER,
  implicit,
  makeCertificate,
  oid,
  SUBJECT,
  tagged,
  uri,
  utf8,
} from './make-certificate.ts'
import { readCertificates } from './read-recorded.ts'

const FULCIO = '1.3.6.1.4.1.57264.1'
const raw = (number: number, text: string) => extension(`${FULCIO}.${number}`, Buffer.from(text))
const der = (number: number, text: string) => extension(`${FULCIO}.${number}`, utf8(text))
const userName = (text: string) => tagged(0, oid(`${FULCIO}.7`), tagged(0, utf8(text)))
const named = EXTENSIONS.names(email(SUBJECT))

const identify = (...extensions: readonly Uint8Array[]) =>
  identityOf(decodeCertificate(makeCertificate({ extensions }).der))

t.test('reads who signed the recorded images', async t => {
  const recorded = (image: string) => {
    const found = readCertificates().find(one => one.image === image)
    return identityOf(decodeCertificate(found?.certificate ?? Buffer.alloc(0)))
  }
  const alice = {
    kind: 'certificate',
    subjects: ['alice@example.test'],
    issuer: 'http://127.0.0.1:7000',
    claims: { tokenSubject: 'alice' },
  }
  for (const image of [
    'keyless-legacy-rekor1',
    'keyless-legacy-rekor1-tsa',
    'keyless-bundle-rekor2-tsa',
    'provenance-legacy-keyless',
  ])
    t.strictSame(recorded(image), alice, image)
  const workflow = 'https://ci.example.test/acme/app/.ci/release.yml@refs/heads/main'
  t.strictSame(recorded('keyless-ci-bundle'), {
    kind: 'certificate',
    subjects: [workflow],
    issuer: 'http://127.0.0.1:7000/ci',
    claims: {
      buildSignerURI: workflow,
      buildSignerDigest: '8f3b3d0c9a7d4f2b1e6c5a4b3d2e1f0a9b8c7d6e',
      runnerEnvironment: 'hosted',
      sourceRepositoryURI: 'https://ci.example.test/acme/app',
      sourceRepositoryDigest: '8f3b3d0c9a7d4f2b1e6c5a4b3d2e1f0a9b8c7d6e',
      sourceRepositoryRef: 'refs/heads/main',
      buildConfigURI: workflow,
      buildTrigger: 'push',
      runInvocationURI: 'https://ci.example.test/acme/app/runs/1',
      tokenSubject: 'repo:acme/app:ref:refs/heads/main',
    },
  })
})

t.test('every name that is text is a subject, in the order of the certificate', async t => {
  const names = [
    uri('https://a'),
    implicit(7, hex('7f000001')),
    email('b@c'),
    userName('d!ä'),
    implicit(2, Buffer.from('e')),
    tagged(0, oid('1.2.3'), tagged(0, utf8('f'))),
  ]
  t.strictSame(identify(EXTENSIONS.names(...names), der(8, ISSUER)).subjects, ['https://a', 'b@c', 'd!ä', 'e'])
})

t.test('a certificate without a name that is text, or with one that is none, names nobody', async t => {
  const fails = (message: RegExp, ...names: readonly Uint8Array[]) =>
    t.throws(() => identify(...names, der(8, ISSUER)), { name: 'InputError', message })
  fails(/names its subject/, EXTENSIONS.noCa)
  fails(/names its subject/, EXTENSIONS.names(implicit(7, hex('7f000001'))))
  fails(/names its subject/, EXTENSIONS.names(userName('')))
  const odd = (value: Uint8Array) => EXTENSIONS.names(tagged(0, oid(`${FULCIO}.7`), tagged(0, value)))
  fails(/utf8String/, odd(email('a@b')))
  fails(/UTF-8/, odd(hex('0c01ff')))
  fails(/without a NUL/, odd(utf8('a\0')))
})

t.test('at most so many names', async t => {
  const names = (count: number) => EXTENSIONS.names(...Array<Uint8Array>(count).fill(email('a@b')))
  t.equal(identify(names(MOST_NAMES), der(8, ISSUER)).subjects.length, MOST_NAMES)
  t.throws(() => identify(names(MOST_NAMES + 1), der(8, ISSUER)), { message: /at most 32 names, got 33/ })
})

t.test('the issuer is read in the old spelling and in the new one, and two must agree', async t => {
  t.equal(identify(named, raw(1, ISSUER)).issuer, ISSUER)
  t.equal(identify(named, der(8, ISSUER)).issuer, ISSUER)
  t.equal(identify(named, der(8, ISSUER), raw(1, ISSUER)).issuer, ISSUER)
  for (const [message, ...extensions] of [
    [/two that differ/, raw(1, ISSUER), der(8, 'https://other.example.test')],
    [/issuer of the identity, got none/, raw(1, ISSUER), der(8, '')],
    [/issuer of the identity, got none/, raw(1, ''), der(8, ISSUER)],
    [/issuer of the identity, got none/],
    [/issuer of the identity, got none/, raw(1, '')],
    [/issuer of the identity/, raw(8, ISSUER)],
    [/UTF-8/, extension(`${FULCIO}.1`, hex('ff'))],
    [/nothing behind it/, extension(`${FULCIO}.8`, Buffer.concat([utf8(ISSUER), hex('0500')]))],
  ] as const)
    t.throws(() => identify(named, ...extensions), { name: 'InputError', message })
})

t.test('claims have the names of oid-info.md', async t => {
  const old = [2, 3, 4, 5, 6].map(number => raw(number, `old ${number}`))
  const now = Array.from({ length: 16 }, (_, index) => der(9 + index, `new ${9 + index}`))
  t.strictSame(identify(named, der(8, ISSUER), ...old, ...now, der(99, 'unknown')).claims, {
    githubWorkflowTrigger: 'old 2',
    githubWorkflowSHA: 'old 3',
    githubWorkflowName: 'old 4',
    githubWorkflowRepository: 'old 5',
    githubWorkflowRef: 'old 6',
    buildSignerURI: 'new 9',
    buildSignerDigest: 'new 10',
    runnerEnvironment: 'new 11',
    sourceRepositoryURI: 'new 12',
    sourceRepositoryDigest: 'new 13',
    sourceRepositoryRef: 'new 14',
    sourceRepositoryIdentifier: 'new 15',
    sourceRepositoryOwnerURI: 'new 16',
    sourceRepositoryOwnerIdentifier: 'new 17',
    buildConfigURI: 'new 18',
    buildConfigDigest: 'new 19',
    buildTrigger: 'new 20',
    runInvocationURI: 'new 21',
    sourceRepositoryVisibilityAtSigning: 'new 22',
    deploymentEnvironment: 'new 23',
    tokenSubject: 'new 24',
  })
  t.throws(() => identify(named, der(8, ISSUER), raw(9, 'no DER')), { name: 'InputError', message: /buildSignerURI/ })
  t.throws(() => identify(named, der(8, ISSUER), extension(`${FULCIO}.2`, hex('ff'))), {
    message: /githubWorkflowTrigger/,
  })
})

const WORKFLOW = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main'

const identity = (subjects: readonly string[], issuer = ISSUER): CertificateIdentity => ({
  kind: 'certificate',
  subjects,
  issuer,
  claims: {},
})

const exactly = (text: string): TextPattern => ({ kind: 'exactly', text })

/** Whether the pattern fits the subject. */
const fits = (kind: TextPattern['kind'], text: string, subject: string) =>
  matchIdentity([{ issuer: exactly(ISSUER), subject: { kind, text } }], identity([subject])) !== undefined

t.test('issuer and subject of one pattern must both fit, the subject with any name', async t => {
  const alice = { issuer: exactly(ISSUER), subject: exactly('alice') }
  const bob = { issuer: exactly('https://other.example.test'), subject: exactly('bob') }
  const patterns = [bob, alice]
  t.equal(matchIdentity(patterns, identity(['alice'])), alice)
  t.equal(matchIdentity(patterns, identity(['carol', 'alice'])), alice)
  t.equal(matchIdentity(patterns, identity(['bob'], 'https://other.example.test')), bob)
  t.equal(matchIdentity(patterns, identity(['bob'])), undefined, 'not by halves of two patterns')
  t.equal(matchIdentity(patterns, identity(['alice'], 'https://other.example.test')), undefined)
  t.equal(matchIdentity([], identity(['alice'])), undefined, 'nobody is named')
  t.equal(matchIdentity(patterns, identity([])), undefined)
})

t.test('exactly is exactly: no part, no other case, no character that stands for others', async t => {
  t.ok(fits('exactly', WORKFLOW, WORKFLOW))
  for (const other of [
    `${WORKFLOW}x`,
    `x${WORKFLOW}`,
    WORKFLOW.toUpperCase(),
    WORKFLOW.replace('.', 'X'),
    `${WORKFLOW}\n`,
    '',
  ])
    t.notOk(fits('exactly', WORKFLOW, other), other)
  t.notOk(fits('exactly', 'https://github.com/acme/*', WORKFLOW))
  t.notOk(fits('exactly', '.*', WORKFLOW))
})

t.test('a glob is the whole name; one star stays within a part, two do not', async t => {
  for (const [glob, name] of [
    [WORKFLOW, WORKFLOW],
    ['https://github.com/acme/**', WORKFLOW],
    ['https://github.com/acme/*/.github/workflows/*@refs/heads/main', WORKFLOW],
    ['**', ''],
    ['*', ''],
    ['*', 'alice'],
    ['a*', 'a'],
    ['*@example.test', 'alice@example.test'],
    ['**b', 'a/bb'],
    ['a**b*c', 'a/b/bxc'],
    ['***', 'a/b'],
    ['*/**', 'a/b/c'],
    ['**/*', 'a/b/c'],
    ['a*a*a', 'aaaa'],
    ['[a-z]?.+$', '[a-z]?.+$'],
    ['*', '*'],
    ['a**', 'a*/*'],
  ] as const)
    t.ok(fits('glob', glob, name), `${glob} is ${name}`)
  for (const [glob, name] of [
    ['https://github.com/acme/*', WORKFLOW],
    ['https://github.com/acme/**', `https://evil.example/?${WORKFLOW}`],
    ['https://github.com/acme/**', 'https://github.com/acme'],
    ['https://github.com/acme/**@refs/heads/main', `${WORKFLOW}-2`],
    ['*@example.test', 'alice@example.test.attacker.example'],
    ['*@example.test', 'alice@exampleXtest'],
    ['*@example.test', 'https://a/alice@example.test'],
    ['*', 'a/b'],
    ['*', '/'],
    ['', 'a'],
    ['a', ''],
    ['a?', 'ab'],
    ['[ab]', 'a'],
    ['a*a*a', 'aa'],
  ] as const)
    t.notOk(fits('glob', glob, name), `${glob} is not ${name}`)
})

t.test('a glob fits what a slow and simple reading of it fits', async t => {
  const pieces = fc.array(fc.constantFrom('a', 'b', '/', '*', '**'), { maxLength: 8 }).map(list => list.join(''))
  const names = fc.array(fc.constantFrom('a', 'b', '/', '*'), { maxLength: 8 }).map(list => list.join(''))
  const expression = (glob: string) =>
    new RegExp(`^${glob.replaceAll(/\*\*|\*|[^*]/g, token => ({ '**': '[^]*', '*': '[^/]*' })[token] ?? token)}$`)
  fc.assert(
    fc.property(pieces, names, (glob, name) => fits('glob', glob, name) === expression(glob).test(name)),
    { numRuns: 3000 },
  )
})

t.test('an expression is searched for, and anchored where it says so', async t => {
  for (const [expression, name] of [
    ['acme', WORKFLOW],
    ['^https://github\\.com/acme/', WORKFLOW],
    ['@refs/heads/main$', WORKFLOW],
    ['^https://github\\.com/(acme|other)/app/.*$', WORKFLOW],
    ['(?i)ACME', WORKFLOW],
    ['', WORKFLOW],
    ['^\\p{L}+$', 'ä'],
    ['^.$', '😀'],
  ] as const)
    t.ok(fits('regexp', expression, name), expression)
  for (const [expression, name] of [
    ['^acme', WORKFLOW],
    ['main$', `${WORKFLOW}\n`],
    ['^acme$', 'evil\nacme\nevil'],
    ['ACME', WORKFLOW],
    ['^a.b$', 'a\nb'],
  ] as const)
    t.notOk(fits('regexp', expression, name), expression)
})

t.test('names and expressions that were made to be slow are not', async t => {
  const name = 'a'.repeat(NAME_CHARACTERS)
  t.notOk(fits('regexp', '^(a+)+$', `${name.slice(1)}!`))
  t.notOk(fits('regexp', '^(a|aa)+$', `${name.slice(1)}!`))
  t.notOk(fits('glob', `${'*a'.repeat(500)}b`, name))
  t.notOk(fits('glob', `${'**a'.repeat(500)}b`, name))
})

t.test('a name that is too long fits no pattern, and is equal to what it is equal to', async t => {
  const most = 'a'.repeat(NAME_CHARACTERS)
  t.ok(fits('glob', 'a*', most))
  t.ok(fits('regexp', '^a', most))
  t.notOk(fits('glob', 'a*', `${most}a`))
  t.notOk(fits('regexp', '^a', `${most}a`))
  t.ok(fits('exactly', `${most}a`, `${most}a`))
})

t.test('a pattern that no policy may hold is a bug of ours, and thrown', async t => {
  const most = 'a'.repeat(PATTERN_CHARACTERS)
  for (const kind of ['glob', 'regexp'] as const) {
    t.notOk(fits(kind, most, 'a'))
    t.throws(() => fits(kind, `${most}a`, 'a'), TypeError)
  }
  for (const unknown of ['(?=a)', '(?<=a)b', '(a)\\1', 'a{1001}', '['])
    t.throws(() => fits('regexp', unknown, 'a'), { name: 'RE2JSSyntaxException' }, unknown)
})

t.test('expressions are remembered up to a bound, and none is mistaken for another', async t => {
  for (let count = 0; count < 600; count++) t.equal(fits('regexp', `^${count}$`, String(count)), true)
  t.notOk(fits('regexp', '^1$', '2'))
})
