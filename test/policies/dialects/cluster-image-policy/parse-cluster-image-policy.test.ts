import t from 'tap'
import { parsePublicKey } from '#core/domain/public-key.ts'
import {
  demandOf,
  ED25519,
  faultsOf,
  faultsOfAuthority,
  IDENTITY,
  KEYLESS,
  leavesOf,
  makeDocument,
  P256,
  parse,
  RSA,
  SBOM,
  SOURCE,
  signatureBy,
} from './make-document.ts'

t.test('compiles a policy: any of its authorities, for any of its globs', async t => {
  const authorities = [
    { name: 'release', key: { data: P256 } },
    { key: { data: RSA, hashAlgorithm: 'sha512' } },
    { static: { action: 'fail', message: 'use a release' } },
    { static: { action: 'pass' } },
  ]
  const document = makeDocument({ images: [{ glob: 'ghcr.io/org/**' }, { glob: '**' }], authorities, mode: 'warn' })
  const { policy, warnings } = parse(document)
  t.match(policy, { name: 'release', source: SOURCE, mode: 'warn' })
  t.strictSame(
    policy.images.map(glob => glob.text),
    ['ghcr.io/org/**', '**'],
  )
  t.strictSame(policy.requires, {
    kind: 'any-of',
    of: [
      {
        kind: 'proven',
        authority: 'release',
        demand: signatureBy({ kind: 'key', key: parsePublicKey(P256), hash: 'sha256' }),
      },
      {
        kind: 'proven',
        authority: 'authority-1',
        demand: signatureBy({ kind: 'key', key: parsePublicKey(RSA), hash: 'sha512' }),
      },
      { kind: 'static', authority: 'authority-2', action: 'fail', message: 'use a release' },
      { kind: 'static', authority: 'authority-3', action: 'pass', message: '' },
    ],
  })
  t.strictSame(warnings, [])
})

t.test('means the same by both versions', async t => {
  const [alpha, beta] = ['v1alpha1', 'v1beta1'].map(version =>
    parse(makeDocument({}, { apiVersion: `policy.sigstore.dev/${version}` })),
  )
  t.strictSame(alpha, beta)
})

t.test('enforces unless it is told to warn', async t => {
  t.equal(parse(makeDocument()).policy.mode, 'enforce')
  t.equal(parse(makeDocument({ mode: '' })).policy.mode, 'enforce')
  t.equal(parse(makeDocument({ mode: 'enforce' })).policy.mode, 'enforce')
  t.strictSame(faultsOf(makeDocument({ mode: 'audit' })), [
    'invalid value: audit: spec.mode: unsupported mode, expected enforce or warn',
  ])
  t.strictSame(faultsOf(makeDocument({ mode: 'Warn' })), [
    'invalid value: Warn: spec.mode: unsupported mode, expected enforce or warn',
  ])
})

t.test('wants at least one image and one authority', async t => {
  t.strictSame(faultsOf(makeDocument({ images: [] })), ['missing field(s): spec.images'])
  t.strictSame(faultsOf(makeDocument({ authorities: [] })), ['missing field(s): spec.authorities'])
  t.strictSame(faultsOf(makeDocument({ images: undefined, authorities: undefined })), [
    'missing field(s): spec.images',
    'missing field(s): spec.authorities',
  ])
  t.strictSame(faultsOf({ ...makeDocument(), spec: undefined }), ['missing field(s): spec'])
})

t.test('wants a glob of every image, and one that is valid', async t => {
  const images = [{}, { glob: '' }, { glob: 'ghcr.io/[' }, { glob: 'a b' }, { glob: '**' }]
  t.strictSame(faultsOf(makeDocument({ images })), [
    'missing field(s): spec.images[0].glob',
    'missing field(s): spec.images[1].glob',
    'invalid value: ghcr.io/[: spec.images[2].glob: glob is invalid: syntax error in pattern',
    'invalid value: "a b": spec.images[3].glob: glob is invalid: invalid glob "a b"',
  ])
})

t.test('warns of globs that may not do what they seem to, with their path', async t => {
  const { warnings } = parse(makeDocument({ images: [{ glob: '**' }, { glob: 'ghcr.io/org*' }] }))
  t.equal(warnings.length, 1)
  t.match(warnings[0], /^policies\/release\.yaml: spec\.images\[1\]\.glob: "ghcr\.io\/org\*" also matches/)
})

t.test('wants exactly one of key, keyless and static', async t => {
  const all = 'spec.authorities[0].key, spec.authorities[0].keyless, spec.authorities[0].static'
  t.strictSame(faultsOfAuthority({}), [`expected exactly one, got neither: ${all}`])
  t.strictSame(faultsOfAuthority({ name: 'nobody' }), [`expected exactly one, got neither: ${all}`])
  t.strictSame(faultsOfAuthority({ key: { data: P256 }, static: { action: 'pass' } }), [
    'expected exactly one, got both: spec.authorities[0].key, spec.authorities[0].static',
  ])
  t.strictSame(faultsOfAuthority({ key: { data: P256 }, keyless: KEYLESS, static: { action: 'pass' } }), [
    `expected exactly one, got both: ${all}`,
  ])
})

t.test('wants a static authority to say pass or fail', async t => {
  const path = 'spec.authorities[0].static.action'
  t.strictSame(faultsOfAuthority({ static: {} }), [`missing field(s): ${path}`])
  t.strictSame(faultsOfAuthority({ static: { action: '' } }), [`missing field(s): ${path}`])
  t.strictSame(faultsOfAuthority({ static: { action: 'allow' } }), [
    `invalid value: allow: ${path}: unsupported action, expected pass or fail`,
  ])
})

t.test('refuses a static authority that says how signatures are checked', async t => {
  const path = 'spec.authorities[0]'
  const beside = {
    attestations: [{ name: 'a', predicateType: 'https://sbom.test' }],
    source: [{ oci: 'r.test/signatures' }],
    ctlog: { url: 'https://rekor.test' },
    rfc3161timestamp: {},
  }
  t.strictSame(faultsOfAuthority({ static: { action: 'pass' }, ...beside }), [
    `not supported yet: ${path}.source`,
    `expected exactly one, got both: ${path}.attestations, ${path}.ctlog, ${path}.rfc3161timestamp, ${path}.source, ${path}.static`,
  ])
  for (const [field, value] of Object.entries(beside))
    t.ok(
      faultsOfAuthority({ static: { action: 'pass' }, [field]: value }).includes(
        `expected exactly one, got both: ${[`${path}.${field}`, `${path}.static`].toSorted().join(', ')}`,
      ),
      field,
    )
  t.strictSame(
    faultsOfAuthority({ static: { action: 'pass' }, attestations: [], source: [] }),
    [],
    'empty is not given',
  )
})

t.test('wants a key to hold its data and nothing else', async t => {
  const path = 'spec.authorities[0].key'
  const all = `${path}.data, ${path}.kms, ${path}.secretRef`
  t.strictSame(faultsOfAuthority({ key: {} }), [`expected exactly one, got neither: ${all}`])
  t.strictSame(faultsOfAuthority({ key: { data: '' } }), [`expected exactly one, got neither: ${all}`])
  t.strictSame(faultsOfAuthority({ key: { data: P256, kms: 'awskms://x', secretRef: { name: 's' } } }), [
    `not supported yet: ${path}.kms`,
    `not supported yet: ${path}.secretRef`,
    `expected exactly one, got both: ${all}`,
  ])
})

t.test('refuses what is no usable public key, and never repeats the text', async t => {
  const secret =
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHVzdGFzZWNyZXR1c3Rhc2VjcmV0dXN0YXNlY3JldHU=\n-----END PRIVATE KEY-----\n'
  for (const data of ['no key', secret, `${P256}${P256}`]) {
    const faults = faultsOfAuthority({ key: { data } })
    t.equal(faults.length, 1)
    t.match(faults[0], /^invalid value: \(text not shown\): spec\.authorities\[0\]\.key\.data: /)
  }
  t.match(faultsOfAuthority({ key: { data: secret } })[0], /private key/)
  t.notMatch(faultsOfAuthority({ key: { data: secret } })[0], /MC4C/)
})

t.test('takes keys of every kind, and hash algorithms as the reference spells them', async t => {
  const hashes: readonly (readonly [string | undefined, string])[] = [
    [undefined, 'sha256'],
    ['', 'sha256'],
    [' \t', 'sha256'],
    ['sha224', 'sha224'],
    [' SHA384 ', 'sha384'],
    ['Sha512', 'sha512'],
  ]
  for (const data of [P256, RSA, ED25519]) {
    for (const [hashAlgorithm, hash] of hashes)
      t.match(demandOf({ key: { data, hashAlgorithm } }), { by: { hash } }, hash)
  }
  for (const hashAlgorithm of ['md5', 'sha-256', 'sha1', 'constructor'])
    t.match(faultsOfAuthority({ key: { data: P256, hashAlgorithm } }), [
      `invalid value: ${hashAlgorithm}: spec.authorities[0].key.hashAlgorithm`,
    ])
})

t.test('names authorities by their place, and refuses two of one name', async t => {
  const key = { data: P256 }
  t.match(leavesOf({ authorities: [{ key }, { name: '', key }] }), [
    { authority: 'authority-0' },
    { authority: 'authority-1' },
  ])
  t.strictSame(
    faultsOf(
      makeDocument({
        authorities: [
          { name: 'a', key },
          { name: 'a', key },
        ],
      }),
    ),
    ['duplicate value: a: spec.authorities[1].name'],
  )
  t.strictSame(faultsOf(makeDocument({ authorities: [{ name: 'authority-1', key }, { key }] })), [
    'duplicate value: authority-1: spec.authorities[1].name',
  ])
})

t.test('refuses by name, with the whole path, what it cannot honour yet', async t => {
  const path = 'spec.authorities[0]'
  const key = { data: P256 }
  t.strictSame(faultsOf(makeDocument({ match: [{ resource: 'pods' }], policy: { type: 'cue', data: 'a' } })), [
    'not supported yet: spec.match',
    'not supported yet: spec.policy',
  ])
  t.strictSame(faultsOfAuthority({ key, source: [{ oci: 'r.test/a' }] }), [`not supported yet: ${path}.source`])
  t.strictSame(faultsOfAuthority({ keyless: { ...KEYLESS, 'ca-cert': { data: 'x' } } }), [
    `not supported yet: ${path}.keyless.ca-cert`,
  ])
  const attestations = [SBOM, { ...SBOM, policy: { type: 'rego', data: 'x' } }]
  t.strictSame(faultsOfAuthority({ key, attestations }), [`not supported yet: ${path}.attestations[1].policy`])
})

t.test('takes null for what nobody has set, as the reference and the API server do', async t => {
  const nothing = { keyless: null, ctlog: null, rfc3161timestamp: null, signatureFormat: null, attestations: null }
  const key = { data: P256, kms: null, hashAlgorithm: null }
  t.strictSame(faultsOf(makeDocument({ match: null, mode: null, authorities: [{ key, ...nothing }] })), [])
  t.strictSame(faultsOfAuthority({ keyless: { identities: [{ ...IDENTITY, issuerRegExp: null }], url: null } }), [])
  t.strictSame(faultsOf(makeDocument({ images: [{ glob: null }] })), ['missing field(s): spec.images[0].glob'])
})

t.test('refuses unknown fields, and quotes names that were made to mislead', async t => {
  t.strictSame(faultsOf({ ...makeDocument(), data: {} }), ['unknown field "data": data'])
  t.strictSame(faultsOf(makeDocument({ image: [] })), ['unknown field "image": spec.image'])
  t.strictSame(faultsOfAuthority({ kye: { data: P256 } })[0], 'unknown field "kye": spec.authorities[0].kye')
  t.strictSame(faultsOf(makeDocument({ 'a\nb': 1 })), ['unknown field "a\\nb": spec["a\\nb"]'])
})

t.test('refuses values of the wrong type', async t => {
  t.strictSame(faultsOf([]), ['expected object, got array: the document'])
  t.strictSame(faultsOf(makeDocument({ images: { glob: '**' } })), ['expected array, got object: spec.images'])
  t.strictSame(faultsOf(makeDocument({ images: [null] })), ['expected object, got null: spec.images[0]'])
  t.strictSame(faultsOf(makeDocument({ mode: 10n ** 20n })), [
    'invalid value: what is no text: spec.mode: unsupported mode, expected enforce or warn',
  ])
  t.strictSame(faultsOfAuthority({ key: P256 }), ['expected object, got string: spec.authorities[0].key'])
  t.strictSame(faultsOfAuthority({ key: { data: { toString: 1 } } }), [
    'expected string, got object: spec.authorities[0].key.data',
  ])
})

t.test('wants a name that the API server would take', async t => {
  t.strictSame(faultsOf(makeDocument({}, { metadata: {} })), ['missing field(s): metadata.name'])
  t.strictSame(faultsOf(makeDocument({}, { metadata: { name: '' } })), ['missing field(s): metadata.name'])
  for (const name of ['Release', 'a_b', '-a', 'a..b', 'a'.repeat(254)])
    t.match(faultsOf(makeDocument({}, { metadata: { name } })), [
      /^invalid value: .*: metadata\.name: expected a lower/,
    ])
  for (const name of ['a', 'release.v1', 'a-b', 'a'.repeat(253)])
    t.strictSame(faultsOf(makeDocument({}, { metadata: { name } })), [], name)
})

t.test('tells all the faults of a document at once, one a line', async t => {
  const document = {
    ...makeDocument({
      images: [{ glob: '?' }, { regex: '.' }],
      authorities: [
        { name: 'a', key: { data: 'x', hashAlgorithm: 'md5' } },
        { name: 'a', static: { action: 'maybe' } },
        5,
      ],
      mode: 'audit',
      match: [{ resource: 'pods' }],
    }),
    metadata: { name: 'Release' },
  }
  t.strictSame(
    faultsOf(document).map(fault => fault.replace(/(key\.data): .*/, '$1')),
    [
      'missing field(s): spec.images[1].glob',
      'unknown field "regex": spec.images[1].regex',
      'invalid value: maybe: spec.authorities[1].static.action: unsupported action, expected pass or fail',
      'expected object, got number: spec.authorities[2]',
      'invalid value: audit: spec.mode: unsupported mode, expected enforce or warn',
      'invalid value: Release: metadata.name: expected a lower-case RFC 1123 subdomain',
      'not supported yet: spec.match',
      'invalid value: ?: spec.images[0].glob: glob is invalid: invalid glob "?"',
      'invalid value: (text not shown): spec.authorities[0].key.data',
      'invalid value: md5: spec.authorities[0].key.hashAlgorithm: expected one of sha224, sha256, sha384, sha512',
      'duplicate value: a: spec.authorities[1].name',
    ],
  )
})

t.test('what is longer than the API server would store is refused, and not repeated', async t => {
  const bound = 16 * 1024
  const data = (length: number) => makeDocument({ authorities: [{ key: { data: 'x'.repeat(length) } }] })
  const tooLong = `invalid value: (too long): spec.authorities[0].key.data: expected at most ${bound} characters`
  t.ok(faultsOf(data(bound + 1)).includes(tooLong))
  t.notOk(faultsOf(data(bound)).includes(tooLong))
  const images = (count: number) => makeDocument({ images: Array.from({ length: count }, () => ({ glob: '**' })) })
  t.strictSame(faultsOf(images(1025)), ['invalid value: (too long): spec.images: expected at most 1024 items'])
  t.strictSame(faultsOf(images(1024)), [])
})
