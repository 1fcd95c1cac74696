import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { listPolicies } from '#assembly/cluster-policies.ts'
import type { ClusterClient } from '#core/cluster/client.ts'
import { type ClusterCode, ClusterError, ClusterUnavailable } from '#core/cluster/cluster-error.ts'
import type { ClusterObject } from '#core/cluster/resource.ts'
import { InputError } from '#core/domain/input-error.ts'
import { deadline } from '#core/runtime/deadline.ts'
import { parsePolicies } from '#policies/load-policies.ts'
import type { Policy } from '#policies/policy.ts'

const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' })
const { signal } = new AbortController()

function makeObject(name: string, spec: object = {}): ClusterObject {
  return {
    apiVersion: 'policy.sigstore.dev/v1alpha1',
    kind: 'ClusterImagePolicy',
    metadata: { name, generation: 1, resourceVersion: '1', uid: `of ${name}` },
    spec: { images: [{ glob: `r.test/${name}/**` }], authorities: [{ key: { data: KEY } }], ...spec },
  }
}

function lists(...objects: readonly ClusterObject[]): Pick<ClusterClient, 'list'> {
  return { list: async () => ({ objects: objects.map(object => ({ object, bytes: 1 })), resourceVersion: '1' }) }
}

function fails(error: unknown): Pick<ClusterClient, 'list'> {
  return {
    list: async () => {
      throw error
    },
  }
}

const read = (client: Pick<ClusterClient, 'list'>, files: readonly Policy[] = []) =>
  listPolicies(client, 'prod', files, signal)

const shown = (policies: readonly Policy[]) => policies.map(({ name, requires }) => `${name} ${requires.kind}`)

t.test('valid policies are taken as they are, by name, and with what is odd about them', async t => {
  const keyless = { identities: [{ issuer: 'https://issuer.test', subjectRegExp: '.*' }] }
  const odd = makeObject('odd', { authorities: [{ keyless }] })
  const { policies, warnings } = await read(lists(odd, makeObject('a')))
  t.strictSame(shown(policies), ['a any-of', 'odd any-of'])
  t.match(warnings, [/^clusterimagepolicy\/odd: .*subjectRegExp/])
})

t.test('one that is not valid refuses what it names, and a warning says which it is and why', async t => {
  const bad = makeObject('bad', { authorities: [{ key: { data: 'no key' } }], policy: { type: 'cue', data: 'x' } })
  const { policies, warnings } = await read(lists(bad, makeObject('a')))
  t.strictSame(shown(policies), ['a any-of', 'bad invalid'])
  t.equal(warnings.length, 1)
  t.match(warnings[0], /^clusterimagepolicy\/bad is not valid, .*: spec\.policy; .*: spec\.authorities\[0\]\.key\.data/)
})

t.test('one that names nothing that can be read is not in force, and is told', async t => {
  const { policies, warnings } = await read(lists(makeObject('blind', { images: [{ glob: 'r.test/[' }] })))
  t.strictSame(shown(policies), [])
  t.match(warnings, [/^clusterimagepolicy\/blind is not in force: .*spec\.images\[0\]\.glob/])
})

t.test('a policy of a file wins over one of its name, which is told', async t => {
  const value = makeObject('a', { authorities: [{ static: { action: 'pass' } }] })
  const files = parsePolicies([{ source: 'policies/a.yaml', value }]).policies
  const { policies, warnings } = await read(lists(makeObject('a'), makeObject('b')), files)
  t.strictSame(
    policies.map(({ name, source }) => [name, source]),
    [
      ['a', 'policies/a.yaml'],
      ['b', 'clusterimagepolicy/b'],
    ],
  )
  t.match(warnings, [/^clusterimagepolicy\/a is not in force: .*policies\/a\.yaml has a policy of this name/])
})

t.test('a cluster without a policy is told', async t => {
  t.strictSame(await read(lists()), {
    policies: [],
    warnings: ['the cluster of the context "prod" has no ClusterImagePolicy'],
  })
})

async function errorFor(error: unknown): Promise<Error> {
  return read(fails(error)).then(
    () => t.fail('expected an error') as never,
    (error: Error) => error,
  )
}

t.test('each no of the API server says what it means and what helps, and is no matter of asking again', async t => {
  const says: Readonly<Partial<Record<ClusterCode, RegExp>>> = {
    forbidden: /prod" does not let us read .*: words; whoever asks needs the verb list on clusterimagepolicies\.policy/,
    unauthenticated: /does not know who asks: words; log in/,
    'not-found': /has no policies, for it does not know their kind: words; .*manifests\/crds/,
    limit: /has more policies than are read: words; .*--policies/,
    rejected: /does not give its policies: words/,
  }
  for (const [code, message] of Object.entries(says)) {
    const error = await errorFor(new ClusterError(code as ClusterCode, 'words'))
    t.type(error, InputError, code)
    t.match(error.message, message)
  }
})

t.test('silence, and a list that was forgotten on the way, may be another matter in a moment', async t => {
  const late = new AbortController()
  using limit = deadline(60_000, late.signal)
  late.abort()
  for (const cause of [
    new ClusterUnavailable('gone'),
    new ClusterError('expired', 'too old'),
    limit.signal.reason as unknown,
  ]) {
    const error = await errorFor(cause)
    t.type(error, ClusterUnavailable)
    t.match(
      error.message,
      /^the cluster of the context "prod" does not tell its policies: .*; kubectl --context "prod"/,
    )
    t.equal(error.cause, cause)
  }
})

t.test('a bug stays one', async t => {
  const bug = new TypeError('ours')
  t.equal(await errorFor(bug), bug)
})
