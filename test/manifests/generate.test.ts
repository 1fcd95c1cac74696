import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { NOT_SUPPORTED_YET } from '#core/kinds/cluster-image-policy.ts'
import { generatedManifests } from '#manifests/generate.ts'
import { type Schema, toStructural } from '#manifests/structural-schema.ts'

const FOLDER = new URL('../../manifests/', import.meta.url)

type Version = { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }

const crd = parse(generatedManifests().get('crds/clusterimagepolicies.policy.sigstore.dev.yaml') ?? '')
const versions = crd.spec.versions as readonly Version[]
const schema = versions[0]?.schema.openAPIV3Schema as Schema

t.test('what is committed is what npm run manifests writes', async t => {
  for (const [path, text] of generatedManifests()) t.equal(readFileSync(new URL(path, FOLDER), 'utf8'), text, path)
})

t.test('both versions are served with one schema, and the first of them is stored', async t => {
  t.match(versions, [
    { name: 'v1alpha1', served: true, storage: true, subresources: { status: {} } },
    { name: 'v1beta1', served: true, storage: false, subresources: { status: {} } },
  ])
  t.strictSame(versions[1]?.schema, versions[0]?.schema)
})

t.test('every node has a type or keeps what it is given, and every text and list of the spec has a bound', async t => {
  const nodes: Schema[] = []
  const visit = (node: Schema) => {
    nodes.push(node)
    for (const child of Object.values((node['properties'] ?? {}) as Record<string, Schema>)) visit(child)
    if (node['items'] !== undefined) visit(node['items'] as Schema)
  }
  visit(schema)
  t.ok(nodes.length > 25)
  for (const node of nodes) {
    const { type, enum: words, maxLength, maxItems } = node as Record<string, unknown>
    t.ok(type !== undefined || node['x-kubernetes-preserve-unknown-fields'] === true, JSON.stringify(node))
    for (const no of ['anyOf', 'oneOf', '$ref', 'additionalProperties', 'const']) t.notOk(no in node, no)
    if (type === 'array') t.type(maxItems, 'number')
    const isOfTheServer = JSON.stringify(node) === '{"type":"string"}'
    if (type === 'string' && words === undefined && !isOfTheServer) t.type(maxLength, 'number', JSON.stringify(node))
  }
})

t.test('what is known and not supported yet is stored as it comes', async t => {
  const at = (...path: readonly string[]) => path.reduce((node, step) => node[step] as Schema, schema)
  const authority = ['properties', 'spec', 'properties', 'authorities', 'items', 'properties']
  const places = [
    { path: ['properties', 'spec', 'properties'], names: NOT_SUPPORTED_YET.spec },
    { path: authority, names: NOT_SUPPORTED_YET.authority },
    { path: [...authority, 'key', 'properties'], names: NOT_SUPPORTED_YET.key },
    { path: [...authority, 'keyless', 'properties'], names: NOT_SUPPORTED_YET.keyless },
    { path: [...authority, 'attestations', 'items', 'properties'], names: NOT_SUPPORTED_YET.attestation },
  ]
  for (const { path, names } of places)
    for (const name of names) t.strictSame(at(...path, name), { 'x-kubernetes-preserve-unknown-fields': true }, name)
})

t.test('says of signers, logs and attestations what the API server can hold people to', async t => {
  const at = (...path: readonly string[]) => path.reduce((node, step) => node[step] as Schema, schema)
  const authority = ['properties', 'spec', 'properties', 'authorities', 'items', 'properties']
  t.match(at(...authority, 'keyless'), {
    required: ['identities'],
    properties: {
      identities: { minItems: 1, maxItems: 64, items: { properties: { subjectRegExp: { maxLength: 1024 } } } },
      insecureIgnoreSCT: { type: 'boolean' },
    },
  })
  t.match(at(...authority, 'attestations'), {
    maxItems: 16,
    items: { required: ['name', 'predicateType'], properties: { name: { minLength: 1 } } },
  })
  t.strictSame(at(...authority, 'signatureFormat'), { type: 'string', enum: ['', 'legacy', 'bundle'] })
})

t.test('a keyword that the API server would not enforce is a fault of ours', async t => {
  t.throws(() => toStructural({ type: 'string', pattern: '^a$' }), /"pattern" has no place/)
  t.throws(() => toStructural({ anyOf: [{ type: 'string' }] }), /expected a schema with a type/)
  t.throws(() => toStructural({ type: 'integer', minimum: 1 }), /"minimum"/)
  t.strictSame(toStructural({ type: 'integer', minimum: Number.MIN_SAFE_INTEGER }), {
    type: 'integer',
    format: 'int64',
  })
  t.strictSame(toStructural({ type: 'object', additionalProperties: {} }), {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
  })
})

t.test('no program may touch a secret, use a wildcard, or write a policy', async t => {
  for (const file of ['webhook-rbac.yaml', 'reconcilers-rbac.yaml']) {
    const objects = parseAllDocuments(readFileSync(new URL(`base/${file}`, FOLDER), 'utf8')).map(one => one.toJS())
    const rules = objects.flatMap(({ rules = [] }) => rules)
    t.ok(rules.length > 0)
    for (const { apiGroups, resources, verbs } of rules) {
      t.notOk([...apiGroups, ...resources, ...verbs].includes('*'))
      t.notOk(resources.includes('secrets'))
      if (resources.includes('clusterimagepolicies')) t.strictSame(verbs, ['list', 'watch'])
    }
  }
})
