import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../stack/eventually.ts'
import { startSigstore } from '../stack/sigstore.ts'
import { makeWorkFolder } from '../stack/work-folder.ts'
import { type Deed, JANE, makeKeylessImageMaker, WORKFLOW } from './keyless-images.ts'
import { makePod } from './objects.ts'
import { below, makePolicy, setStage } from './stage.ts'

const PROVENANCE = 'https://slsa.dev/provenance/v1'

t.setTimeout(300_000)

const sigstore = await startSigstore(t)
const { make, publicKey } = await makeKeylessImageMaker(t, sigstore)
const jane = { issuer: sigstore.issuer.people, subject: JANE }
const workflow = { issuer: sigstore.issuer.workflows, subject: `https://github.com/${WORKFLOW}` }
const trustRoots = await makeWorkFolder(t, 'trust-roots')

/** Each folder of the registries, and what is asked of the images in it. */
const AUTHORITIES: Readonly<Record<string, object>> = {
  jane: { keyless: { identities: [jane] } },
  stamped: {
    keyless: { identities: [jane], trustRootRef: 'default' },
    rfc3161timestamp: { trustRootRef: 'default' },
  },
  workflow: {
    keyless: { identities: [{ ...workflow, subject: undefined, subjectRegExp: '^https://github\\.com/shop/' }] },
  },
  provenance: {
    keyless: { identities: [workflow] },
    attestations: [{ name: 'built', predicateType: PROVENANCE }],
  },
  key: { key: { data: publicKey }, ctlog: { trustRootRef: 'default' } },
  issuer: { keyless: { identities: [{ ...jane, issuer: workflow.issuer }] } },
  'other-logs': {
    keyless: { identities: [jane], trustRootRef: 'other-logs' },
    ctlog: { trustRootRef: 'other-logs' },
  },
  rotated: { keyless: { identities: [jane], trustRootRef: 'rotated' } },
}

const stage = await setStage(t, async ({ olareg, distribution, embedded }) => {
  const ours = await readFile(sigstore.trustedRoot, 'utf8')
  const other = await embedded.sigstore({ name: 'other' })
  await writeRoot('default', ours)
  await writeRoot('rotated', JSON.stringify(other))
  await writeRoot('other-logs', JSON.stringify({ ...JSON.parse(ours), tlogs: other['tlogs'] }))
  const hosts = [olareg.host, distribution.host]
  const policies = Object.entries(AUTHORITIES).map(([name, authority]) =>
    makePolicy(name, below(name, hosts), { authorities: [{ name, ...authority }] }),
  )
  return { policies, settings: { SHEDU_TRUST_ROOTS_DIR: trustRoots } }
})
const { olareg, distribution } = stage
await stage.closeGate()

/** Moved into its place, as the kubelet does it: nobody ever reads half of it. */
async function writeRoot(name: string, text: string): Promise<void> {
  const draft = join(trustRoots, `.${name}`)
  await writeFile(draft, text)
  await rename(draft, join(trustRoots, `${name}.json`))
}

const BY_JANE: Deed = { what: 'sign', by: 'jane', with: 'cosign 3, Rekor v2' }
const BY_WORKFLOW: Deed = { ...BY_JANE, by: 'workflow' }
const PROVEN: Deed = { ...BY_WORKFLOW, what: 'attest' }
const LEGACY: Deed = { ...BY_JANE, with: 'cosign 2, Rekor v1' }

type Case = readonly [title: string, image: string, deeds: readonly Deed[], code: string]

const ADMITTED: readonly (readonly [title: string, image: string, deeds: readonly Deed[]])[] = [
  ['signed by cosign 3, with Rekor v2 and a timestamp', `${olareg.host}/jane/web`, [BY_JANE]],
  ['signed like that and found under a fallback tag', `${distribution.host}/jane/web`, [BY_JANE]],
  ['signed by cosign 3, with Rekor v1', `${olareg.host}/jane/one`, [{ ...BY_JANE, with: 'cosign 3, Rekor v1' }]],
  ['signed by cosign 2, with Rekor v1', `${olareg.host}/jane/old`, [LEGACY]],
  ['signed like that in a registry without referrers', `${distribution.host}/jane/old`, [LEGACY]],
  ['signed by a workflow and by her', `${olareg.host}/jane/both`, [BY_WORKFLOW, BY_JANE]],
  ['signed and stamped', `${olareg.host}/stamped/web`, [BY_JANE]],
  ['signed by a workflow of the shop', `${olareg.host}/workflow/web`, [BY_WORKFLOW]],
  ['attested by cosign 3', `${olareg.host}/provenance/web`, [PROVEN]],
  ['attested by cosign 2', `${distribution.host}/provenance/old`, [{ ...LEGACY, what: 'attest', by: 'workflow' }]],
  ['signed with a key, with Rekor v2', `${olareg.host}/key/web`, [{ ...BY_JANE, by: 'key' }]],
  ['signed with a key, with Rekor v1', `${olareg.host}/key/old`, [{ ...LEGACY, by: 'key' }]],
]

const REFUSED: readonly Case[] = [
  ['signed by a workflow', `${olareg.host}/jane/workflow`, [BY_WORKFLOW], 'signature.wrong-identity'],
  ['that nobody signed', `${olareg.host}/jane/bare`, [], 'image.unsigned'],
  ['attested, not signed', `${olareg.host}/jane/attested`, [{ ...PROVEN, by: 'jane' }], 'attestation.wrong-type'],
  [
    'attested by cosign 2, not signed',
    `${olareg.host}/jane/old-attested`,
    [{ ...LEGACY, what: 'attest' }],
    'image.unsigned',
  ],
  ['signed, but not stamped', `${olareg.host}/stamped/old`, [LEGACY], 'time.missing'],
  ['signed by a person', `${olareg.host}/workflow/jane`, [BY_JANE], 'signature.wrong-identity'],
  ['signed under another issuer', `${olareg.host}/issuer/jane`, [BY_JANE], 'signature.wrong-identity'],
  ['entered in a log that is unknown', `${olareg.host}/other-logs/web`, [BY_JANE], 'log.untrusted'],
  ['signed, not attested', `${olareg.host}/provenance/signed`, [BY_WORKFLOW], 'attestation.missing'],
  ['attested by a stranger', `${olareg.host}/provenance/jane`, [{ ...PROVEN, by: 'jane' }], 'signature.wrong-identity'],
  ['signed with an identity', `${olareg.host}/key/jane`, [BY_JANE], 'signature.wrong-key'],
]

for (const [title, image, deeds] of ADMITTED) {
  t.test(`${folderOf(image)}: an image ${title} is admitted, and stored with its digest`, async t => {
    const terminal = await stage.open(t)
    const reference = `${image}:v1`
    const digest = await make(reference, ...deeds)
    await terminal.write('pod.yaml', makePod('web', reference))
    t.strictSame(await terminal.type('apply -f pod.yaml'), { code: 0, stdout: 'pod/web created\n', stderr: '' })
    t.equal(await terminal.read('pod web', '{..image}'), `${reference}@${digest}`)
  })
}

for (const [title, image, deeds, code] of REFUSED) {
  t.test(`${folderOf(image)}: an image ${title} is refused`, async t => {
    const terminal = await stage.open(t)
    await make(`${image}:v1`, ...deeds)
    const said = await terminal.type(`run web --image=${image}:v1`)
    t.match(said, { code: 1, stdout: '', stderr: `1 image refused: ${code}\n` })
  })
}

/** Whose policy it is. */
function folderOf(image: string): string {
  return image.split('/')[1] ?? ''
}

t.test('a trust root that is replaced is in force without a restart, in both directions', async t => {
  const terminal = await stage.open(t)
  const image = `${olareg.host}/rotated/web:v1`
  await make(image, BY_JANE)
  const run = `run web --image=${image} --dry-run=server`
  t.match(await terminal.type(run), { code: 1, stderr: '1 image refused: certificate.untrusted\n' })
  const other = await readFile(join(trustRoots, 'rotated.json'), 'utf8')
  const untilSaid = (code: number, words: string) =>
    eventually(words, async () => {
      const said = await terminal.type(run)
      return said.code === code && `${said.stderr}${said.stdout}`.includes(words) ? said : undefined
    })
  await writeRoot('rotated', await readFile(sigstore.trustedRoot, 'utf8'))
  await untilSaid(0, 'pod/web created')
  await writeRoot('rotated', '{"mediaType":"')
  await eventually('what cannot be taken to be said', async () =>
    (await readFile(stage.webhook.logFile, 'utf8')).includes('those before stay in force') ? true : undefined,
  )
  t.match(await terminal.type(run), { code: 0 }, 'as before')
  await writeRoot('rotated', other)
  // Proven a moment ago, under a trust root that is no longer there.
  await untilSaid(1, 'certificate.untrusted')
})
