import { createHash, createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { KeyType, SignOrder } from '#test/support/embedded-registry.ts'
import { RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
import type { Json } from './ask.ts'
import { askOf, BUNDLE, digestOf, fetchTrueOf, MANIFEST } from './ask.ts'
import type { Scheme } from './read-signature.ts'
import { firstReferrer, isSignedBy, openEnvelope, readBundle, readSimple } from './read-signature.ts'

const registry = await startRegistry(t, { layouts: RECORDED_LAYOUTS })
const get = askOf(registry)
const fetchTrue = fetchTrueOf(get)
const KEYS = join(RECORDED_LAYOUTS, '../keys')

/** What JSON looks like, without what it says: the keys in their order, and the kind of each value. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value
  return Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)])
}

t.test('what is verified here, the real cosign has signed that way', async t => {
  const recorded: readonly (readonly [string, string, Scheme])[] = [
    ['key-legacy-nolog', 'p256', {}],
    ['key-legacy-nolog-rsa', 'rsa', {}],
    ['key-legacy-nolog-p384', 'p384', { hash: 'sha384' }],
    ['key-legacy-nolog-ed25519', 'ed25519', { prehash: true }],
  ]
  for (const [name, file, scheme] of recorded) {
    const key = createPublicKey(readFileSync(join(KEYS, `${file}.pub`)))
    const image = digestOf(await fetchTrue(`vec/${name}`, 'manifests', 'v1'))
    const [first] = (await readSimple(fetchTrue, `vec/${name}`, image)).signatures
    t.ok(first && isSignedBy(key, first.payload, first.signature, scheme), name)
  }
  const key = createPublicKey(readFileSync(join(KEYS, 'p256.pub')))
  const image = digestOf(await fetchTrue('vec/key-bundle-nolog', 'manifests', 'v1'))
  const { text } = await readBundle(
    fetchTrue,
    'vec/key-bundle-nolog',
    await firstReferrer(get, 'vec/key-bundle-nolog', image),
  )
  const { bundle, pae, signatures } = openEnvelope(text)
  t.ok(isSignedBy(key, pae, signatures[0], {}))
  const spki = key.export({ type: 'spki', format: 'der' })
  t.equal(bundle['verificationMaterial'].publicKey.hint, createHash('sha256').update(spki).digest('base64'))
})

t.test('a simple signature has the structure of a recorded one, and a second one is appended', async t => {
  const recorded = 'vec/two-keys-legacy'
  const theirs = await readSimple(fetchTrue, recorded, digestOf(await fetchTrue(recorded, 'manifests', 'v1')))
  const { digest } = await registry.image({ repository: 'acme/simple' })
  const keys = []
  for (const name of ['first', 'second']) {
    keys.push(createPublicKey(await registry.key(name)))
    await registry.sign({ repository: 'acme/simple', digest, key: name })
  }
  const ours = await readSimple(fetchTrue, 'acme/simple', digest)
  t.strictSame(shapeOf(ours.manifest), shapeOf(theirs.manifest))
  t.strictSame(shapeOf(ours.config), shapeOf(theirs.config))
  t.equal(ours.manifest['layers'][0].mediaType, theirs.manifest['layers'][0].mediaType)
  t.equal(ours.manifest['config'].mediaType, theirs.manifest['config'].mediaType)
  t.strictSame(
    ours.config['rootfs'].diff_ids,
    ours.manifest['layers'].map((layer: Json) => layer['digest']),
  )
  const told = (text: string | undefined) => text?.replace(/"docker-reference":"[^"]+"/, '').replace(/sha256:\w+/, '')
  t.equal(told(ours.signatures[0]?.payload.toString()), told(theirs.signatures[0]?.payload.toString()))
  t.match(ours.signatures[0]?.payload.toString(), `"docker-reference":"${registry.host}/acme/simple"`)
  for (const [nth, key] of keys.entries()) {
    const { payload, signature } = ours.signatures[nth] ?? {}
    t.ok(payload && signature && isSignedBy(key, payload, signature, {}), `signature ${nth}`)
  }
})

t.test('a bundle has the structure of a recorded one', async t => {
  const recorded = 'vec/key-bundle-nolog'
  const image = digestOf(await fetchTrue(recorded, 'manifests', 'v1'))
  const theirs = await readBundle(fetchTrue, recorded, await firstReferrer(get, recorded, image))
  const key = createPublicKey(await registry.key('bundle'))
  const { digest } = await registry.image({ repository: 'acme/bundle' })
  const signed = await registry.sign({ repository: 'acme/bundle', digest, key: 'bundle', layout: 'bundle' })
  t.equal(await firstReferrer(get, 'acme/bundle', digest), signed.digest)
  const ours = await readBundle(fetchTrue, 'acme/bundle', signed.digest)
  t.equal(ours.manifest['layers'][0].digest, signed.blob)
  t.strictSame(shapeOf(ours.manifest), shapeOf(theirs.manifest))
  t.match(ours.manifest, { artifactType: BUNDLE, subject: { digest, mediaType: MANIFEST } })
  const created = { 'org.opencontainers.image.created': '' }
  t.strictSame({ ...ours.manifest['annotations'], ...created }, { ...theirs.manifest['annotations'], ...created })
  const [mine, yours] = [openEnvelope(ours.text), openEnvelope(theirs.text)]
  t.strictSame(shapeOf(mine.bundle), shapeOf(yours.bundle))
  t.equal(mine.bundle['dsseEnvelope'].payloadType, yours.bundle['dsseEnvelope'].payloadType)
  const told = (statement: string) => JSON.stringify(JSON.parse(statement)).replace(/[0-9a-f]{64}/, '')
  t.equal(told(mine.statement), told(yours.statement))
  t.equal(JSON.parse(mine.statement).subject[0].digest.sha256, digest.slice('sha256:'.length))
  const spki = key.export({ type: 'spki', format: 'der' })
  t.equal(mine.bundle['verificationMaterial'].publicKey.hint, createHash('sha256').update(spki).digest('base64'))
})

t.test('a bundle for a registry without the referrers API is listed under the fallback tag', async t => {
  await registry.key('fallback')
  const { digest } = await registry.image({ repository: 'acme/fallback' })
  const order: SignOrder = { repository: 'acme/fallback', digest, key: 'fallback', layout: 'bundle-fallback-tag' }
  const signed = [await registry.sign(order), await registry.sign(order)]
  t.equal((await get(`/v2/acme/fallback/referrers/${digest}`)).status, 404)
  const ours = JSON.parse((await fetchTrue('acme/fallback', 'manifests', digest.replace(':', '-'))).toString())
  t.strictSame(
    ours['manifests'].map((listed: Json) => listed['digest']),
    signed.map(one => one.digest),
  )
  const [tag] = (await get('/v2/vec/fallback-tag/tags/list')).json()['tags']
  const theirs = JSON.parse((await fetchTrue('vec/fallback-tag', 'manifests', tag)).toString())
  t.strictSame(shapeOf(ours['manifests'][0]), shapeOf(theirs['manifests'][0]))
})

t.test('signs with every key, hash, padding and prehash, in both layouts', async t => {
  const schemes: readonly (readonly [KeyType, Scheme & Pick<SignOrder, 'hash' | 'padding'>])[] = [
    ['p256', {}],
    ['p256', { hash: 'sha224' }],
    ['p384', { hash: 'sha384' }],
    ['p521', { hash: 'sha512' }],
    ['rsa2048', {}],
    ['rsa2048', { padding: 'pss', hash: 'sha512' }],
    ['rsa3072', { padding: 'pss' }],
    ['ed25519', { prehash: false }],
    ['ed25519', { prehash: true }],
  ]
  for (const [nth, [type, scheme]] of schemes.entries()) {
    const repository = `schemes/${nth}`
    const title = `${type} ${JSON.stringify(scheme)}`
    const key = createPublicKey(await registry.key(title, type))
    const { digest } = await registry.image({ repository })
    await registry.sign({ repository, digest, key: title, ...scheme })
    const [simple] = (await readSimple(fetchTrue, repository, digest)).signatures
    t.ok(simple && isSignedBy(key, simple.payload, simple.signature, scheme), `${title} in simple signing`)
    await registry.sign({ repository, digest, key: title, layout: 'bundle', ...scheme })
    const { pae, signatures } = openEnvelope(
      (await readBundle(fetchTrue, repository, await firstReferrer(get, repository, digest))).text,
    )
    t.ok(isSignedBy(key, pae, signatures[0], scheme), `${title} in a bundle`)
  }
})

t.test('left to itself it takes the hash and the prehash that cosign takes', async t => {
  const expected: readonly (readonly [KeyType, Scheme, Scheme])[] = [
    ['p384', { hash: 'sha384' }, { hash: 'sha384' }],
    ['p521', { hash: 'sha512' }, { hash: 'sha512' }],
    ['ed25519', { prehash: true }, { prehash: false }],
  ]
  for (const [type, inSimple, inBundle] of expected) {
    const repository = `defaults/${type}`
    const key = createPublicKey(await registry.key(type, type))
    const { digest } = await registry.image({ repository })
    await registry.sign({ repository, digest, key: type })
    const [simple] = (await readSimple(fetchTrue, repository, digest)).signatures
    t.ok(simple && isSignedBy(key, simple.payload, simple.signature, inSimple), `${type} in simple signing`)
    await registry.sign({ repository, digest, key: type, layout: 'bundle' })
    const { pae, signatures } = openEnvelope(
      (await readBundle(fetchTrue, repository, await firstReferrer(get, repository, digest))).text,
    )
    t.ok(isSignedBy(key, pae, signatures[0], inBundle), `${type} in a bundle`)
  }
})

t.test('can sign for another image and as another kind of statement', async t => {
  await registry.key('other')
  const { digest } = await registry.image({ repository: 'acme/victim' })
  const signedDigest = `sha256:${'e'.repeat(64)}`
  await registry.sign({ repository: 'acme/victim', digest, key: 'other', signedDigest })
  const [simple] = (await readSimple(fetchTrue, 'acme/victim', digest)).signatures
  t.match(simple?.payload.toString(), `"docker-manifest-digest":"${signedDigest}"`)
  const predicateType = 'https://slsa.dev/provenance/v1'
  await registry.sign({
    repository: 'acme/victim',
    digest,
    key: 'other',
    layout: 'bundle',
    signedDigest,
    predicateType,
  })
  const { manifest, text } = await readBundle(fetchTrue, 'acme/victim', await firstReferrer(get, 'acme/victim', digest))
  t.equal(manifest['annotations']['dev.sigstore.bundle.predicateType'], predicateType)
  t.match(JSON.parse(openEnvelope(text).statement), {
    predicateType,
    subject: [{ digest: { sha256: 'e'.repeat(64) } }],
  })
})
