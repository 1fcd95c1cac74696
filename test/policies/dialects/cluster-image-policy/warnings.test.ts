import t from 'tap'
import { IDENTITY, KEYLESS, makeDocument, P256, parse, SBOM, SOURCE, warningsOfAuthority } from './make-document.ts'

const AUTHORITY = 'spec.authorities[0]'
const FIRST = `${AUTHORITY}.keyless.identities[0]`

const key = { data: P256 }
const url = 'https://rekor.test'

t.test('has nothing to say of a policy that does what it seems to do', async t => {
  const subjectRegExp = '^https://github\\.com/org/[^/]+/\\.github/workflows/release\\.yml@refs/tags/v[0-9.]+$'
  const identities = [IDENTITY, { issuer: 'https://token.actions.githubusercontent.com', subjectRegExp }]
  for (const authority of [
    { key },
    { key, ctlog: { url }, attestations: [SBOM] },
    { keyless: { identities } },
    { keyless: { identities, trustRootRef: 'private' }, ctlog: { trustRootRef: 'private' } },
    { keyless: { identities, trustRootRef: 'private' }, rfc3161timestamp: { trustRootRef: 'private' } },
    { keyless: { identities }, ctlog: { url, trustRootRef: 'private' }, signatureFormat: 'bundle' },
  ])
    t.strictSame(warningsOfAuthority(authority), [])
})

t.test('warns of expressions that match whom they should not, with the name that shows it', async t => {
  const identities = [{ issuerRegExp: '.*', subjectRegExp: 'https://github.com/org/.*' }]
  t.strictSame(warningsOfAuthority({ keyless: { identities } }), [
    `${FIRST}.issuerRegExp: ".*" matches every issuer: name somebody in particular`,
    `${FIRST}.subjectRegExp: "https://github.com/org/.*" also matches "https://evil.example/?https://github.com/org/": it is looked for anywhere in a name: put ^(?: before it and )$ behind it, with .* where more may follow`,
  ])
})

t.test('warns of stars where names are compared to the letter', async t => {
  const identities = [IDENTITY, { issuer: 'https://*.test', subject: 'https://github.com/org/*' }]
  const path = `${AUTHORITY}.keyless.identities[1]`
  const stars = 'is compared as it stands, stars included: use the RegExp field for a pattern'
  t.strictSame(warningsOfAuthority({ keyless: { identities } }), [
    `${path}.issuer: "https://*.test" ${stars}`,
    `${path}.subject: "https://github.com/org/*" ${stars}`,
  ])
})

t.test('warns where a trust root is named and no log is asked for', async t => {
  const keyless = { ...KEYLESS, trustRootRef: 'private' }
  const expected = `${AUTHORITY}.keyless.trustRootRef: no log is asked for: a certificate counts at the time that a timestamp or a promise of a log of this trust root proves, and without either only as long as it is valid; add ctlog.trustRootRef to ask for the log`
  t.strictSame(warningsOfAuthority({ keyless }), [expected])
  t.strictSame(warningsOfAuthority({ keyless, attestations: [SBOM] }), [expected])
  t.strictSame(warningsOfAuthority({ keyless, rfc3161timestamp: {} }), [
    `${AUTHORITY}.rfc3161timestamp: has no effect without trustRootRef`,
    expected,
  ])
})

t.test('warns where a timestamp takes the place of the log, and where it asks for nothing', async t => {
  const replaced = `${AUTHORITY}.ctlog: has no effect beside rfc3161timestamp.trustRootRef: the timestamp takes the place of the log`
  const rfc3161timestamp = { trustRootRef: 'stamps' }
  t.strictSame(warningsOfAuthority({ key, ctlog: { url }, rfc3161timestamp }), [replaced])
  t.strictSame(warningsOfAuthority({ keyless: KEYLESS, ctlog: { trustRootRef: 'logs' }, rfc3161timestamp }), [replaced])
  t.strictSame(warningsOfAuthority({ key, rfc3161timestamp }), [])
  t.strictSame(warningsOfAuthority({ key, rfc3161timestamp: {} }), [
    `${AUTHORITY}.rfc3161timestamp: has no effect without trustRootRef`,
  ])
})

t.test('warns of predicate types that are no URIs, in the words of the reference, and says what to write', async t => {
  const types = [
    'custom',
    'https://sbom.test',
    'urn:sbom',
    'slsaprovenance1',
    'cosign.sigstore.dev/attestation/vuln/v1',
    'a b',
  ]
  const attestations = types.map(predicateType => ({ name: 'a', predicateType }))
  const at = (index: number) => `${AUTHORITY}.attestations[${index}].predicateType`
  const deprecated = 'deprecated value, please use RFC 3986 conformant values'
  t.strictSame(warningsOfAuthority({ key, attestations }), [
    `invalid value: custom: ${at(0)}: ${deprecated}, here https://cosign.sigstore.dev/attestation/v1`,
    `invalid value: slsaprovenance1: ${at(3)}: ${deprecated}, here https://slsa.dev/provenance/v1`,
    `invalid value: cosign.sigstore.dev/attestation/vuln/v1: ${at(4)}: ${deprecated}`,
    `invalid value: "a b": ${at(5)}: ${deprecated}`,
  ])
})

t.test('names the document, and tells globs before authorities', async t => {
  const authorities = [{ keyless: { identities: [{ ...IDENTITY, issuer: '*' }] } }, { key, rfc3161timestamp: {} }]
  const { warnings } = parse(makeDocument({ images: [{ glob: 'nginx@*' }], authorities }))
  t.match(warnings, [/ never matches/, /identities\[0\]\.issuer/, /spec\.authorities\[1\]\.rfc3161timestamp/])
  t.ok(warnings.every(warning => warning.startsWith(`${SOURCE}: spec.`)))
})
