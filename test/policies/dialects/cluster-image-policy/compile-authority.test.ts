import t from 'tap'
import type { Demand } from '#core/domain/demand.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import { demandOf, IDENTITY, KEYLESS, P256, requirementOf, SBOM, signatureBy } from './make-document.ts'

const key = { data: P256 }
const BY_KEY = { kind: 'key', key: parsePublicKey(P256), hash: 'sha256' } as const
const LOG = { trustRoot: 'default', atLeast: 1 }

/** Who: anybody of `KEYLESS`, certified under this trust root. */
function certifiedUnder(trustRoot: string, sct: 'required' | 'ignored' = 'required'): Demand['by'] {
  const identity = {
    issuer: { kind: 'exactly', text: IDENTITY.issuer },
    subject: { kind: 'exactly', text: IDENTITY.subject },
  } as const
  return { kind: 'keyless', trustRoot, identities: [identity], sct }
}

t.test('asks for a log and a timestamp as the reference does, by the shape of the authority', async t => {
  const url = 'https://rekor.test'
  const rfc3161timestamp = { trustRootRef: 'stamps' }
  const timestamp = { trustRoot: 'stamps' }
  const own = { ...KEYLESS, trustRootRef: 'private' }
  const table: readonly (readonly [string, object, Partial<Demand>])[] = [
    ['a key', { key }, { by: BY_KEY }],
    ['a key and a log by URL', { key, ctlog: { url } }, { by: BY_KEY, log: LOG }],
    [
      'a key and a log of a trust root',
      { key, ctlog: { url, trustRootRef: 'logs' } },
      { by: BY_KEY, log: { trustRoot: 'logs', atLeast: 1 } },
    ],
    ['a key and a timestamp', { key, rfc3161timestamp }, { by: BY_KEY, timestamp }],
    ['a key, a log and a timestamp', { key, ctlog: { url }, rfc3161timestamp }, { by: BY_KEY, timestamp }],
    ['a key and a timestamp by nobody', { key, rfc3161timestamp: {} }, { by: BY_KEY }],
    ['a key, a log and a timestamp by nobody', { key, ctlog: { url }, rfc3161timestamp: {} }, { by: BY_KEY, log: LOG }],
    ['keyless', { keyless: KEYLESS }, { by: certifiedUnder('default'), log: LOG }],
    [
      'keyless and a log of a trust root',
      { keyless: KEYLESS, ctlog: { trustRootRef: 'logs' } },
      { by: certifiedUnder('default'), log: { trustRoot: 'logs', atLeast: 1 } },
    ],
    ['keyless and a timestamp', { keyless: KEYLESS, rfc3161timestamp }, { by: certifiedUnder('default'), timestamp }],
    ['keyless under a trust root', { keyless: own }, { by: certifiedUnder('private') }],
    [
      'keyless under a trust root and a log by URL',
      { keyless: own, ctlog: { url } },
      { by: certifiedUnder('private'), log: LOG },
    ],
    [
      'keyless under a trust root and a log of it',
      { keyless: own, ctlog: { trustRootRef: 'private' } },
      { by: certifiedUnder('private'), log: { trustRoot: 'private', atLeast: 1 } },
    ],
    [
      'keyless under a trust root and a timestamp',
      { keyless: own, rfc3161timestamp },
      { by: certifiedUnder('private'), timestamp },
    ],
    [
      'keyless under a trust root that is named by nothing',
      { keyless: { ...KEYLESS, trustRootRef: '' } },
      { by: certifiedUnder('default'), log: LOG },
    ],
  ]
  for (const [title, authority, asked] of table)
    t.strictSame(demandOf(authority), { ...signatureBy(BY_KEY), ...asked }, title)
})

t.test(
  'asks for what the authority of certificates promised to a log, unless told that it may be left out',
  async t => {
    t.strictSame(demandOf({ keyless: KEYLESS }).by, certifiedUnder('default', 'required'))
    t.strictSame(
      demandOf({ keyless: { ...KEYLESS, insecureIgnoreSCT: false } }).by,
      certifiedUnder('default', 'required'),
    )
    t.strictSame(
      demandOf({ keyless: { ...KEYLESS, insecureIgnoreSCT: true } }).by,
      certifiedUnder('default', 'ignored'),
    )
  },
)

t.test('no URL makes a difference: what is believed lies in trust roots', async t => {
  const url = 'https://fulcio.test'
  t.strictSame(demandOf({ keyless: { ...KEYLESS, url } }), demandOf({ keyless: KEYLESS }))
  const logOf = (ctlog: object) => demandOf({ key, ctlog: { trustRootRef: 'logs', ...ctlog } }).log
  t.strictSame(logOf({ url }), logOf({}))
})

t.test('names signers to the letter or by expression, issuer and subject each in its own way', async t => {
  const identities = [
    { issuer: 'https://issuer.test', subjectRegExp: '^https://a\\.test/' },
    { issuerRegExp: '^https://[a-z]+\\.test$', subject: 'me@a.test' },
    { issuer: 'https://issuer.test', subject: '.*', subjectRegExp: '' },
  ]
  t.match(demandOf({ keyless: { identities } }).by, {
    identities: [
      {
        issuer: { kind: 'exactly', text: 'https://issuer.test' },
        subject: { kind: 'regexp', text: '^https://a\\.test/' },
      },
      {
        issuer: { kind: 'regexp', text: '^https://[a-z]+\\.test$' },
        subject: { kind: 'exactly', text: 'me@a.test' },
      },
      { issuer: { kind: 'exactly', text: 'https://issuer.test' }, subject: { kind: 'exactly', text: '.*' } },
    ],
  })
})

t.test('looks for both layouts unless the policy names one', async t => {
  const layoutOf = (more: object) => demandOf({ key, ...more }).layout
  t.equal(layoutOf({}), 'any')
  t.equal(layoutOf({ signatureFormat: '' }), 'any')
  t.equal(layoutOf({ signatureFormat: 'legacy' }), 'legacy')
  t.equal(layoutOf({ signatureFormat: 'bundle' }), 'bundle')
})

t.test(
  'asks of bundles what it asks of the legacy layout: the limits of the reference are not of the format',
  async t => {
    const signatureFormat = 'bundle'
    t.match(demandOf({ key, signatureFormat }), { kind: 'signature', by: { kind: 'key' }, layout: 'bundle' })
    const keyless = { identities: [IDENTITY, { ...IDENTITY, subject: 'you@a.test' }], trustRootRef: 'private' }
    const others = { ctlog: { trustRootRef: 'logs' } }
    t.match(demandOf({ keyless, ...others, signatureFormat }), {
      kind: 'signature',
      by: { trustRoot: 'private', identities: { length: 2 } },
      log: { trustRoot: 'logs' },
      layout: 'bundle',
    })
  },
)

t.test('wants all of the attestations instead of the signature, and each under the same conditions', async t => {
  const attestations = [SBOM, { name: 'provenance', predicateType: 'slsaprovenance1' }]
  const authority = { name: 'ci', keyless: KEYLESS, ctlog: { trustRootRef: 'logs' }, signatureFormat: 'legacy' }
  const asked = { ...demandOf(authority), kind: 'attestation' }
  t.strictSame(requirementOf({ ...authority, attestations }), {
    kind: 'all-of',
    of: [
      { kind: 'proven', authority: 'ci', demand: { ...asked, predicateType: 'https://sbom.test' } },
      { kind: 'proven', authority: 'ci', demand: { ...asked, predicateType: 'https://slsa.dev/provenance/v1' } },
    ],
  })
})

t.test('an empty list of attestations is none, and the signature counts', async t => {
  t.match(requirementOf({ key, attestations: [] }), { kind: 'proven', demand: { kind: 'signature' } })
})

t.test(
  'knows the short names that cosign gave to predicate types, and compares any other text as it stands',
  async t => {
    const typeOf = (predicateType: string) => {
      const requirement = requirementOf({ key, attestations: [{ name: 'a', predicateType }] })
      const [leaf] = requirement.kind === 'all-of' ? requirement.of : []
      return leaf?.kind === 'proven' && leaf.demand.kind === 'attestation' ? leaf.demand.predicateType : undefined
    }
    const names = {
      custom: 'https://cosign.sigstore.dev/attestation/v1',
      slsaprovenance: 'https://slsa.dev/provenance/v0.2',
      slsaprovenance02: 'https://slsa.dev/provenance/v0.2',
      slsaprovenance1: 'https://slsa.dev/provenance/v1',
      spdx: 'https://spdx.dev/Document',
      spdxjson: 'https://spdx.dev/Document',
      cyclonedx: 'https://cyclonedx.org/bom',
      link: 'https://in-toto.io/Link/v1',
      vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
      openvex: 'https://openvex.dev/ns',
      'https://slsa.dev/provenance/v1': 'https://slsa.dev/provenance/v1',
      SPDX: 'SPDX',
      constructor: 'constructor',
    }
    for (const [name, type] of Object.entries(names)) t.equal(typeOf(name), type, name)
  },
)
