import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { parsePolicies } from '#policies/load-policies.ts'

const DATA = readFileSync(join(import.meta.dirname, '../fixtures/images/keys/p256.pub'), 'utf8')

function makeDocument(name: string, spec: object = {}): object {
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name },
    spec: { images: [{ glob: '**' }], authorities: [{ key: { data: DATA } }], ...spec },
  }
}

/** Each value a document of its own: `1.yaml`, `2.yaml`, … */
function parse(...values: readonly unknown[]) {
  return parsePolicies(values.map((value, index) => ({ source: `${index + 1}.yaml`, value })))
}

function faultsOf(...values: readonly unknown[]): readonly string[] {
  try {
    parse(...values)
    return []
  } catch (error) {
    if (error instanceof InputError) return error.message.split('\n')
    throw error
  }
}

t.test('loads policies of both versions and sorts them by name', async t => {
  const alpha = { ...makeDocument('b'), apiVersion: 'policy.sigstore.dev/v1alpha1' }
  const { policies } = parse(makeDocument('c'), alpha, makeDocument('a-1'), makeDocument('a.1'))
  t.strictSame(
    policies.map(({ name, source }) => [name, source]),
    [
      ['a-1', '3.yaml'],
      ['a.1', '4.yaml'],
      ['b', '2.yaml'],
      ['c', '1.yaml'],
    ],
  )
})

t.test('loads nothing from nothing', async t => {
  t.strictSame(parse(), { policies: [], warnings: [] })
})

t.test('unfolds lists, as kubectl and as the API server write them', async t => {
  const items = [makeDocument('b'), makeDocument('a')]
  for (const [apiVersion, kind] of [
    ['v1', 'List'],
    ['policy.sigstore.dev/v1alpha1', 'ClusterImagePolicyList'],
    ['policy.sigstore.dev/v1beta1', 'ClusterImagePolicyList'],
  ]) {
    const { policies } = parse({ apiVersion, kind, metadata: {}, items })
    t.strictSame(
      policies.map(({ name, source }) => [name, source]),
      [
        ['a', '1.yaml, item 2'],
        ['b', '1.yaml, item 1'],
      ],
    )
  }
})

t.test('unfolds no list of lists, and no list without items', async t => {
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: [{ apiVersion: 'v1', kind: 'List', items: [makeDocument('a')] }],
  }
  t.match(faultsOf(list), [/^1\.yaml, item 1: expected one of .*, got "List" of "v1"$/])
  t.match(faultsOf({ apiVersion: 'v1', kind: 'List' }), [/^1\.yaml: expected one of .*, got "List" of "v1"$/])
})

t.test('refuses kinds that it does not know, by name', async t => {
  const strangers: readonly (readonly [unknown, string])[] = [
    [
      { apiVersion: 'policy.sigstore.dev/v1alpha1', kind: 'TrustRoot' },
      '"TrustRoot" of "policy.sigstore.dev/v1alpha1"',
    ],
    [
      { ...makeDocument('a'), apiVersion: 'policy.sigstore.dev/v1' },
      '"ClusterImagePolicy" of "policy.sigstore.dev/v1"',
    ],
    [{ apiVersion: 'v1', kind: 'Secret' }, '"Secret" of "v1"'],
    [{ kind: 'ClusterImagePolicy' }, '"ClusterImagePolicy" of nothing'],
    [{ apiVersion: { toString: 1 }, kind: 1n }, 'bigint of object'],
    [JSON.parse('{"__proto__":{"apiVersion":"v1","kind":"List"}}'), 'nothing of nothing'],
    [Object.create(makeDocument('a')), 'nothing of nothing'],
    [[makeDocument('a')], 'nothing of nothing'],
    [null, 'nothing of nothing'],
    ['a text', 'nothing of nothing'],
  ]
  for (const [value, found] of strangers)
    t.strictSame(faultsOf(value), [
      `1.yaml: expected one of policy.sigstore.dev/v1alpha1 ClusterImagePolicy, policy.sigstore.dev/v1beta1 ClusterImagePolicy, got ${found}`,
    ])
})

t.test('refuses two policies of one name, and says where they are', async t => {
  t.strictSame(faultsOf(makeDocument('a'), makeDocument('b'), makeDocument('a')), [
    '1.yaml, 3.yaml: duplicate value: a: metadata.name',
  ])
})

t.test('tells the faults of all documents at once, and loads none of them', async t => {
  const faults = faultsOf(
    makeDocument('a', { mode: 'audit', images: [] }),
    { kind: 'Secret', apiVersion: 'v1' },
    makeDocument('b'),
    makeDocument('b'),
    makeDocument('c', { match: [{ resource: 'pods' }] }),
  )
  t.match(faults, [
    '1.yaml: missing field(s): spec.images',
    '1.yaml: invalid value: audit: spec.mode: unsupported mode, expected enforce or warn',
    /^2\.yaml: expected one of/,
    '5.yaml: not supported yet: spec.match',
    '3.yaml, 4.yaml: duplicate value: b: metadata.name',
  ])
})

t.test('collects what is odd and no fault, and names the document', async t => {
  const { warnings } = parse(makeDocument('a'), makeDocument('b', { images: [{ glob: 'nginx@*' }] }))
  t.equal(warnings.length, 1)
  t.match(warnings[0], /^2\.yaml: spec\.images\[0\]\.glob: "nginx@\*" never matches/)
})
