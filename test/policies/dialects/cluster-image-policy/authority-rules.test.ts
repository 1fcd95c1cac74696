import t from 'tap'
import { faultsOfAuthority, IDENTITY, KEYLESS, P256, SBOM } from './make-document.ts'

const AUTHORITY = 'spec.authorities[0]'
const PATH = `${AUTHORITY}.keyless`
const FIRST = `${PATH}.identities[0]`

const key = { data: P256 }

function faultsOfKeyless(keyless: object): readonly string[] {
  return faultsOfAuthority({ keyless: { ...KEYLESS, ...keyless } })
}

function faultsOfIdentity(...identities: readonly object[]): readonly string[] {
  return faultsOfKeyless({ identities })
}

t.test('wants somebody in particular of a keyless authority', async t => {
  t.strictSame(faultsOfAuthority({ keyless: {} }), [`missing field(s): ${PATH}.identities`])
  t.strictSame(faultsOfIdentity(), [`missing field(s): ${PATH}.identities`])
  t.strictSame(faultsOfIdentity({}), [
    `missing field(s): ${FIRST}.issuer, ${FIRST}.issuerRegExp`,
    `missing field(s): ${FIRST}.subject, ${FIRST}.subjectRegExp`,
  ])
  t.strictSame(faultsOfIdentity({ issuer: '', issuerRegExp: '', subject: 'me@a.test' }), [
    `missing field(s): ${FIRST}.issuer, ${FIRST}.issuerRegExp`,
  ])
  t.strictSame(faultsOfIdentity(IDENTITY, { issuer: 'https://issuer.test' }), [
    `missing field(s): ${PATH}.identities[1].subject, ${PATH}.identities[1].subjectRegExp`,
  ])
})

t.test('wants issuer and subject each said in one way', async t => {
  t.strictSame(faultsOfIdentity({ ...IDENTITY, issuerRegExp: '^a$', subjectRegExp: '^b$' }), [
    `expected exactly one, got both: ${FIRST}.issuer, ${FIRST}.issuerRegExp`,
    `expected exactly one, got both: ${FIRST}.subject, ${FIRST}.subjectRegExp`,
  ])
  t.strictSame(faultsOfIdentity({ issuerRegExp: '^a$', subject: 'me@a.test' }), [])
  t.strictSame(faultsOfIdentity({ issuer: 'https://issuer.test', subjectRegExp: '^b$' }), [])
})

t.test('wants expressions that RE2 can read, and says in its words what is wrong with them', async t => {
  const faultsOfExpression = (subjectRegExp: string) =>
    faultsOfIdentity({ issuer: 'https://issuer.test', subjectRegExp })
  const at = `${FIRST}.subjectRegExp: regex is invalid: error parsing regexp`
  t.strictSame(faultsOfExpression('('), [`invalid value: (: ${at}: missing closing ): \`(\``])
  t.strictSame(faultsOfExpression('a**'), [`invalid value: a**: ${at}: invalid nested repetition operator: \`**\``])
  t.strictSame(faultsOfExpression('(?=a)'), [
    `invalid value: (?=a): ${at}: invalid or unsupported Perl syntax: \`(?=\``,
  ])
  t.strictSame(faultsOfExpression('(a b'), [`invalid value: "(a b": ${at}: missing closing ): \`(a b\``])
  t.strictSame(faultsOfIdentity({ issuerRegExp: '[', subject: 'me@a.test' }), [
    `invalid value: [: ${FIRST}.issuerRegExp: regex is invalid: error parsing regexp: missing closing ]: \`[\``,
  ])
})

t.test('tells the one fault of an expression that is too long, and repeats no more of it than can be read', async t => {
  const [fault = '', ...more] = faultsOfIdentity({ issuer: 'https://issuer.test', subjectRegExp: 'a'.repeat(1025) })
  t.strictSame(more, [])
  t.match(fault, /: regex is invalid: expected at most 1024 characters, got 1025$/)
  t.ok(fault.length < 400)
  t.match(faultsOfIdentity({ ...IDENTITY, subject: 'a'.repeat(1025) }), [
    `invalid value: (too long): ${FIRST}.subject: expected at most 1024 characters`,
  ])
})

t.test('wants a URL of a certificate authority or a log to be one, though nobody is ever asked there', async t => {
  const path = `${AUTHORITY}.ctlog.url`
  for (const url of ['https://fulcio.sigstore.dev', 'http://fulcio.test:8080/api', 'HTTPS://fulcio.test/', '']) {
    t.strictSame(faultsOfKeyless({ url }), [], url)
    t.strictSame(faultsOfAuthority({ key, ctlog: { url, trustRootRef: 'private' } }), [], url)
  }
  for (const url of [
    'fulcio.test',
    '/fulcio',
    'ftp://fulcio.test',
    'https:fulcio.test',
    'https:///x',
    'https://[',
    'javascript:1',
  ]) {
    t.strictSame(faultsOfKeyless({ url }), [
      `invalid value: ${url}: ${PATH}.url: expected an absolute http or https URL`,
    ])
    t.strictSame(faultsOfAuthority({ key, ctlog: { url } }), [
      `invalid value: ${url}: ${path}: expected an absolute http or https URL`,
    ])
  }
})

t.test('takes no certificate authority out of the policy itself, alone or beside its URL', async t => {
  const cert = { 'ca-cert': { data: 'PEM' } }
  t.strictSame(faultsOfKeyless(cert), [`not supported yet: ${PATH}.ca-cert`])
  t.strictSame(faultsOfKeyless({ ...cert, url: 'https://fulcio.test' }), [
    `not supported yet: ${PATH}.ca-cert`,
    `expected exactly one, got both: ${PATH}.ca-cert, ${PATH}.url`,
  ])
})

t.test('wants a trust root to be called what an object can be called', async t => {
  const places: readonly (readonly [string, (trustRootRef: string) => object])[] = [
    [PATH, trustRootRef => ({ keyless: { ...KEYLESS, trustRootRef } })],
    [`${AUTHORITY}.ctlog`, trustRootRef => ({ key, ctlog: { url: 'https://rekor.test', trustRootRef } })],
    [`${AUTHORITY}.rfc3161timestamp`, trustRootRef => ({ key, rfc3161timestamp: { trustRootRef } })],
  ]
  for (const [path, make] of places) {
    for (const name of ['private', 'my.trust-root', '']) t.strictSame(faultsOfAuthority(make(name)), [], name)
    for (const name of ['Private', '-a', '../a'])
      t.strictSame(faultsOfAuthority(make(name)), [
        `invalid value: ${name}: ${path}.trustRootRef: expected a lower-case RFC 1123 subdomain`,
      ])
  }
})

t.test('wants a log to be named where one is spoken of', async t => {
  const path = `${AUTHORITY}.ctlog`
  for (const ctlog of [{}, { url: '' }, { url: null, trustRootRef: '' }])
    for (const by of [{ key }, { keyless: KEYLESS }])
      t.strictSame(faultsOfAuthority({ ...by, ctlog }), [`missing field(s): ${path}.trustRootRef, ${path}.url`])
})

t.test('knows two formats of signatures', async t => {
  for (const signatureFormat of ['legacy', 'bundle', ''])
    t.strictSame(faultsOfAuthority({ key, signatureFormat }), [], signatureFormat)
  for (const signatureFormat of ['Bundle', 'v0.3'])
    t.strictSame(faultsOfAuthority({ key, signatureFormat }), [
      `invalid value: ${signatureFormat}: ${AUTHORITY}.signatureFormat: unsupported format, expected legacy or bundle`,
    ])
})

t.test('wants a name and a type of each attestation', async t => {
  const path = `${AUTHORITY}.attestations`
  t.strictSame(faultsOfAuthority({ key, attestations: [SBOM, {}] }), [
    `missing field(s): ${path}[1].name`,
    `missing field(s): ${path}[1].predicateType`,
  ])
  t.strictSame(faultsOfAuthority({ key, attestations: [{ name: '', predicateType: '' }] }), [
    `missing field(s): ${path}[0].name`,
    `missing field(s): ${path}[0].predicateType`,
  ])
  t.strictSame(faultsOfAuthority({ key, attestations: [SBOM, SBOM] }), [], 'nothing hangs on the name yet')
})

t.test('bounds its lists, at the bound and one beyond', async t => {
  const identities = (count: number) => faultsOfKeyless({ identities: Array.from({ length: count }, () => IDENTITY) })
  t.strictSame(identities(64), [])
  t.strictSame(identities(65), [`invalid value: (too long): ${PATH}.identities: expected at most 64 items`])
  const attestations = (count: number) =>
    faultsOfAuthority({ key, attestations: Array.from({ length: count }, () => SBOM) })
  t.strictSame(attestations(16), [])
  t.strictSame(attestations(17), [`invalid value: (too long): ${AUTHORITY}.attestations: expected at most 16 items`])
})

t.test('refuses unknown fields and wrong types', async t => {
  t.strictSame(faultsOfKeyless({ issuer: 'x' }), [`unknown field "issuer": ${PATH}.issuer`])
  t.strictSame(faultsOfIdentity({ ...IDENTITY, subjectRegex: 'x' }), [
    `unknown field "subjectRegex": ${FIRST}.subjectRegex`,
  ])
  t.strictSame(faultsOfAuthority({ key, ctlog: 'https://rekor.test' }), [
    `expected object, got string: ${AUTHORITY}.ctlog`,
  ])
  t.strictSame(faultsOfKeyless({ insecureIgnoreSCT: 'false' }), [
    `expected boolean, got string: ${PATH}.insecureIgnoreSCT`,
  ])
  t.strictSame(faultsOfAuthority({ keyless: { identities: ['me@a.test'] } }), [`expected object, got string: ${FIRST}`])
})
