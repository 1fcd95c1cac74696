/** Every image that the real cosign signed or attested, under policies that ask for identities, logs, times and attestations. */
import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { assembleGate } from '#assembly/assemble-gate.ts'
import type { KubeObject } from '#core/domain/subject.ts'
import { preflight } from '#core/gate/preflight.ts'
import { COMPILE_CACHE } from '#core/runtime/start-program.ts'
import { RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
import { makePod, makeSubject } from '#test/support/make-subject.ts'
import { startWebhook, type WebhookProcess } from '#test/support/webhook-process.ts'

const FIXTURES = join(RECORDED_LAYOUTS, '..')

t.setTimeout(180_000)

type By = { readonly key?: string; readonly identity?: string; readonly issuer?: string }
type Case = {
  readonly image: string
  readonly layout: string
  readonly signedBy: readonly By[]
  readonly log?: string
  readonly time?: string
  readonly hashAlgorithm?: string
  readonly attestations?: readonly { readonly predicateType: string; readonly by: By }[]
}

const { cases } = JSON.parse(readFileSync(join(FIXTURES, 'cases.json'), 'utf8')) as { readonly cases: readonly Case[] }

const ALICE = { issuer: 'http://127.0.0.1:7000', subject: 'alice@example.test' }
const CI = {
  issuer: 'http://127.0.0.1:7000/ci',
  subject: 'https://ci.example.test/acme/app/.ci/release.yml@refs/heads/main',
}
const P256 = readFileSync(join(FIXTURES, 'keys', 'p256.pub'), 'utf8')
const PROVENANCE = 'https://slsa.dev/provenance/v1'

function isBy(by: By, { issuer, subject }: typeof ALICE): boolean {
  return by.identity === subject && by.issuer === issuer
}

const isByP256 = ({ key }: By) => key === 'keys/p256.pub'

function signedBy(isSigner: (by: By) => boolean): (one: Case) => boolean {
  return one => one.signedBy.some(isSigner)
}

function attestedBy(predicateType: string, isSigner: (by: By) => boolean): (one: Case) => boolean {
  return ({ attestations = [] }) => attestations.some(one => one.predicateType === predicateType && isSigner(one.by))
}

/** What a policy says of its one authority, which images it must admit, and the codes it may refuse the others with. */
type Expectation = readonly [title: string, authority: object, admits: (one: Case) => boolean, least: number]

const isLegacy = ({ layout }: Case) => layout.startsWith('legacy')
const isLogged = ({ log = 'none' }: Case) => log !== 'none'

const EXPECTATIONS: readonly Expectation[] = [
  ['signed by alice', { keyless: { identities: [ALICE] } }, signedBy(by => isBy(by, ALICE)), 4],
  ['signed by the CI', { keyless: { identities: [CI] } }, signedBy(by => isBy(by, CI)), 2],
  [
    'signed by either, by regular expression',
    {
      keyless: {
        identities: [{ issuerRegExp: '^http://127\\.0\\.0\\.1:7000(/ci)?$', subjectRegExp: 'example\\.test' }],
      },
    },
    signedBy(by => isBy(by, ALICE) || isBy(by, CI)),
    6,
  ],
  [
    'the subject of one with the issuer of the other',
    { keyless: { identities: [{ ...ALICE, issuer: CI.issuer }] } },
    () => false,
    0,
  ],
  [
    'a subject that begins like hers',
    { keyless: { identities: [{ ...ALICE, subject: 'alice@example.tes' }] } },
    () => false,
    0,
  ],
  [
    'signed by alice, in the legacy layout',
    { keyless: { identities: [ALICE] }, signatureFormat: 'legacy' },
    one => isLegacy(one) && one.signedBy.some(by => isBy(by, ALICE)),
    2,
  ],
  [
    'signed by alice, in a bundle',
    { keyless: { identities: [ALICE] }, signatureFormat: 'bundle' },
    one => !isLegacy(one) && one.signedBy.some(by => isBy(by, ALICE)),
    2,
  ],
  [
    'signed by alice and stamped',
    { keyless: { identities: [ALICE], trustRootRef: 'default' }, rfc3161timestamp: { trustRootRef: 'default' } },
    one => one.time === 'RFC 3161' && one.signedBy.some(by => isBy(by, ALICE)),
    2,
  ],
  [
    'signed by the key',
    { key: { data: P256 } },
    one => one.hashAlgorithm === undefined && one.signedBy.some(isByP256),
    5,
  ],
  [
    'signed by the key and logged',
    { key: { data: P256 }, ctlog: { trustRootRef: 'default' } },
    one => isLogged(one) && one.signedBy.some(isByP256),
    2,
  ],
  [
    'signed by the key and stamped',
    { key: { data: P256 }, rfc3161timestamp: { trustRootRef: 'default' } },
    one => one.time === 'RFC 3161' && one.signedBy.some(isByP256),
    1,
  ],
  [
    'provenance by the CI',
    { keyless: { identities: [CI] }, attestations: [{ name: 'built', predicateType: PROVENANCE }] },
    attestedBy(PROVENANCE, by => isBy(by, CI)),
    2,
  ],
  [
    'provenance by alice',
    { keyless: { identities: [ALICE] }, attestations: [{ name: 'built', predicateType: PROVENANCE }] },
    attestedBy(PROVENANCE, by => isBy(by, ALICE)),
    1,
  ],
  [
    'provenance by the key',
    { key: { data: P256 }, attestations: [{ name: 'built', predicateType: PROVENANCE }] },
    attestedBy(PROVENANCE, isByP256),
    1,
  ],
  [
    'a bill of materials by the key',
    { key: { data: P256 }, attestations: [{ name: 'parts', predicateType: 'https://cyclonedx.org/bom' }] },
    attestedBy('https://cyclonedx.org/bom', isByP256),
    1,
  ],
]

function trustRootsFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'shedu-trust-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  copyFileSync(join(FIXTURES, 'trusted_root.json'), join(folder, 'default.json'))
  return folder
}

/** One of each sort goes through the processes; all of them would show nothing more. */
const THROUGH_PROCESSES = [
  'signed by alice',
  'signed by the key and logged',
  'signed by alice and stamped',
  'provenance by the CI',
]

/** All policies would have to hold at once, so each has a folder of its own. */
const folderOf = (title: string) => title.toLowerCase().replaceAll(' ', '-')

const registry = await startRegistry(t, {
  layouts: RECORDED_LAYOUTS,
  prefix: ['vec', ...THROUGH_PROCESSES.map(folderOf)],
})
const trustRoots = trustRootsFolder(t)

function podsOf(folder: string): readonly object[] {
  return cases.map(({ image }) => ({
    ...makePod(`${registry.host}/${folder}/${image}:v1`),
    metadata: { name: `${folder}-${image}` },
  }))
}

/** The outcome of `shedu check` for each of the objects. */
async function checkAll(
  { policiesDir, registriesFile }: WebhookProcess,
  objects: readonly object[],
): Promise<ReadonlyMap<string, string>> {
  const flags = ['--policies', policiesDir, '--registries', registriesFile, '--trust-roots', trustRoots, '-o', 'json']
  const stdout = await new Promise<string>(resolve => {
    // That something was refused is in the exit code, which is an error to whoever executes files.
    const child = execFile(
      process.execPath,
      ['cli/main.ts', 'check', '-f', '-', ...flags],
      { env: COMPILE_CACHE },
      (_, text) => resolve(text),
    )
    child.stdin?.end(objects.map(object => JSON.stringify(object)).join('\n---\n'))
  })
  const { results } = JSON.parse(stdout) as { results: readonly { readonly name: string; readonly outcome: string }[] }
  return new Map(results.map(({ name, outcome }) => [name, outcome]))
}

function policyOf(folder: string, authority: object): object {
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: folder },
    spec: { images: [{ glob: `${registry.host}/${folder}/**` }], authorities: [{ name: 'expected', ...authority }] },
  }
}

const throughProcesses = EXPECTATIONS.filter(([title]) => THROUGH_PROCESSES.includes(title))
const webhook = await startWebhook(
  t,
  registry.host,
  throughProcesses.map(([title, authority]) => policyOf(folderOf(title), authority)),
  { SHEDU_TRUST_ROOTS_DIR: trustRoots },
)
const checking = checkAll(
  webhook,
  THROUGH_PROCESSES.flatMap(title => podsOf(folderOf(title))),
)

t.equal(throughProcesses.length, THROUGH_PROCESSES.length)

for (const [title, , admits, least] of throughProcesses) {
  t.test(`the webhook and shedu check admit exactly what is ${title}`, async t => {
    const folder = folderOf(title)
    const objects = podsOf(folder)
    let admitted = 0
    for (const [index, one] of cases.entries()) {
      const cold = await webhook.create(objects[index] as never)
      const warm = await webhook.create(objects[index] as never)
      if (cold.allowed) admitted++
      t.equal(cold.allowed, admits(one), `${one.image}: ${cold.status?.message}`)
      t.strictSame([warm.allowed, warm.status], [cold.allowed, cold.status], `${one.image}, asked again`)
      const beforehand = (await checking).get(`${folder}-${one.image}`)
      t.equal(beforehand, admits(one) ? 'admitted' : 'refused', `${one.image} beforehand`)
    }
    t.ok(admitted >= least, `${admitted} admitted`)
  })
}

const objects = podsOf('vec')

for (const [title, authority, admits, least] of EXPECTATIONS) {
  t.test(`the gate that both of them assemble admits exactly what is ${title}, cold and warm`, async t => {
    const folder = t.testdir({
      policies: { 'expected.json': JSON.stringify(policyOf('vec', authority)) },
      'registries.json': JSON.stringify({ registries: [{ host: registry.host, plainHttp: true }] }),
    })
    const { gate, close } = await assembleGate({
      policiesDir: join(folder, 'policies'),
      registriesFile: join(folder, 'registries.json'),
      trustRootsDir: trustRoots,
      noMatch: 'deny',
      cacheBytes: 1024 * 1024,
    })
    t.teardown(close)
    const { signal } = new AbortController()
    const ask = async (object: object | undefined) =>
      (await preflight(makeSubject({ object: object as KubeObject }), gate, 'matched', signal)).verdict
    let admitted = 0
    for (const [index, one] of cases.entries()) {
      const cold = await ask(objects[index])
      if (cold.outcome === 'allow') admitted++
      t.equal(cold.outcome, admits(one) ? 'allow' : 'deny', one.image)
      t.strictSame(await ask(objects[index]), cold, `${one.image}, asked again`)
    }
    t.ok(admitted >= least, `${admitted} admitted`)
  })
}
