/** What comes out does not depend on the order in which things are listed, nor on how often one of them is. */
import fc from 'fast-check'
import t from 'tap'
import { parseTrustedRoot } from '#certs/trusted/parse-trusted-root.ts'
import type { Artefact } from '#core/domain/artefact.ts'
import type { Demand, SignatureDemand } from '#core/domain/demand.ts'
import { digestOf, hexOf } from '#core/domain/digest.ts'
import type { IdentityPattern, TextPattern } from '#core/domain/identity.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import { DEFAULT_TRUST_ROOT, type TrustRoot } from '#core/domain/trust-root.ts'
import { makeProver } from '#core/gate/prove.ts'
import { makeVerifier } from '#core/gate/verifier.ts'
import { verifyArtefact } from '#core/verify/sigstore/verify-artefact.ts'
import { encodePreAuth } from '#core/verify/statement/dsse.ts'
import { makeClient, patience, pinned } from '#test/core/registry/make-client.ts'
import { bodyOf, entryOf, jsonOf, makeLog } from '#test/core/verify/sigstore/log/make-log.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { ASKER } from '#test/support/make-subject.ts'
import { ALICE, BY_ALICE, demandOf, fetchArtefacts, PROVENANCE, SCHEMES, type Scheme, signNew } from './schemes.ts'

t.setTimeout(120_000)

const registry = await startRegistry(t)
const key = { kind: 'key', key: parsePublicKey(await registry.key('release')), hash: 'sha256' } as const
const root = parseTrustedRoot(
  Buffer.from(JSON.stringify(await registry.sigstore({ name: 'acme' }))),
  DEFAULT_TRUST_ROOT,
)
const view = makeClient(t, [{ host: registry.host, plainHttp: true }])

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'

function schemeOf(name: string): Scheme {
  const found = SCHEMES.find(scheme => scheme.name === name)
  if (found === undefined) throw new Error(`no scheme ${name}`)
  return found
}

/** Whatever is listed, in another order, and some of it more than once. */
function shuffled<Item>(items: readonly Item[]): fc.Arbitrary<readonly Item[]> {
  const subarrays = { minLength: items.length, maxLength: items.length }
  return fc
    .tuple(
      fc.shuffledSubarray([...items], subarrays),
      fc.subarray([...items], { maxLength: Math.min(3, items.length) }),
    )
    .chain(([all, again]) => {
      const both = [...all, ...again]
      return fc.shuffledSubarray(both, { minLength: both.length, maxLength: both.length })
    })
}

async function readJson(path: string) {
  const response = await fetch(`http://${registry.host}/v2/${path}`, { headers: { accept: '*/*' } })
  return response.json() as Promise<{ readonly layers: readonly object[]; readonly manifests: readonly object[] }>
}

t.test('a registry may list signatures, attestations and referrers in any order, and copies of them', async t => {
  const repository = 'many/app'
  const { digest } = await registry.image({ repository })
  const mallory = { keyless: { sigstore: 'acme', issuer: ALICE.issuer, subject: 'mallory@acme.test' } }
  const orders: readonly (readonly [scheme: string, more: object])[] = [
    ['sig, keyless', {}],
    ['sig, key', {}],
    ['sig, keyless', mallory],
    ['sig, keyless', { fault: 'log-unknown' }],
    ['sig, stamped, keyless', { fault: 'sct-missing' }],
    ['sig, key', { signedDigest: digestOf(Buffer.from('another')) }],
    ['bundle 0.3, keyless', {}],
    ['bundle 0.3, keyless', mallory],
    ['bundle 0.3, keyless', { fault: 'stamp-unknown-authority' }],
    ['bundle 0.2, keyless', { fault: 'checkpoint-flipped' }],
    ['attestation in a bundle 0.3, keyless', {}],
    ['attestation in a bundle 0.3, keyless', mallory],
    ['bundle 0.3, key', { fault: 'entry-other-digest' }],
  ]
  for (const [name, more] of orders) await registry.sign({ repository, digest, ...schemeOf(name).order, ...more })
  const image = pinned(registry.host, repository, digest)
  const tag = `sha256-${hexOf(image.digest)}`
  const signed = await readJson(`${repository}/manifests/${tag}.sig`)
  const { manifests } = await readJson(`${repository}/referrers/${digest}`)
  t.strictSame([signed.layers.length, manifests.length], [6, 7])
  // Where there is no referrers API, the list lies under a tag, in whatever order somebody wrote it.
  await registry.settings({ repository, referrersApi: false })

  const alice = demandOf(schemeOf('bundle 0.2, keyless'), key) as SignatureDemand
  const bob = { ...BY_ALICE, identities: [identity('exactly', ALICE.issuer, 'bob@acme.test')] }
  const demands: readonly Demand[] = [
    alice,
    demandOf(schemeOf('sig, key'), key),
    demandOf(schemeOf('bundle 0.3, keyless'), key),
    demandOf(schemeOf('attestation in a bundle 0.3, keyless'), key),
    demandOf(schemeOf('bundle 0.3, key'), key),
    { ...alice, by: bob },
    { ...alice, layout: 'legacy', by: bob },
    { ...alice, layout: 'bundle', by: bob },
    { ...alice, log: { trustRoot: DEFAULT_TRUST_ROOT, atLeast: 2 } },
    { ...alice, kind: 'attestation', predicateType: PROVENANCE, by: bob },
    { ...alice, kind: 'attestation', predicateType: 'https://cyclonedx.org/bom' },
  ]
  const verifier = makeVerifier({ now: () => new Date() })
  t.teardown(() => verifier.close())
  const trust = new Map([[DEFAULT_TRUST_ROOT, root]])
  const ask = async (layers: readonly object[], referrers: readonly object[]) => {
    const manifest = JSON.stringify({ ...signed, layers })
    await registry.put({ repository, tag: `${tag}.sig`, mediaType: OCI_MANIFEST, manifest })
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: referrers })
    await registry.put({ repository, tag, mediaType: OCI_INDEX, manifest: index })
    const prove = makeProver({
      viewFor: () => Promise.resolve(view),
      verify: verifier.verify,
      cache: { get: () => undefined, set: () => {} },
      trust: () => trust,
      now: () => new Date(),
    })(() => false)
    const found = await prove(image, demands, ASKER, patience)
    return found.map(one =>
      one.kind === 'proof' ? ['proof', one.proves, one.signer] : [one.kind, 'code' in one && one.code, one.detail],
    )
  }
  const expected = await ask(signed.layers, manifests)
  t.strictSame(
    expected.map(([kind, code]) => (kind === 'proof' ? kind : code)),
    [
      'proof',
      'proof',
      'proof',
      'proof',
      'log.mismatch',
      'signature.wrong-identity',
      'signature.wrong-identity',
      'signature.wrong-identity',
      'log.invalid',
      'signature.wrong-identity',
      'attestation.missing',
    ],
  )
  await fc.assert(
    fc.asyncProperty(shuffled(signed.layers), shuffled(manifests), async (layers, referrers) => {
      t.strictSame(await ask(layers, referrers), expected)
    }),
    { numRuns: 15 },
  )
})

function identity(kind: TextPattern['kind'], issuer: string, subject: string): IdentityPattern {
  return { issuer: { kind, text: issuer }, subject: { kind, text: subject } }
}

type BundleJson = {
  verificationMaterial: {
    x509CertificateChain: { certificates: readonly object[] }
    tlogEntries: readonly object[]
    timestampVerificationData: { rfc3161Timestamps: readonly object[] }
  }
  dsseEnvelope: { payload: string; payloadType: string; signatures: readonly { sig: string }[] }
}

/** A keyless signature in a bundle, as JSON, and what is asked of its image. */
async function signedBundle(name: string, more: object = {}) {
  const scheme = schemeOf(name)
  const attached = await signNew(registry, scheme, more)
  const demand = demandOf(scheme, key) as SignatureDemand
  const [artefact] = await fetchArtefacts(view, registry.host, attached, demand)
  if (artefact?.layout !== 'bundle') throw new Error('no bundle')
  const bundle = JSON.parse(Buffer.from(artefact.bytes).toString()) as BundleJson
  return { demand, digest: attached.digest, bundle, material: bundle.verificationMaterial }
}

type SignedBundle = Awaited<ReturnType<typeof signedBundle>>

function verify({ digest, bundle }: SignedBundle, demand: Demand, trusted: TrustRoot = root) {
  const bytes = Buffer.from(JSON.stringify(bundle))
  const artefact: Artefact = { layout: 'bundle', bytes, source: digestOf(bytes) }
  const trust = new Map([[DEFAULT_TRUST_ROOT, trusted]])
  return verifyArtefact(artefact, digest, demand, { trust, now: new Date() })
}

/** An entry about the signature in the bundle, in a log that is made for it. */
function otherEntry({ bundle, material }: SignedBundle) {
  const made = makeLog('p256', { baseUrl: 'https://log.other.test' })
  const { payload, payloadType, signatures } = bundle.dsseEnvelope
  const [leaf] = material.x509CertificateChain.certificates as readonly { rawBytes: string }[]
  const bytes = Buffer.from(payload, 'base64')
  const logged = {
    message: encodePreAuth(payloadType, bytes),
    payload: bytes,
    signature: Buffer.from(signatures[0]?.sig ?? '', 'base64'),
    verifier: { kind: 'certificate', der: Buffer.from(leaf?.rawBytes ?? '', 'base64') },
  } as const
  const kind = 'dsse 0.0.1'
  return { log: made.log, json: jsonOf(entryOf(made, kind, bodyOf(kind, logged), 'proof')) }
}

t.test(
  'a bundle may list entries, timestamps and the certificates above the signer in any order, and copies',
  async t => {
    const [good, ended, other] = await Promise.all([
      signedBundle('bundle 0.2, stamped, keyless'),
      signedBundle('bundle 0.2, stamped, keyless', { fault: 'stamp-authority-ended' }),
      signedBundle('bundle 0.2, keyless'),
    ])
    const { material } = good
    const second = otherEntry(good)
    const trusted = { ...root, logs: [...root.logs, second.log] }
    const [leaf, ...above] = material.x509CertificateChain.certificates
    const [, ...strangers] = other.material.x509CertificateChain.certificates
    const entries = [...material.tlogEntries, second.json, ...other.material.tlogEntries]
    const { rfc3161Timestamps: stamps } = material.timestampVerificationData
    const { rfc3161Timestamps: others } = ended.material.timestampVerificationData
    const demand = { ...good.demand, log: { trustRoot: DEFAULT_TRUST_ROOT, atLeast: 2 } }
    const expected = verify(
      { ...good, bundle: withMaterial(good.bundle, [leaf, ...above], entries, [...stamps, ...others]) },
      demand,
      trusted,
    )
    t.match(expected, { kind: 'proof', signer: { subjects: [ALICE.subject] } })
    fc.assert(
      fc.property(
        shuffled([...above, ...strangers]),
        shuffled(entries),
        shuffled([...stamps, ...others]),
        (chain, entries, stamps) => {
          const bundle = withMaterial(good.bundle, [leaf, ...chain], entries, stamps)
          const found = verify({ ...good, bundle }, demand, trusted)
          t.strictSame({ ...found, source: '' }, { ...expected, source: '' })
        },
      ),
      { numRuns: 50 },
    )
    // Nothing is proven where what is good is not among them, in whatever order.
    fc.assert(
      fc.property(shuffled(other.material.tlogEntries), shuffled(others), (entries, stamps) => {
        const bundle = withMaterial(good.bundle, [leaf, ...above], entries, stamps)
        t.match(verify({ ...good, bundle }, good.demand, trusted), { kind: 'refusal', code: 'time.invalid' })
      }),
      { numRuns: 20 },
    )
  },
)

function withMaterial(
  bundle: BundleJson,
  certificates: readonly unknown[],
  tlogEntries: readonly object[],
  rfc3161Timestamps: readonly object[],
): BundleJson {
  const verificationMaterial = {
    x509CertificateChain: { certificates: certificates as readonly object[] },
    tlogEntries,
    timestampVerificationData: { rfc3161Timestamps },
  }
  return { ...bundle, verificationMaterial }
}

t.test('two entries in one log are not two logs, and entries in two logs are (CVE-2026-49834)', async t => {
  // More entries than are read, each another leaf of the one tree: two of them.
  const scheme = schemeOf('bundle 0.2, keyless')
  const attached = await signNew(registry, scheme, { fault: 'many-entries' })
  const once = demandOf(scheme, key) as SignatureDemand
  const [artefact] = await fetchArtefacts(view, registry.host, attached, once)
  if (artefact?.layout !== 'bundle') throw new Error('no bundle')
  const bundle = JSON.parse(Buffer.from(artefact.bytes).toString()) as BundleJson
  const { verificationMaterial: material } = bundle
  const [first, next] = material.tlogEntries as readonly [object, object]
  t.not(JSON.stringify(first), JSON.stringify(next))
  const twice = { ...once, log: { trustRoot: DEFAULT_TRUST_ROOT, atLeast: 2 } }
  const signed = { digest: attached.digest, demand: once, bundle, material }
  const second = otherEntry(signed)
  const trusted = { ...root, logs: [...root.logs, second.log] }
  const found = (entries: readonly object[], demand: Demand) => {
    material.tlogEntries = entries
    return verify(signed, demand, trusted)
  }
  t.match(found([first, next], once), { kind: 'proof' })
  t.match(found([first, next], twice), {
    code: 'log.missing',
    detail: 'expected entries in 2 logs beside the signature, got 1',
  })
  t.match(found([first, first], twice), { code: 'log.missing' })
  t.match(found([second.json, second.json], twice), { code: 'log.missing' })
  const both = found([first, second.json], twice)
  t.match(both, { kind: 'proof' })
  t.equal(both.kind === 'proof' && both.logs.length, 2)
  t.match(found([first, second.json], { ...twice, log: { ...twice.log, atLeast: 3 } }), { code: 'log.missing' })
  // A log that stands in the trust root twice, for two stretches of time, is one log as well.
  material.tlogEntries = [first, next]
  t.match(verify(signed, twice, { ...root, logs: [...root.logs, ...structuredClone(root.logs)] }), {
    code: 'log.missing',
  })
})

t.test('the subject alone and the issuer alone each make a stranger (CVE-2025-29778)', async t => {
  const signed = await signedBundle('bundle 0.3, keyless')
  const as = (...identities: readonly IdentityPattern[]) =>
    verify(signed, { ...signed.demand, by: { ...BY_ALICE, identities } })
  const stranger = { kind: 'refusal', code: 'signature.wrong-identity' }
  const { issuer, subject } = ALICE
  t.match(as(identity('exactly', issuer, subject)), { kind: 'proof' })
  t.match(as(identity('exactly', issuer, `${subject}x`)), stranger)
  t.match(as(identity('exactly', `${issuer}x`, subject)), stranger)
  t.match(as(identity('exactly', subject, issuer)), stranger)
  t.match(as(identity('glob', 'https://*', 'https://ci.acme.test/*')), { kind: 'proof' })
  t.match(as(identity('glob', 'https://*', 'https://ci.acme.test/other*')), stranger)
  t.match(as(identity('glob', 'https://other*', 'https://ci.acme.test/*')), stranger)
  t.match(as(identity('regexp', '^https://issuer', '@main$')), { kind: 'proof' })
  t.match(as(identity('regexp', '^https://issuer', '@mai$')), stranger)
  t.match(as(identity('regexp', '^https://other', '@main$')), stranger)
  // The halves of two make none.
  t.match(as(identity('exactly', issuer, 'someone'), identity('exactly', 'https://other.test', subject)), stranger)
})
