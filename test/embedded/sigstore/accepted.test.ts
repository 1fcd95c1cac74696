import t from 'tap'
import type { Json } from '#test/embedded/registry/ask.ts'
import { askOf, digestOf, fetchTrueOf } from '#test/embedded/registry/ask.ts'
import { firstReferrer, readBundle, readLayers } from '#test/embedded/registry/read-signature.ts'
import { RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
import type { Scheme } from './sign-by-need.ts'
import { KEYLESS, signNew } from './sign-by-need.ts'
import { trustOf, verifyBundle } from './verify-artefact.ts'

const registry = await startRegistry(t, { layouts: RECORDED_LAYOUTS })
const get = askOf(registry)
const fetchTrue = fetchTrueOf(get)
const pem = await registry.key('acme')
const trust = trustOf(await registry.sigstore({ name: 'acme' }), pem)
const PROVENANCE = 'https://slsa.dev/provenance/v1'

/** What JSON looks like, without what it says: the keys in their order, and the kind of each value. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)])
}

t.test('a verifier that is not ours accepts each layout, log and kind of entry', async t => {
  const schemes: readonly Scheme[] = [
    { layout: 'bundle', log: 'rekor2', timestamp: true },
    { layout: 'bundle', log: 'rekor2', timestamp: true, entryKind: 'dsse', stampCertificates: true },
    { layout: 'bundle', log: 'rekor1' },
    { layout: 'bundle', log: 'rekor1', timestamp: true, entryKind: 'intoto' },
    { layout: 'bundle', bundleVersion: '0.2', log: 'rekor1' },
    { layout: 'bundle', bundleVersion: '0.1', log: 'rekor1', timestamp: true },
    { layout: 'bundle', log: 'rekor1', statementVersion: 'v0.1', predicateType: PROVENANCE },
    { layout: 'simple-signing', log: 'rekor1' },
    { layout: 'simple-signing', log: 'rekor1', timestamp: true },
    { layout: 'attachment', log: 'rekor1' },
    // without a timestamp: cosign stamps the whole envelope here, of which the library knows nothing
    { layout: 'attachment', log: 'rekor1', entryKind: 'intoto' },
  ]
  const { subject, issuer } = KEYLESS
  for (const scheme of schemes) {
    const title = JSON.stringify(scheme)
    const keyless = await signNew(registry, get, { ...scheme, keyless: KEYLESS })
    t.strictSame(verifyBundle(trust, keyless), { subject, issuer }, `keyless ${title}`)
    const keyed = await signNew(registry, get, { ...scheme, key: 'acme', sigstore: 'acme' })
    t.strictSame(verifyBundle(trust, keyed), { subject: undefined, issuer: undefined }, `with a key ${title}`)
  }
})

t.test('an entry says which kind of key signed, and over which hash', async t => {
  const expected = [
    ['p256', 'hashedrekord', 'PKIX_ECDSA_P256_SHA_256'],
    ['p384', 'hashedrekord', 'PKIX_ECDSA_P384_SHA_384'],
    ['rsa2048', 'hashedrekord', 'PKIX_RSA_PKCS1V15_2048_SHA256'],
    // a pure Ed25519 signature is over no hash that could be logged
    ['ed25519', 'dsse', 'PKIX_ED25519'],
  ] as const
  for (const [type, kind, details] of expected) {
    const trusted = trustOf(await registry.trustedRoot({ sigstore: 'acme' }), await registry.key(type, type))
    const order: Scheme = { layout: 'bundle', log: 'rekor2', timestamp: true, key: type, sigstore: 'acme' }
    const image = await signNew(registry, get, order)
    // of P-384 it knows no envelope over SHA-384
    if (type !== 'p384') t.equal(verifyBundle(trusted, image).refused, undefined, type)
    const [entry] = JSON.parse(image.text).verificationMaterial.tlogEntries
    t.equal(entry.kindVersion.kind, kind)
    t.match(JSON.stringify(bodyOf(entry)), `"keyDetails":"${details}"`)
  }
})

t.test('what a timestamp alone or no log at all proves is made too', async t => {
  const stamped = await signNew(registry, get, { layout: 'bundle', timestamp: true, keyless: KEYLESS })
  t.equal(verifyBundle(trust, stamped, { tlogThreshold: 0 }).subject, KEYLESS.subject)
  t.match(verifyBundle(trust, stamped).refused, /expected 1 tlog entries, got 0/)
  const bare = await signNew(registry, get, { layout: 'attachment', key: 'acme' })
  t.strictSame(Object.keys(bare.annotations), ['dev.cosignproject.cosign/signature', 'predicateType'])
})

t.test('a P-384 authority, several names and the claims of a CI job are in the certificate', async t => {
  const root = await registry.sigstore({ name: 'strong', curve: 'P-384' })
  const keyless = {
    ...KEYLESS,
    sigstore: 'strong',
    claims: { buildTrigger: 'push', sourceRepositoryRef: 'refs/heads/main' },
  }
  const order: Scheme = { layout: 'bundle', log: 'rekor2', timestamp: true, keyless }
  const image = await signNew(registry, get, order)
  t.equal(verifyBundle(trustOf(root), image).subject, KEYLESS.subject)
  const certificate = Buffer.from(JSON.parse(image.text).verificationMaterial.certificate.rawBytes, 'base64')
  t.ok(certificate.includes('\x0c\x04push') && certificate.includes('\x0c\x0frefs/heads/main'))
  t.match(verifyBundle(trust, image).refused, /./, 'another Sigstore does not know it')
})

t.test('the moments of signing and of logging are what is ordered', async t => {
  const order: Scheme = { layout: 'bundle', log: 'rekor1', timestamp: true, keyless: KEYLESS }
  const hourAgo = new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000)
  const signedAt = hourAgo.toISOString()
  const loggedAt = new Date(hourAgo.getTime() + 60_000).toISOString()
  const image = await signNew(registry, get, { ...order, signedAt, loggedAt })
  t.equal(verifyBundle(trust, image).subject, KEYLESS.subject)
  const { integratedTime } = JSON.parse(image.text).verificationMaterial.tlogEntries[0]
  t.equal(Number(integratedTime) * 1000, hourAgo.getTime() + 60_000)
})

t.test('a bundle has the structure of a recorded one', async t => {
  const recorded = 'vec/keyless-bundle-rekor2-tsa'
  const image = digestOf(await fetchTrue(recorded, 'manifests', 'v1'))
  const theirs = JSON.parse((await readBundle(fetchTrue, recorded, await firstReferrer(get, recorded, image))).text)
  const ours = JSON.parse(
    (await signNew(registry, get, { layout: 'bundle', log: 'rekor2', timestamp: true, keyless: KEYLESS })).text,
  )
  // the trees have different sizes, so the paths have different lengths
  const [entry, recordedEntry] = [ours, theirs].map(({ verificationMaterial }) => verificationMaterial.tlogEntries[0])
  entry.inclusionProof.hashes.length = recordedEntry.inclusionProof.hashes.length
  t.strictSame(shapeOf(ours), shapeOf(theirs))
  t.strictSame(shapeOf(bodyOf(entry)), shapeOf(bodyOf(recordedEntry)))
  const lines = (text: string) => text.split('\n').map(line => line.length > 0)
  t.strictSame(lines(entry.inclusionProof.checkpoint.envelope), lines(recordedEntry.inclusionProof.checkpoint.envelope))
})

t.test('the layers of the older layouts have the structure of recorded ones', async t => {
  const recorded = async (name: string, suffix: 'sig' | 'att') => {
    const [layer] = await readLayers(fetchTrue, `vec/${name}`, await imageOf(name), suffix)
    if (layer === undefined) throw new Error(`${name} has no layer`)
    return layerOf({ ...layer, message: layer.bytes })
  }
  const scheme = { log: 'rekor1', keyless: KEYLESS } as const
  const signature = await signNew(registry, get, { ...scheme, layout: 'simple-signing', timestamp: true })
  t.strictSame(layerOf(signature), await recorded('keyless-legacy-rekor1-tsa', 'sig'))

  const order = { ...scheme, statementVersion: 'v0.1', predicateType: PROVENANCE } as const
  const attested = await signNew(registry, get, { ...order, layout: 'attachment' })
  t.strictSame(layerOf(attested), await recorded('provenance-legacy-keyless', 'att'))
  t.equal(attested.annotations['predicateType'], PROVENANCE)
})

function layerOf({ annotations, message }: { readonly annotations: Json; readonly message: Buffer | undefined }) {
  const bytes = message ?? Buffer.alloc(0)
  return [Object.keys(annotations), shapeOf(promiseOf(annotations)), shapeOf(JSON.parse(bytes.toString()))]
}

async function imageOf(name: string): Promise<string> {
  return digestOf(await fetchTrue(`vec/${name}`, 'manifests', 'v1'))
}

function bodyOf({ canonicalizedBody }: Json): unknown {
  return JSON.parse(Buffer.from(canonicalizedBody, 'base64').toString())
}

function promiseOf(annotations: Json): unknown {
  const bundle = JSON.parse(annotations['dev.sigstore.cosign/bundle'])
  return { ...bundle, body: bodyOf({ canonicalizedBody: bundle.Payload.body }) }
}
