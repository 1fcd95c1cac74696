import t from 'tap'
import { digestOf } from '#core/domain/digest.ts'
import type { FaultRule } from '#test/support/embedded-registry.ts'
import { BUNDLE_TYPE, EVERYTHING, layer, type Made, openStage, texts } from './attach.ts'
import { makeClient, patience, pinned, ref, SIGNATURES } from './make-client.ts'
import { INDEX_TYPE, MANIFEST_TYPE } from './serve.ts'

const { client, entry, host, list, look, makeImage, putBundle, putReferrer, registry } = await openStage(t)
t.afterEach(() => registry.faults([]))

t.test('a large bundle is read where attestations are asked for, and not where signatures are', async t => {
  const { repository, digest, hex } = await makeImage()
  await list(repository, hex, [await putBundle(repository, '123456')])
  const limited = makeClient(t, [entry], { limits: { bundleBytes: 5, attestationBytes: 6 } })
  const image = pinned(host, repository, digest)
  const [, signatures] = await Promise.all(limited.discover(image, SIGNATURES, patience).places)
  t.match(signatures, { artefacts: [], refusals: [{ code: 'limit.exceeded' }] })
  const [, , all] = await Promise.all(limited.discover(image, EVERYTHING, patience).places)
  t.strictSame(texts(all?.artefacts ?? []), ['123456'])
})

t.test('a registry without a referrers API is asked by tag, whatever it says to the other', async t => {
  const { repository, digest, hex } = await makeImage()
  await list(repository, hex, [await putBundle(repository, '{"a":1}')])
  for (const status of [404, 405, 400, 501]) {
    await registry.faults([{ kind: 'referrers', fault: { status } }])
    const { bundles } = await look(repository, digest)
    t.strictSame([texts(bundles.artefacts), bundles.refusals, bundles.silences], [['{"a":1}'], [], []], `${status}`)
  }
  for (const status of [500, 503, 403, 429]) {
    await registry.faults([{ kind: 'referrers', fault: { status } }])
    const { bundles } = await look(repository, digest)
    t.strictSame(texts(bundles.artefacts), ['{"a":1}'])
    t.equal(bundles.silences.length, 1, `${status} may hide something`)
  }
})

t.test('what either way of asking names is found once', async t => {
  const { repository, digest, hex } = await makeImage()
  await registry.key('k')
  const signed = await registry.sign({ repository, digest, key: 'k', layout: 'bundle' })
  const only = await look(repository, digest)
  t.match(only.bundles, { artefacts: [{ layout: 'bundle', source: signed.blob }] })
  const byTag = await putBundle(repository, '{"by":"tag"}')
  const { headers } = await fetch(`http://${host}/v2/${repository}/manifests/${signed.digest}`)
  const size = Number(headers.get('content-length'))
  await list(repository, hex, [
    byTag,
    byTag,
    { digest: signed.digest, size, mediaType: 'application/vnd.oci.empty.v1+json' },
  ])
  await registry.forgetRequests()
  const both = await look(repository, digest)
  t.equal(both.bundles.artefacts.length, 2)
  t.strictSame(both.bundles.refusals, [])
  const manifests = (await registry.requests()).filter(({ path }) => path.includes(signed.digest))
  t.equal(manifests.length, 1)
})

t.test('neither a media type nor an artifact type hides a bundle, and what is none is passed over', async t => {
  const { repository, digest, hex } = await makeImage()
  const bundle = await putBundle(repository, '{"a":1}')
  const versioned = JSON.stringify({ b: 2 })
  await registry.put({ repository, blob: Buffer.from(versioned) })
  const old = await putReferrer(repository, [
    layer(versioned, { mediaType: 'Application/vnd.dev.sigstore.bundle+json;version=0.1' }),
    layer(''),
  ])
  const sbom = await putReferrer(repository, [layer('sbom', { mediaType: 'application/spdx+json' })])
  const bare = await putReferrer(repository, [layer('x', { mediaType: 'application/vnd.in-toto+json' })])
  const empty = await putReferrer(repository, [])
  const odd = await putReferrer(repository, [null, 5, 'x', {}])
  const attestation = '{"mediaType":"application/vnd.oci.artifact.manifest.v1+json","blobs":[]}'
  const artifact = await registry.put({
    repository,
    mediaType: 'application/vnd.oci.artifact.manifest.v1+json',
    manifest: attestation,
  })
  await list(repository, hex, [
    { ...bundle, artifactType: 'application/vnd.oci.empty.v1+json', mediaType: 'application/vnd.oci.empty.v1+json' },
    { ...old, artifactType: 5 },
    { ...sbom, artifactType: BUNDLE_TYPE },
    bare,
    empty,
    odd,
    { digest: artifact, size: attestation.length },
  ])
  const { bundles } = await look(repository, digest)
  t.strictSame(texts(bundles.artefacts).toSorted(), ['{"a":1}', '{"b":2}'])
  t.strictSame(bundles.refusals, [])
})

t.test(
  'a referrer is what its digest and size say and holds one bundle, or it is refused and hides no other',
  async t => {
    const { repository, digest, hex } = await makeImage()
    const good = await putBundle(repository, '{"good":1}')
    const bundle = await putBundle(repository, '{"a":1}')
    const two = await putReferrer(repository, [
      layer('a', { mediaType: BUNDLE_TYPE }),
      layer('b', { mediaType: BUNDLE_TYPE }),
    ])
    const both = await putReferrer(repository, [], { manifests: [] })
    const traversal = await putReferrer(repository, [{ mediaType: BUNDLE_TYPE, digest: 'sha256:../x', size: 1 }])
    const absent = await putReferrer(repository, [layer('nowhere', { mediaType: BUNDLE_TYPE })])
    const cases: readonly [string, string, ...unknown[]][] = [
      ['a size too small', 'image.digest-mismatch', { ...bundle, size: bundle.size - 1 }],
      ['a size too large', 'image.digest-mismatch', { ...bundle, size: bundle.size + 1 }],
      ['two sizes', 'image.ambiguous-manifest', bundle, { ...bundle, size: 1 }],
      ['no digest', 'image.ambiguous-manifest', { ...bundle, digest: 'sha256:../../x' }],
      ['another algorithm', 'image.ambiguous-manifest', { ...bundle, digest: `sha512:${'a'.repeat(128)}` }],
      ['no object', 'image.ambiguous-manifest', null],
      ['two bundles', 'image.ambiguous-manifest', two],
      ['two natures', 'image.ambiguous-manifest', both],
      ['a path for a digest', 'image.ambiguous-manifest', traversal],
      ['no bundle where it says', 'signature.invalid', absent],
      ['no manifest where it says', 'signature.invalid', { digest: digestOf(Buffer.from('x')), size: 1 }],
      ['more than a manifest may weigh', 'limit.exceeded', { ...bundle, size: 4 * 1024 * 1024 + 1 }],
    ]
    for (const [title, code, ...listed] of cases) {
      await list(repository, hex, [...listed, good])
      const { bundles } = await look(repository, digest)
      t.strictSame(texts(bundles.artefacts), ['{"good":1}'], title)
      t.strictSame(
        bundles.refusals.map(one => one.code),
        [code],
        title,
      )
    }
  },
)

t.test('a list of referrers that is none is refused and hides not what the tag names', async t => {
  const { repository, digest, hex } = await makeImage()
  await list(repository, hex, [await putBundle(repository, '{"a":1}')])
  const index = { schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [] }
  const faults: readonly FaultRule['fault'][] = [
    { contentType: 'text/html' },
    { contentType: MANIFEST_TYPE },
    { body: '' },
    { body: JSON.stringify({ ...index, layers: [] }) },
    { body: JSON.stringify({ ...index, schemaVersion: 1 }) },
    { body: JSON.stringify({ ...index, mediaType: MANIFEST_TYPE }) },
    { body: `{"schemaVersion":2,"manifests":[],"manifests":[]}` },
    { body: JSON.stringify({ ...index, Manifests: [] }) },
    { headers: { link: '<http://evil.example/>; rel="next"' } },
    { headers: { link: 'nonsense' } },
  ]
  for (const fault of faults) {
    await registry.faults([{ kind: 'referrers', fault }])
    const { bundles } = await look(repository, digest)
    t.strictSame(texts(bundles.artefacts), ['{"a":1}'])
    t.match(bundles.refusals, [{ code: 'image.ambiguous-manifest' }], JSON.stringify(fault))
  }
})

t.test('a manifest or a list deeper or of more values than is read is limit.exceeded, not ambiguous', async t => {
  const { repository, digest } = await makeImage()
  const many = JSON.stringify(Array.from({ length: 20_000 }, () => 0))
  for (const more of [many, `${'['.repeat(16)}${']'.repeat(16)}`]) {
    const body = `{"schemaVersion":2,"manifests":[],"more":${more}}`
    await registry.faults([{ kind: 'referrers', fault: { body } }])
    t.match((await look(repository, digest)).bundles.refusals, [{ code: 'limit.exceeded' }])
    await registry.put({ repository, tag: 'v1', mediaType: INDEX_TYPE, manifest: body })
    t.match(await client.resolve(ref(host, `${repository}:v1`), patience), { code: 'limit.exceeded' })
  }
})

t.test('a list in pages is read to its end', async t => {
  const { repository, digest } = await makeImage()
  await registry.key('k')
  for (let n = 0; n < 7; n++)
    await registry.sign({ repository, digest, key: 'k', layout: 'bundle', predicateType: `urn:${n}` })
  await registry.settings({ repository, pageSize: 2 })
  t.equal((await look(repository, digest)).bundles.artefacts.length, 7)
  const exact = makeClient(t, [entry], { limits: { referrersPages: 4 } })
  t.equal((await look(repository, digest, exact)).bundles.artefacts.length, 7)
  const short = makeClient(t, [entry], { limits: { referrersPages: 3 } })
  const { bundles } = await look(repository, digest, short)
  t.match(bundles, {
    artefacts: [],
    refusals: [{ code: 'limit.exceeded', detail: 'expected a list of referrers of at most 3 pages' }],
  })
})

t.test('CVE-2023-46737: a list that never ends is given up at its bound', async t => {
  const { repository, digest } = await makeImage()
  await registry.faults([{ kind: 'referrers', fault: { endlessLink: true } }])
  await registry.forgetRequests()
  const { bundles } = await look(repository, digest)
  t.match(bundles, {
    artefacts: [],
    refusals: [{ code: 'limit.exceeded', detail: 'expected a list of referrers of at most 20 pages' }],
  })
  t.equal((await registry.requests()).filter(({ path }) => path.includes('/referrers/')).length, 20)
})

t.test('referrers are counted to their bound over both lists, and beyond it none is fetched', async t => {
  const { repository, digest, hex } = await makeImage()
  await registry.key('k')
  await registry.sign({ repository, digest, key: 'k', layout: 'bundle' })
  const made = await Promise.all([1, 2, 3].map(n => putBundle(repository, `{"n":${n}}`)))
  const four = makeClient(t, [entry], { limits: { referrers: 4 } })
  await list(repository, hex, made)
  t.equal((await look(repository, digest, four)).bundles.artefacts.length, 4)
  const three = makeClient(t, [entry], { limits: { referrers: 3 } })
  await registry.forgetRequests()
  const { bundles } = await look(repository, digest, three)
  t.match(bundles, {
    artefacts: [],
    refusals: [{ code: 'limit.exceeded', detail: 'expected at most 3 referrers of the image, got 4' }],
  })
  t.equal((await registry.requests()).length, 4)
  const many = Array.from({ length: 3000 }, (_, n) => ({
    digest: `sha256:${n.toString(16).padStart(64, '0')}`,
    size: 1,
  }))
  await list(repository, hex, many)
  t.match((await look(repository, digest)).bundles.refusals, [{ code: 'limit.exceeded', detail: 'got 3000' }])
})

t.test('a list of referrers is read to its bound over all its pages, and not further', async t => {
  const { repository, digest } = await makeImage()
  await registry.key('k')
  for (const n of [1, 2, 3])
    await registry.sign({ repository, digest, key: 'k', layout: 'bundle', predicateType: `urn:${n}` })
  await registry.settings({ repository, pageSize: 1 })
  const pages = [0, 1, 2].map(n => fetch(`http://${host}/v2/${repository}/referrers/${digest}?page=${n}`))
  const lengths = (await Promise.all(pages)).map(({ headers }) => Number(headers.get('content-length')))
  const total = lengths.reduce((sum, length) => sum + length)
  const within = makeClient(t, [entry], { limits: { referrersBytes: total } })
  t.equal((await look(repository, digest, within)).bundles.artefacts.length, 3)
  const beyond = makeClient(t, [entry], { limits: { referrersBytes: total - 1 } })
  t.match((await look(repository, digest, beyond)).bundles, {
    artefacts: [],
    refusals: [
      { code: 'limit.exceeded', detail: `expected a list of referrers of at most ${total - 1} bytes, got more` },
    ],
  })
})

t.test('of more manifests of referrers than may weigh together, the smallest are read', async t => {
  const { repository, digest, hex } = await makeImage()
  const made = await Promise.all([1, 2].map(n => putBundle(repository, `{"n":${n}}`)))
  await list(repository, hex, made)
  const total = made.reduce((sum, { size }) => sum + size, 0)
  const within = makeClient(t, [entry], { limits: { referrerManifestsBytes: total } })
  t.equal((await look(repository, digest, within)).bundles.artefacts.length, 2)
  const beyond = makeClient(t, [entry], { limits: { referrerManifestsBytes: total - 1 } })
  const { bundles } = await look(repository, digest, beyond)
  t.equal(bundles.artefacts.length, 1)
  t.match(bundles.refusals, [{ code: 'limit.exceeded' }])
})

t.test('a bundle is read to its bound, and a larger one is not asked for', async t => {
  const { repository, digest, hex } = await makeImage()
  await list(repository, hex, [await putBundle(repository, '12345'), await putBundle(repository, '123456')])
  const small = makeClient(t, [entry], { limits: { bundleBytes: 5 } })
  const { bundles } = await look(repository, digest, small)
  t.strictSame(texts(bundles.artefacts), ['12345'])
  t.match(bundles.refusals, [{ code: 'limit.exceeded', detail: 'expected at most 5 bytes, got 6' }])
})

t.test('five hundred foreign signatures and the right one are all found, and in time', async t => {
  const { repository, digest, hex } = await makeImage()
  const made: Made[] = []
  for (let n = 0; n < 501; n++) made.push(await putBundle(repository, `{"n":${n}}`))
  await list(repository, hex, made)
  const begun = process.cpuUsage()
  const { bundles } = await look(repository, digest)
  const { user, system } = process.cpuUsage(begun)
  t.equal(bundles.artefacts.length, 501)
  // Less than the ten seconds that an admission has, however busy the machine is.
  t.ok(user + system < 8_000_000, `${user + system} µs of CPU`)
})
