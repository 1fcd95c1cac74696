import t from 'tap'
import { clusterImagePolicy, NOT_SUPPORTED_YET } from '#core/kinds/cluster-image-policy.ts'

const authority = { key: { data: 'PEM' } }

function makeDocument(spec: object = {}, more: object = {}): object {
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'release' },
    spec: { images: [{ glob: '**' }], authorities: [authority], ...spec },
    ...more,
  }
}

/** Code and path of each issue; the document is read from JSON, as every document is. */
function issuesOf(document: object): readonly string[] {
  const { error } = clusterImagePolicy.safeParse(JSON.parse(JSON.stringify(document)))
  return (error?.issues ?? []).map(issue => `${issue.code} ${issue.path.join('.')}`)
}

const identity = { issuer: 'https://issuer.test', subject: 'me@a.test' }
const keyless = { identities: [identity] }
const attestation = { name: 'sbom', predicateType: 'https://sbom.test' }

t.test('accepts both versions, both modes and all kinds of authority', async t => {
  for (const version of ['v1alpha1', 'v1beta1'])
    t.strictSame(issuesOf(makeDocument({}, { apiVersion: `policy.sigstore.dev/${version}` })), [], version)
  for (const mode of ['enforce', 'warn', '']) t.strictSame(issuesOf(makeDocument({ mode })), [], `mode ${mode}`)
  const authorities = [
    { name: 'a', key: { data: 'PEM', hashAlgorithm: 'sha512' } },
    { static: { action: 'pass' } },
    { static: { action: 'fail', message: 'no' } },
    { keyless: { ...keyless, url: 'https://fulcio.test', trustRootRef: 'private', insecureIgnoreSCT: true } },
    { keyless: { identities: [{ issuerRegExp: '^a$', subjectRegExp: '^b$' }] }, ctlog: { url: 'https://rekor.test' } },
    { ...authority, ctlog: { trustRootRef: 'private' }, rfc3161timestamp: { trustRootRef: 'private' } },
    { ...authority, attestations: [attestation], signatureFormat: 'bundle' },
  ]
  t.strictSame(issuesOf(makeDocument({ authorities })), [])
})

t.test('leaves metadata and status to the API server', async t => {
  const metadata = { name: 'release', uid: 'u', managedFields: [{ manager: 'kubectl' }], annotations: { a: 'b' } }
  t.strictSame(issuesOf(makeDocument({}, { metadata, status: { conditions: [{ type: 'Ready' }] } })), [])
})

t.test('knows by name what it cannot honour yet, so that it is told apart from what is misspelt', async t => {
  const given = (names: readonly string[]) => Object.fromEntries(names.map(name => [name, [{ any: 'thing' }]]))
  const authorities = [
    {
      key: { ...authority.key, ...given(NOT_SUPPORTED_YET.key) },
      keyless: { ...keyless, ...given(NOT_SUPPORTED_YET.keyless) },
      attestations: [{ ...attestation, ...given(NOT_SUPPORTED_YET.attestation) }],
      ...given(NOT_SUPPORTED_YET.authority),
    },
  ]
  t.strictSame(issuesOf(makeDocument({ ...given(NOT_SUPPORTED_YET.spec), authorities })), [])
})

t.test('refuses fields that the kind does not have, at every level but metadata and status', async t => {
  t.strictSame(issuesOf(makeDocument({}, { extra: 1 })), ['unrecognized_keys '])
  t.strictSame(issuesOf(makeDocument({ extra: 1 })), ['unrecognized_keys spec'])
  t.strictSame(issuesOf(makeDocument({ images: [{ glob: '**', regex: '.' }] })), ['unrecognized_keys spec.images.0'])
  t.strictSame(issuesOf(makeDocument({ authorities: [{ ...authority, keyles: {} }] })), [
    'unrecognized_keys spec.authorities.0',
  ])
  t.strictSame(issuesOf(makeDocument({ authorities: [{ key: { data: 'PEM', hash: 'x' } }] })), [
    'unrecognized_keys spec.authorities.0.key',
  ])
  t.strictSame(issuesOf(makeDocument({ authorities: [{ static: { action: 'pass', always: true } }] })), [
    'unrecognized_keys spec.authorities.0.static',
  ])
  const others = {
    keyless: { ...keyless, issuer: 'x' },
    ctlog: { trustRoot: 'x' },
    rfc3161timestamp: { url: 'x' },
    attestations: [{ ...attestation, type: 'x' }],
  }
  t.strictSame(issuesOf(makeDocument({ authorities: [others] })), [
    'unrecognized_keys spec.authorities.0.keyless',
    'unrecognized_keys spec.authorities.0.ctlog',
    'unrecognized_keys spec.authorities.0.rfc3161timestamp',
    'unrecognized_keys spec.authorities.0.attestations.0',
  ])
})

t.test('takes a key named __proto__ for a field like any other', async t => {
  const document: unknown = JSON.parse(
    JSON.stringify(makeDocument()).replace('"glob"', '"__proto__":{"glob":"x"},"glob"'),
  )
  t.equal(clusterImagePolicy.safeParse(document).error?.issues[0]?.code, 'unrecognized_keys')
  const inherited: unknown = JSON.parse(
    JSON.stringify(makeDocument()).replace('"glob":"**"', '"__proto__":{"glob":"**"}'),
  )
  t.equal(clusterImagePolicy.safeParse(inherited).success, false)
})

t.test('refuses values of another type or beyond their list', async t => {
  t.strictSame(issuesOf(makeDocument({ images: [] })), ['too_small spec.images'])
  t.strictSame(issuesOf(makeDocument({ authorities: {} })), ['invalid_type spec.authorities'])
  t.strictSame(issuesOf(makeDocument({ mode: 'audit' })), ['invalid_value spec.mode'])
  t.strictSame(issuesOf(makeDocument({ authorities: [{ static: { action: 'Pass' } }] })), [
    'invalid_value spec.authorities.0.static.action',
  ])
  t.strictSame(issuesOf(makeDocument({ authorities: [{ ...authority, signatureFormat: 'v0.3' }] })), [
    'invalid_value spec.authorities.0.signatureFormat',
  ])
  t.strictSame(issuesOf(makeDocument({ authorities: [{ keyless: { identities: [], insecureIgnoreSCT: 1 } }] })), [
    'too_small spec.authorities.0.keyless.identities',
    'invalid_type spec.authorities.0.keyless.insecureIgnoreSCT',
  ])
  t.strictSame(issuesOf(makeDocument({ images: [{ glob: '' }, { glob: null }, {}] })), [
    'too_small spec.images.0.glob',
    'invalid_type spec.images.1.glob',
    'invalid_type spec.images.2.glob',
  ])
})
