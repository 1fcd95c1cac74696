import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { assembleGate, type GateSettings } from '#assembly/assemble-gate.ts'
import { readDocuments } from '#assembly/read-documents.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'
import { admit } from '#core/gate/admit.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { ASKER, makePod, makeSubject } from '#test/support/make-subject.ts'
import { makeKeyPolicy } from '#test/support/webhook-process.ts'

const never = new AbortController().signal

const registry = await startRegistry(t)
const data = await registry.key('release')

function makeSettings(
  t: Test,
  files: Readonly<Record<string, string>>,
): GateSettings & { readonly policiesDir: string } {
  const folder = mkdtempSync(join(tmpdir(), 'shedu-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'policies'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return {
    policiesDir: join(folder, 'policies'),
    registriesFile: 'registries.yaml' in files ? join(folder, 'registries.yaml') : undefined,
    noMatch: 'deny',
    cacheBytes: 1024 * 1024,
  }
}

t.test(
  'assembles a gate that admits what a policy trusts, cold with ten requests at most and warm with none',
  async t => {
    const { digest } = await registry.image({ repository: 'app' })
    await registry.sign({ repository: 'app', digest, key: 'release' })
    const settings = makeSettings(t, {
      'policies/p.json': JSON.stringify(makeKeyPolicy('p', `${registry.host}/**`, [{ data }])),
      'registries.yaml': JSON.stringify({ registries: [{ host: registry.host, plainHttp: true }] }),
    })
    const { gate, policies, close } = await assembleGate(settings)
    t.teardown(close)
    t.strictSame(
      policies.map(policy => policy.name),
      ['p'],
    )
    const subject = makeSubject({ object: makePod(`${registry.host}/app@${digest}`) })
    await registry.forgetRequests()
    const cold = await admit(subject, gate, never)
    t.equal(cold.outcome, 'allow')
    const { length } = await registry.requests()
    t.ok(length <= 10, `${length} requests`)
    await registry.forgetRequests()
    t.strictSame(await admit(subject, gate, never), cold)
    t.strictSame(await registry.requests(), [])
  },
)

t.test('a warm cache does not admit what a moved tag points at now', async t => {
  const good = await registry.image({ repository: 'moved' })
  await registry.sign({ repository: 'moved', digest: good.digest, key: 'release' })
  const { gate, close } = await assembleGate(
    makeSettings(t, {
      'policies/p.json': JSON.stringify(makeKeyPolicy('p', `${registry.host}/**`, [{ data }])),
      'registries.yaml': JSON.stringify({ registries: [{ host: registry.host, plainHttp: true }] }),
    }),
  )
  t.teardown(close)
  const at = (digest: string) =>
    admit(makeSubject({ object: makePod(`${registry.host}/moved:v1@${digest}`) }), gate, never)
  t.equal((await at(good.digest)).outcome, 'allow')
  const evil = await registry.image({ repository: 'moved', contents: 'evil' })
  const answer = await gate.resolve(parseImageRef(`${registry.host}/moved:v1`), ASKER, never)
  t.equal(answer, evil.digest, 'the tag is asked for anew')
  t.equal((await at(evil.digest)).outcome, 'deny')
  t.equal((await at(good.digest)).outcome, 'allow', 'and the good digest is still good')
})

t.test('says what is wrong with which file', async t => {
  const policy = JSON.stringify(makeKeyPolicy('p', '**', [{ data: 'no key' }]))
  const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{}, /there is no policy in .*policies/],
    [{ 'policies/.hidden.yaml': policy, 'policies/notes.txt': 'x' }, /there is no policy/],
    [{ 'policies/bad.yaml': 'a: [1' }, /bad\.yaml:1:6: the indentation/],
    [{ 'policies/twice.yaml': 'a: 1\na: 2' }, /twice\.yaml:2:1: this key occurs twice/],
    [{ 'policies/key.json': policy }, /key\.json.*key\.data/s],
    [{ 'policies/two.yaml': `${policy}\n---\n${policy}` }, /two\.yaml, document 2/],
    [{ 'policies/bomb.yaml': bomb() }, /bomb\.yaml: more aliases/],
    [{ 'policies/tag.yaml': 'mode: !!foo warn' }, /tag\.yaml:1:7: this tag is not known/],
    [{ 'policies/big.yaml': `# ${'x'.repeat(4 * 1024 * 1024)}` }, /big\.yaml.*at most/],
  ]
  for (const [files, message] of cases) {
    const error = await assembleGate(makeSettings(t, files)).catch((caught: unknown) => caught)
    t.ok(error instanceof InputError, String(error))
    t.match(error, { message })
  }
  const settings = makeSettings(t, {})
  await t.rejects(
    assembleGate({ ...settings, policiesDir: '/does/not/exist' }),
    /cannot read the folder \/does\/not\/exist: it does not exist/,
  )
})

t.test('says which registries file is wrong', async t => {
  const policy = JSON.stringify({
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'p' },
    spec: { images: [{ glob: '**' }], authorities: [{ static: { action: 'pass' } }] },
  })
  const refused = (text: string) =>
    assembleGate(makeSettings(t, { 'policies/p.json': policy, 'registries.yaml': text }))
  await t.rejects(refused('registries: [{host: r.test, plainHtpp: true}]'), /registries\.yaml: .*plainHtpp/)
  await t.rejects(refused(''), /expected one document in .*registries\.yaml, got 0/)
  await t.rejects(refused('a: 1\n---\nb: 2'), /expected one document in .*registries\.yaml, got 2/)
})

t.test('reads documents in the order of the names of their files, empty ones left out', async t => {
  const { policiesDir } = makeSettings(t, {
    'policies/b.yml': 'n: 3',
    'policies/a.yaml': 'n: 1\n---\n---\nn: 2',
    'policies/c.json': '{"n":4}',
  })
  t.strictSame(
    readDocuments(policiesDir).documents.map(({ value }) => value),
    [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }],
  )
})

function bomb(): string {
  const lines = Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(', ')}]`)
  return ['a0: &a0 [x, x]', ...lines].join('\n')
}

t.test('reads folders in folders and names of any case, and says what it passed over', async t => {
  const { policiesDir } = makeSettings(t, {
    'policies/a.YAML': 'n: 1',
    'policies/old.yaml.bak': 'n: 9',
    'policies/.git': 'x',
  })
  mkdirSync(join(policiesDir, 'team', 'shop'), { recursive: true })
  writeFileSync(join(policiesDir, 'team', 'shop', 'b.yaml'), 'n: 2')
  const { documents, ignored } = readDocuments(policiesDir)
  t.strictSame(
    documents.map(({ value }) => value),
    [{ n: 1 }, { n: 2 }],
  )
  t.strictSame(ignored, [join(policiesDir, 'old.yaml.bak')])
  symlinkSync(policiesDir, join(policiesDir, 'team', 'loop'))
  t.throws(() => readDocuments(policiesDir), /folders inside each other|at most 1000 files/)
})

t.test('a fault in a file never repeats what stands there: it may be a secret', async t => {
  const settings = makeSettings(t, { 'policies/leak.yaml': 'password: hunter2\npassword: "hunter2\nkey: hunter2' })
  const error = await assembleGate(settings).catch((caught: unknown) => caught)
  t.match(error, { message: /leak\.yaml:\d/ })
  t.notMatch(String(error), /hunter2/)
})
