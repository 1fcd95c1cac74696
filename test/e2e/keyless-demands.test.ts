/** What the real cosign has signed with a real Sigstore, under every demand that a policy can make of it, and under trust roots that lack a part. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { assembleGate } from '#assembly/assemble-gate.ts'
import { codesOf } from '#core/domain/verdict.ts'
import type { Gate } from '#core/gate/gate.ts'
import { preflight } from '#core/gate/preflight.ts'
import { startOlareg } from '../stack/registries.ts'
import { startSigstore } from '../stack/sigstore.ts'
import { makeWorkFolder } from '../stack/work-folder.ts'
import { startRegistry } from '../support/embedded-registry.ts'
import { makePod, makeSubject } from '../support/make-subject.ts'
import { type Deed, JANE, makeKeylessImageMaker, WORKFLOW } from './keyless-images.ts'
import { makePolicy } from './stage.ts'

t.setTimeout(300_000)

const [sigstore, olareg, embedded] = await Promise.all([startSigstore(t), startOlareg(t), startRegistry(t)])
const { make, publicKey } = await makeKeylessImageMaker(t, sigstore)

const PROVENANCE = 'https://slsa.dev/provenance/v1'
const BY_JANE: Deed = { what: 'sign', by: 'jane', with: 'cosign 3, Rekor v2' }
const IMAGES = {
  bundle2: BY_JANE,
  bundle1: { ...BY_JANE, with: 'cosign 3, Rekor v1' },
  legacy: { ...BY_JANE, with: 'cosign 2, Rekor v1' },
  stamped: { ...BY_JANE, with: 'cosign 2, Rekor v1, timestamp' },
  'key-bundle2': { ...BY_JANE, by: 'key' },
  'key-legacy': { what: 'sign', by: 'key', with: 'cosign 2, Rekor v1' },
  'attested-bundle2': { what: 'attest', by: 'workflow', with: 'cosign 3, Rekor v2' },
  'attested-legacy': { what: 'attest', by: 'workflow', with: 'cosign 2, Rekor v1' },
  'key-attested': { what: 'attest', by: 'key', with: 'cosign 3, Rekor v2' },
} as const satisfies Readonly<Record<string, Deed>>
type ImageName = keyof typeof IMAGES

const jane = { issuer: sigstore.issuer.people, subject: JANE }
const workflow = { issuer: sigstore.issuer.workflows, subject: `https://github.com/${WORKFLOW}` }
const keyless = { identities: [jane] }
const key = { data: publicKey }
const ctlog = { trustRootRef: 'default' }
const rfc3161timestamp = { trustRootRef: 'default' }
const attestations = [{ name: 'built', predicateType: PROVENANCE }]

/** What becomes of the images that a row speaks of: admitted, or the code. */
type Expected = Readonly<Partial<Record<ImageName, string>>>
const all = (outcome: string): Expected => ({ bundle2: outcome, bundle1: outcome, legacy: outcome, stamped: outcome })
const attested = (outcome: string): Expected => ({ 'attested-bundle2': outcome, 'attested-legacy': outcome })

/** A member of the trust root that is another Sigstore's: what was there has been rotated away. */
type Foreign = 'certificateAuthorities' | 'ctlogs' | 'timestampAuthorities' | 'Rekor v1' | 'Rekor v2'
type Row = readonly [title: string, authority: object, expected: Expected, foreign?: readonly Foreign[]]

const ROWS: readonly Row[] = [
  ['whoever signed is named', { keyless }, all('admitted')],
  [
    'whoever attested is named, and a signature is asked for',
    { keyless: { identities: [workflow] } },
    { 'attested-bundle2': 'attestation.wrong-type', 'attested-legacy': 'image.unsigned' },
  ],
  [
    'another subject is named',
    { keyless: { identities: [{ ...jane, subject: 'jane@shop.test.example' }] } },
    all('signature.wrong-identity'),
  ],
  [
    'another issuer is named',
    { keyless: { identities: [{ ...jane, issuer: workflow.issuer }] } },
    all('signature.wrong-identity'),
  ],
  ['the authority is not trusted', { keyless }, all('certificate.untrusted'), ['certificateAuthorities']],
  ['the certificate log is not trusted', { keyless }, all('sct.untrusted'), ['ctlogs']],
  [
    'the certificate log is not trusted, and not asked for',
    { keyless: { ...keyless, insecureIgnoreSCT: true } },
    all('admitted'),
    ['ctlogs'],
  ],
  ['Rekor v1 is not trusted', { keyless }, { ...all('log.untrusted'), bundle2: 'admitted' }, ['Rekor v1']],
  ['Rekor v2 is not trusted', { keyless }, { ...all('admitted'), bundle2: 'log.untrusted' }, ['Rekor v2']],
  [
    'the timestamp authority is not trusted',
    { keyless },
    { ...all('admitted'), bundle2: 'time.untrusted' },
    ['timestampAuthorities'],
  ],
  [
    'a timestamp is asked for',
    { keyless: { ...keyless, trustRootRef: 'default' }, rfc3161timestamp },
    { bundle2: 'admitted', stamped: 'admitted', bundle1: 'time.missing', legacy: 'time.missing' },
  ],
  [
    'a timestamp is asked for, and its authority is not trusted',
    { keyless: { ...keyless, trustRootRef: 'default' }, rfc3161timestamp },
    { bundle2: 'time.untrusted', stamped: 'time.untrusted', bundle1: 'time.missing', legacy: 'time.missing' },
    ['timestampAuthorities'],
  ],
  [
    'the legacy layout is asked for',
    { keyless, signatureFormat: 'legacy' },
    { legacy: 'admitted', stamped: 'admitted', bundle1: 'image.unsigned', bundle2: 'image.unsigned' },
  ],
  [
    'a bundle is asked for',
    { keyless, signatureFormat: 'bundle' },
    { legacy: 'image.unsigned', stamped: 'image.unsigned', bundle1: 'admitted', bundle2: 'admitted' },
  ],
  [
    'a key is named, and a log',
    { key, ctlog },
    { 'key-bundle2': 'admitted', 'key-legacy': 'admitted', bundle2: 'signature.wrong-key' },
  ],
  [
    'a key is named, and a log that is not trusted',
    { key, ctlog },
    { 'key-bundle2': 'log.untrusted', 'key-legacy': 'log.untrusted' },
    ['Rekor v1', 'Rekor v2'],
  ],
  [
    'provenance is asked for',
    { keyless: { identities: [workflow] }, attestations },
    { ...attested('admitted'), bundle2: 'attestation.missing', 'key-attested': 'signature.wrong-identity' },
  ],
  [
    'provenance is asked for, and the logs are not trusted',
    { keyless: { identities: [workflow] }, attestations },
    attested('log.untrusted'),
    ['Rekor v1', 'Rekor v2'],
  ],
  [
    'provenance by the key is asked for',
    { key, ctlog, attestations },
    { 'key-attested': 'admitted', 'attested-bundle2': 'signature.wrong-key' },
  ],
]

for (const [name, deed] of Object.entries(IMAGES)) await make(`${olareg.host}/shop/${name}:v1`, deed)

for (const [title, authority, expected, foreign = []] of ROWS) {
  t.test(`where ${title}`, async t => {
    const gate = await openGate(t, authority, foreign)
    const asked = Object.entries(expected).map(async ([image, outcome]) => {
      const object = makePod(`${olareg.host}/shop/${image}:v1`)
      const { verdict } = await preflight(makeSubject({ object }), gate, 'matched', new AbortController().signal)
      t.equal(verdict.outcome === 'allow' ? 'admitted' : codesOf(verdict).join(), outcome, image)
    })
    await Promise.all(asked)
  })
}

/** The gate that webhook and command line assemble, from files. */
async function openGate(t: Test, authority: object, foreign: readonly Foreign[]): Promise<Gate> {
  const folder = await makeWorkFolder(t, 'gate')
  const [policiesDir, trustRootsDir] = [join(folder, 'policies'), join(folder, 'trust-roots')]
  const registriesFile = join(folder, 'registries.json')
  const policy = makePolicy('expected', [`${olareg.host}/**`], { authorities: [authority] })
  for (const made of [policiesDir, trustRootsDir]) await mkdir(made)
  await writeFile(join(policiesDir, 'expected.json'), JSON.stringify(policy))
  await writeFile(join(trustRootsDir, 'default.json'), JSON.stringify(await trustRootWith(foreign)))
  await writeFile(registriesFile, JSON.stringify({ registries: [{ host: olareg.host, plainHttp: true }] }))
  const places = { policiesDir, trustRootsDir, registriesFile }
  const { gate, close } = await assembleGate({ ...places, noMatch: 'deny', cacheBytes: 1024 * 1024 })
  t.teardown(close)
  return gate
}

type TrustedRoot = Readonly<Record<string, unknown>> & { readonly tlogs: readonly { readonly baseUrl: string }[] }

async function trustRootWith(foreign: readonly Foreign[]): Promise<object> {
  const ours = JSON.parse(await readFile(sigstore.trustedRoot, 'utf8')) as TrustedRoot
  const theirs = (await embedded.sigstore({ name: 'other' })) as object as TrustedRoot
  const gone = [
    ...(foreign.includes('Rekor v1') ? [sigstore.rekor1.url] : []),
    ...(foreign.includes('Rekor v2') ? [sigstore.rekor2.url] : []),
  ]
  const members = foreign.filter(one => !one.startsWith('Rekor')).map(member => [member, theirs[member]] as const)
  const tlogs = [...ours.tlogs.filter(({ baseUrl }) => !gone.includes(baseUrl)), ...theirs.tlogs]
  return { ...ours, ...Object.fromEntries(members), tlogs }
}
