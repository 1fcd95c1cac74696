/** The embedded Sigstore before the real cosign: what it makes is accepted, what it spoils is refused by cosign and by Shedu alike, but for what stands here. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parsePublicKey } from '#core/domain/public-key.ts'
import { ALICE, demandOf, fetchArtefacts, policiesFor, SCHEMES, type Scheme, signNew } from '../conformance/schemes.ts'
import { makeClient } from '../core/registry/make-client.ts'
import { makeCosign2, makeCosign3 } from '../stack/make-runner.ts'
import { makeWorkFolder } from '../stack/work-folder.ts'
import { startRegistry } from '../support/embedded-registry.ts'
import { makePod } from '../support/make-subject.ts'
import { startWebhook } from '../support/webhook-process.ts'
import { askCosign } from './ask-cosign.ts'
import { makePolicy } from './stage.ts'
import { writeTrustFiles } from './write-trust-files.ts'

t.setTimeout(300_000)

/** The schemes in which faults are shown, and what a fault must need to be shown there: one is enough for what all have. */
const COMPARED: Readonly<Record<string, 'all' | 'timestamp' | 'statement'>> = {
  'bundle 0.3, keyless': 'all',
  'bundle 0.2, keyless': 'all',
  'sig, keyless': 'all',
  'att, keyless': 'all',
  'sig, stamped, keyless': 'timestamp',
  'attestation in a bundle 0.3, keyless': 'statement',
  'bundle 0.3, key': 'all',
}

/** What cosign refuses and Shedu admits, by fault. */
const STRICTER_IN_COSIGN: Readonly<Record<string, readonly string[]>> = {
  // One log that speaks twice is one log. Shedu counts it once, so that only who asks for two logs is refused.
  'entry-twice': ['bundle 0.2, keyless', 'bundle 0.3, key', 'bundle 0.3, keyless'],
  // In its older layouts cosign reads the older form of the issuer alone, which Fulcio's own list of extensions calls deprecated.
  'issuer-v2-only': ['att, keyless', 'sig, keyless'],
}

const WITH_CERTIFICATE = ['att, keyless', 'bundle 0.2, keyless', 'bundle 0.3, keyless', 'sig, keyless']
const IN_REKOR_2 = ['bundle 0.3, key', 'bundle 0.3, keyless']

/** What Shedu refuses and cosign accepts, by fault: checks that cosign leaves out. */
const LEFT_OUT_BY_COSIGN: Readonly<Record<string, readonly string[]>> = {
  // Go takes a certificate without an extended key usage for one of every purpose, and asks a leaf for nothing else.
  'no-code-signing-eku': WITH_CERTIFICATE,
  'no-key-usage-digital-signature': WITH_CERTIFICATE,
  'leaf-is-ca': WITH_CERTIFICATE,
  // Nobody's Fulcio certifies such a key; Go verifies with RSA of 1024 bits and more, and only for bundles does cosign have a list of kinds.
  'weak-key': ['att, keyless', 'sig, keyless'],
  // It looks at the older form only, as above.
  'issuers-conflict': ['att, keyless', 'sig, keyless'],
  // Of Rekor v2 it makes the entry anew out of the bundle and asks whether that is in the log: the body, the index in the
  // proof and the root beside the checkpoint are not read.
  'body-changed-after-promise': IN_REKOR_2,
  'index-out-of-range': IN_REKOR_2,
  'root-hash-differs': IN_REKOR_2,
  // The time for which the trust root believes in a log is compared with promises, of which Rekor v2 makes none.
  'log-key-ended': IN_REKOR_2,
  'log-key-not-begun': IN_REKOR_2,
  // Of an attestation's entry in Rekor v1 only the hash of the envelope is compared.
  'entry-other-signature': ['att, keyless'],
  // Asked for timestamps, it is content with the promise of the log where there is none.
  'stamp-missing': ['sig, stamped, keyless'],
  // The type of the payload and the digest in it are enough.
  'statement-unknown-type': [
    'att, keyless',
    'attestation in a bundle 0.3, keyless',
    'bundle 0.2, keyless',
    'bundle 0.3, key',
    'bundle 0.3, keyless',
  ],
}

/** Faults of a Sigstore's own authorities, which its trust root then lists as they are. */
const OF_AUTHORITIES = [
  'intermediate-not-ca',
  'intermediate-no-cert-sign',
  'intermediate-path-length-exceeded',
  'stamp-no-eku',
  'stamp-eku-not-critical',
]

/** A cosign waits for the registry about as long as it reckons. */
const AT_ONCE = 4

const [registry, cosign, trustRoots] = await Promise.all([startRegistry(t), makeCosign3(t), makeWorkFolder(t, 'trust')])
const pem = await registry.key('release')
const publicKey = join(cosign.folder, 'release.pub')
await writeFile(publicKey, pem)
const root = await registry.sigstore({ name: 'acme' })
const trustedRoot = await writeRoot('default', root)
for (const fault of OF_AUTHORITIES) await writeRoot(fault, await registry.sigstore({ name: fault, fault }))
const policies = SCHEMES.flatMap(scheme => policiesFor(scheme, registry.host, pem))
const webhook = await startWebhook(t, registry.host, [...policies, ...OF_AUTHORITIES.flatMap(policiesOf)], {
  SHEDU_TRUST_ROOTS_DIR: trustRoots,
})
const view = makeClient(t, [{ host: registry.host, plainHttp: true }])
const key = { kind: 'key', key: parsePublicKey(pem), hash: 'sha256' } as const
const faults = await registry.signatureFaults()

t.test('cosign 3 accepts what has no fault in every layout, by every signer, and so does the webhook', async t => {
  await inParallel(SCHEMES, async scheme => {
    t.strictSame(await compare(scheme), { ours: 'admitted', theirs: undefined }, scheme.name)
  })
})

t.test('cosign 3 accepts nobody else, and no other Sigstore', async t => {
  const other = await writeRoot('other', await registry.sigstore({ name: 'other' }))
  for (const scheme of SCHEMES.filter(({ name }) => name in COMPARED)) {
    const question = await signFor(scheme)
    if (scheme.order.keyless !== undefined)
      t.type(await askCosign(cosign, { ...question, subject: `${ALICE.subject}s` }), 'string', scheme.name)
    t.type(await askCosign(cosign, { ...question, trustedRoot: other }), 'string', scheme.name)
  }
})

t.test('cosign 2 accepts the older layouts, with keys and certificates in files of their own', async t => {
  const cosign2 = await makeCosign2(t)
  const env = await writeTrustFiles(root, cosign2.folder)
  const who = [`--certificate-identity=${ALICE.subject}`, `--certificate-oidc-issuer=${ALICE.issuer}`]
  for (const scheme of SCHEMES.filter(({ name }) => /^(sig|att),.*keyless$/.test(name))) {
    const { image } = await signFor(scheme)
    const stamps = scheme.order.timestamp === true ? ['--use-signed-timestamps'] : []
    const what = scheme.name.startsWith('sig') ? ['verify'] : ['verify-attestation', '--type=slsaprovenance1']
    const verify = cosign2.run([...what, ...who, ...stamps, '--offline', image], { env })
    await t.resolves(verify, scheme.name)
  }
})

t.test('a fault is refused by both, but for what is listed', async t => {
  const cases = SCHEMES.flatMap(scheme =>
    faults.filter(({ needs }) => isCompared(scheme, needs)).map(({ name }) => ({ scheme, fault: name })),
  )
  const found = await inParallel(cases, async ({ scheme, fault }) => {
    const { ours, theirs } = await compare(scheme, fault)
    return { fault, scheme: scheme.name, isOurs: ours === 'admitted', isTheirs: theirs === undefined }
  })
  t.strictSame(listed(found.filter(({ isOurs, isTheirs }) => isOurs && !isTheirs)), STRICTER_IN_COSIGN)
  t.strictSame(listed(found.filter(({ isOurs, isTheirs }) => isTheirs && !isOurs)), LEFT_OUT_BY_COSIGN)
  const shown = new Set(cases.map(({ fault }) => fault))
  t.strictSame(
    faults.filter(({ name }) => !shown.has(name)),
    [],
    'every fault is shown',
  )
})

t.test('an authority that is at fault is believed by neither, though the trust root lists it', async t => {
  for (const fault of OF_AUTHORITIES) {
    const { ours, theirs } = await compare(schemeOf(fault), undefined, join(trustRoots, `${fault}.json`))
    t.not(ours, 'admitted', fault)
    t.type(theirs, 'string', fault)
  }
})

type Verdicts = { readonly ours: string; readonly theirs: string | undefined }

/** `admitted` or our code, and what cosign complains of. */
async function compare(scheme: Scheme, fault?: string, root = trustedRoot): Promise<Verdicts> {
  const question = { ...(await signFor(scheme, fault)), trustedRoot: root }
  const [theirs, { allowed, status }] = await Promise.all([
    askCosign(cosign, question),
    webhook.create(makePod(question.image)),
  ])
  return { ours: allowed ? 'admitted' : (/refused: ([^\s,]+)/.exec(status?.message ?? '')?.[1] ?? ''), theirs }
}

/** Signs an image of its own, and gives what cosign is to be asked about it. */
async function signFor(scheme: Scheme, fault?: string) {
  const attached = await signNew(registry, scheme, fault === undefined ? {} : { fault })
  const { repository, digest } = attached
  // From a registry cosign takes bundles of version 0.3 only.
  const isOld = scheme.order.bundleVersion !== undefined
  const [artefact] = isOld ? await fetchArtefacts(view, registry.host, attached, demandOf(scheme, key)) : []
  const bundle = artefact?.layout === 'bundle' ? artefact.bytes : undefined
  const subject = fault === 'username-san' ? { subject: 'alice!users.test' } : {}
  const image = `${registry.host}/${repository}@${digest}`
  return { scheme, image, digest, bundle, trustedRoot, publicKey, ...subject }
}

function isCompared({ name, has }: Scheme, needs: readonly string[]): boolean {
  const which = COMPARED[name]
  if (which === undefined || !needs.every(need => has.includes(need))) return false
  return which === 'all' || needs.includes(which)
}

type Differing = readonly { readonly fault: string; readonly scheme: string }[]

/** As the tables have it. */
function listed(differing: Differing): Readonly<Record<string, readonly string[]>> {
  const faults = Object.entries(Object.groupBy(differing, ({ fault }) => fault))
  return Object.fromEntries(faults.map(([fault, ones = []]) => [fault, ones.map(({ scheme }) => scheme).toSorted()]))
}

/** What a policy asks of images that the Sigstore of this fault has signed: everything that cosign 3 writes. */
function policiesOf(fault: string): readonly object[] {
  const trust = { trustRootRef: fault }
  const keyless = { identities: [ALICE], ...trust }
  return ['ctlog', 'rfc3161timestamp'].map(witness =>
    makePolicy(`${fault}-${witness}`, [`${registry.host}/${fault}/**`], {
      authorities: [{ keyless, [witness]: trust }],
    }),
  )
}

function schemeOf(fault: string): Scheme {
  const scheme = SCHEMES.find(({ name }) => name === 'bundle 0.3, keyless')
  if (scheme === undefined) throw new Error('expected that scheme')
  return { ...scheme, folder: fault, order: { ...scheme.order, keyless: { sigstore: fault, ...ALICE } } }
}

async function writeRoot(name: string, json: object): Promise<string> {
  const file = join(trustRoots, `${name}.json`)
  await writeFile(file, JSON.stringify(json))
  return file
}

async function inParallel<One, Answer>(ones: readonly One[], ask: (one: One) => Promise<Answer>): Promise<Answer[]> {
  const waiting = ones.values()
  const answers: Answer[] = []
  const work = async () => {
    for (const one of waiting) answers.push(await ask(one))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return answers
}
