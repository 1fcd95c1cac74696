import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import type { Artefact, Found } from '#core/domain/artefact.ts'
import { digestOf, hexOf, parseDigest } from '#core/domain/digest.ts'
import type { Search } from '#core/domain/search.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { RegistryView } from '#core/registry/client.ts'
import type { FaultRule } from '#test/support/embedded-registry.ts'
import { RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
import { readImages } from '#test/support/read-layout.ts'
import { longestChain } from '#test/support/round-trips.ts'
import { makeClient, patience, pinned, ref, SIGNATURES } from './make-client.ts'
import { INDEX_TYPE, MANIFEST_TYPE } from './serve.ts'

const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const SIGNATURE = 'dev.cosignproject.cosign/signature'
const nothing: Found = { artefacts: [], refusals: [], silences: [] }

const registry = await startRegistry(t, { layouts: RECORDED_LAYOUTS })
const { host } = registry
// More requests go to one host here than a client that spares it would send in a hurry.
const entry = { host, plainHttp: true, requests: { perSecond: 1000, burst: 10_000 } }
const client = makeClient(t, [entry])
t.afterEach(() => registry.faults([]))

async function look(repository: string, digest: string, by: RegistryView = client, signal = patience) {
  const { manifest, places } = by.discover(pinned(host, repository, digest), SIGNATURES, signal)
  const [legacy = nothing, bundles = nothing] = await Promise.all(places)
  return { manifest: await manifest, legacy, bundles }
}

let images = 0
/** A new repository with one unsigned image. */
async function makeImage(): Promise<{ readonly repository: string; readonly digest: string; readonly hex: string }> {
  const repository = `acme/app-${images++}`
  const { digest } = await registry.image({ repository })
  return { repository, digest, hex: hexOf(parseDigest(digest)) }
}

function layer(blob: string | Uint8Array, more: object = {}) {
  return {
    mediaType: 'application/octet-stream',
    digest: digestOf(Buffer.from(blob)),
    size: Buffer.from(blob).byteLength,
    ...more,
  }
}

function signatureLayer(payload: string, signature: unknown = 'c2ln', more: object = {}) {
  return layer(payload, { annotations: { [SIGNATURE]: signature }, ...more })
}

/** Puts a `.sig` manifest with these layers beside the image. */
async function putLegacy(repository: string, hex: string, layers: readonly unknown[]): Promise<void> {
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config: {}, layers })
  await registry.put({ repository, tag: `sha256-${hex}.sig`, mediaType: MANIFEST_TYPE, manifest })
}

type Made = { readonly digest: string; readonly size: number; readonly mediaType: string }

/** Puts a manifest with these layers that refers to nothing, and gives its descriptor. */
async function putReferrer(repository: string, layers: readonly unknown[], more: object = {}): Promise<Made> {
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config: {}, layers, ...more })
  const digest = await registry.put({ repository, mediaType: MANIFEST_TYPE, manifest })
  return { digest, size: Buffer.from(manifest).byteLength, mediaType: MANIFEST_TYPE }
}

async function putBundle(repository: string, text: string): Promise<Made> {
  await registry.put({ repository, blob: Buffer.from(text) })
  return putReferrer(repository, [layer(text, { mediaType: BUNDLE_TYPE })])
}

/** Lists these descriptors under the tag that stands in for the referrers API. */
async function list(repository: string, hex: string, manifests: readonly unknown[]): Promise<void> {
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests })
  await registry.put({ repository, tag: `sha256-${hex}`, mediaType: INDEX_TYPE, manifest })
}

function texts(artefacts: readonly Artefact[]): readonly string[] {
  return artefacts.map(one => Buffer.from(one.layout === 'simple-signing' ? one.payload : one.bytes).toString())
}

/** What a demand for signatures and attestations in any layout looks into. */
const EVERYTHING: Search = { places: ['signature-tag', 'attestation-tag', 'referrers'], isForAttestations: true }

t.test('finds in every recorded image what is attached to it, with what cosign wrote beside it', async t => {
  const recorded = readImages()
  t.ok(recorded.length > 15)
  for (const { name, digest, artefacts } of recorded) {
    const { manifest, places } = client.discover(pinned(host, `vec/${name}`, digest), EVERYTHING, patience)
    t.equal(await manifest, 'present', name)
    const found = await Promise.all(places)
    const inOrder = (all: readonly Artefact[]) => [...new Set(all.map(one => JSON.stringify(fieldsOf(one))))].toSorted()
    t.strictSame(inOrder(found.flatMap(place => place.artefacts)), inOrder(artefacts), name)
    t.strictSame(
      found.flatMap(({ refusals, silences }) => [...refusals, ...silences]),
      [],
      name,
    )
  }
})

function fieldsOf(artefact: Artefact): readonly unknown[] {
  const content = artefact.layout === 'simple-signing' ? artefact.payload : artefact.bytes
  const beside = artefact.layout === 'bundle' ? undefined : artefact.annotations
  const signature = artefact.layout === 'simple-signing' ? artefact.signature : ''
  return [artefact.layout, artefact.source, digestOf(content), signature, beside]
}

t.test('attestations of the legacy layout are looked for only where they are asked for', async t => {
  const found = readImages().find(({ name }) => name === 'sbom-legacy-key')
  const image = pinned(host, 'vec/sbom-legacy-key', found?.digest ?? '')
  await registry.forgetRequests()
  await Promise.all(client.discover(image, SIGNATURES, patience).places)
  t.equal(
    (await registry.requests()).some(({ path }) => path.endsWith('.att')),
    false,
  )
  const [attached] = await Promise.all(
    client.discover(image, { ...EVERYTHING, places: ['attestation-tag'] }, patience).places,
  )
  t.match(attached?.artefacts, [{ layout: 'attachment' }])
})

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

t.test('an image without signatures is a place where nothing lies, and no fault', async t => {
  const { repository, digest } = await makeImage()
  t.strictSame(await look(repository, digest), { manifest: 'present', legacy: nothing, bundles: nothing })
})

t.test('an image that is not there, or is another, or is two things, says so in its manifest', async t => {
  const { repository, digest } = await makeImage()
  const other = `sha256:${'a'.repeat(64)}`
  t.match((await look(repository, other)).manifest, {
    code: 'image.not-found',
    detail: `${host}/${repository}@${other}`,
  })
  const faults: readonly [FaultRule['fault'], string][] = [
    [{ corruptByte: 3 }, 'image.digest-mismatch'],
    [{ wrongDigestHeader: other }, 'image.digest-mismatch'],
    [{ contentType: INDEX_TYPE }, 'image.ambiguous-manifest'],
    [{ contentType: 'text/plain' }, 'image.ambiguous-manifest'],
    [{ status: 500 }, 'registry.unreachable'],
    [{ status: 403 }, 'registry.unauthorized'],
    [{ status: 429 }, 'registry.throttled'],
    [{ disconnect: true }, 'registry.unreachable'],
  ]
  for (const [fault, code] of faults) {
    await registry.faults([{ kind: 'manifest', reference: digest, fault }])
    t.match((await look(repository, digest)).manifest, { code }, JSON.stringify(fault))
  }
})

t.test('a legacy signature costs two round trips one after the other, with a token held', async t => {
  const { digest } = readImages().find(({ name }) => name === 'key-legacy-nolog') ?? { digest: '' }
  const repository = 'vec/key-legacy-nolog'
  await registry.auth({ mode: 'anonymous-token' })
  t.teardown(() => registry.auth({ mode: 'none' }))
  await client.resolve({ ...pinned(host, repository, digest), digest: undefined, tag: 'v1' }, patience)
  await registry.forgetRequests()
  await registry.faults([{ fault: { latencyMs: 600 } }])
  const { legacy } = await look(repository, digest)
  t.equal(legacy.artefacts.length, 1)
  const requests = await registry.requests()
  t.equal(requests.length, 5)
  t.ok(requests.every(({ authorization }) => authorization === 'bearer'))
  const sentMs = requests.map(({ at }) => Date.parse(at)).map((at, _, [first = 0]) => at - first)
  t.ok((sentMs[3] ?? 600) < 500, 'the first four go out together, before any is answered')
  t.ok((sentMs[4] ?? 0) >= 590, 'the payload is asked for when its manifest has come, and nothing after it')
})

t.test('ten images cost as many round trips as one: two for a legacy signature, three for a bundle', async t => {
  await registry.key('k')
  const ours = makeClient(t, [entry])
  for (const [layout, trips] of [['simple-signing', 2] as const, ['bundle', 3] as const]) {
    const made = await Promise.all(Array.from({ length: 10 }, makeImage))
    for (const { repository, digest } of made) await registry.sign({ repository, digest, key: 'k', layout })
    await registry.faults([{ fault: { latencyMs: 300 } }])
    await registry.forgetRequests()
    const found = await Promise.all(made.map(({ repository, digest }) => look(repository, digest, ours)))
    t.ok(
      found.every(
        ({ manifest, legacy, bundles }) =>
          manifest === 'present' && legacy.artefacts.length + bundles.artefacts.length === 1,
      ),
    )
    const requests = await registry.requests()
    t.equal(requests.length, 10 * (layout === 'bundle' ? 6 : 5))
    t.equal(longestChain(requests), trips, layout)
    await registry.faults([])
  }
})

t.test('one place does not wait for the other', async t => {
  const { digest } = readImages().find(({ name }) => name === 'key-legacy-nolog') ?? { digest: '' }
  await registry.faults([{ kind: 'referrers', fault: { hang: true } }])
  const stop = new AbortController()
  const { manifest, places } = client.discover(pinned(host, 'vec/key-legacy-nolog', digest), SIGNATURES, stop.signal)
  t.equal(await manifest, 'present')
  t.equal((await places[0])?.artefacts.length, 1)
  stop.abort(new Unavailable('deadline.exceeded', 'seen enough'))
  t.match(await places[1], {
    silences: [{ code: 'deadline.exceeded', detail: 'seen enough' }],
    refusals: [],
    artefacts: [],
  })
})

t.test('a thousand signatures over one payload fetch it once, and the same signature twice is one', async t => {
  const { repository, digest, hex } = await makeImage()
  await registry.put({ repository, blob: Buffer.from('payload') })
  const layers = Array.from({ length: 1000 }, (_, n) => signatureLayer('payload', `sig${n % 500}`))
  await putLegacy(repository, hex, layers)
  await registry.forgetRequests()
  const { legacy } = await look(repository, digest)
  t.equal(legacy.artefacts.length, 500)
  t.strictSame(legacy.refusals, [])
  t.equal((await registry.requests()).filter(({ path }) => path.includes('/blobs/')).length, 1)
  await putLegacy(repository, hex, [...layers, signatureLayer('payload')])
  const beyond = await look(repository, digest)
  t.match(beyond.legacy, {
    artefacts: [],
    refusals: [{ code: 'limit.exceeded', detail: 'expected at most 1000 signatures' }],
  })
  t.equal(beyond.legacy.refusals.length, 1)
})

t.test('a layer is a signature if its annotation is text, and is passed over if it is not there', async t => {
  const { repository, digest, hex } = await makeImage()
  await registry.put({ repository, blob: Buffer.from('payload') })
  await putLegacy(repository, hex, [
    signatureLayer('payload', 'a', { mediaType: 'text/html', urls: ['http://127.0.0.1:1/'] }),
    signatureLayer('payload', 5),
    signatureLayer('payload', null),
    signatureLayer('payload', ['a']),
    layer('payload'),
    layer('payload', { annotations: null }),
    layer('payload', { annotations: 'x' }),
    null,
    5,
    [],
    signatureLayer('payload', 'bad', { digest: 'sha256:../../etc' }),
    signatureLayer('payload', 'bad', { size: -1 }),
  ])
  const { legacy } = await look(repository, digest)
  t.match(legacy.artefacts, [{ signature: 'a' }])
  t.equal(legacy.artefacts.length, 1)
  t.match(legacy.refusals, [{ code: 'image.ambiguous-manifest' }, { code: 'image.ambiguous-manifest' }])
})

t.test('a payload is what its digest and its size say, or it is refused', async t => {
  const { repository, digest, hex } = await makeImage()
  for (const blob of ['payload', 'good']) await registry.put({ repository, blob: Buffer.from(blob) })
  const good = signatureLayer('good')
  const refused = async (...layers: readonly unknown[]) => {
    await putLegacy(repository, hex, [...layers, good])
    const { legacy } = await look(repository, digest)
    t.strictSame(texts(legacy.artefacts), ['good'], 'and hides no other')
    return legacy.refusals.map(({ code }) => code)
  }
  t.strictSame(await refused(signatureLayer('payload', 'a', { size: 6 })), ['image.digest-mismatch'])
  t.strictSame(await refused(signatureLayer('payload', 'a', { size: 8 })), ['image.digest-mismatch'])
  t.strictSame(await refused(signatureLayer('nowhere')), ['signature.invalid'])
  t.strictSame(await refused(signatureLayer('payload'), signatureLayer('payload', 'b', { size: 8 })), [
    'image.ambiguous-manifest',
  ])
  const reference = digestOf(Buffer.from('payload'))
  for (const fault of [{ corruptByte: 1 }, { body: 'PAYLOAD' }, { oversizeBytes: 5e9 }]) {
    await registry.faults([{ kind: 'blob', reference, fault }])
    t.strictSame(await refused(signatureLayer('payload')), ['image.digest-mismatch'], JSON.stringify(fault))
  }
})

t.test('a payload is read to its bound, and a larger one is not asked for', async t => {
  const { repository, digest, hex } = await makeImage()
  const [within, beyond] = ['x'.repeat(65_536), 'y'.repeat(65_537)]
  for (const blob of [within, beyond]) await registry.put({ repository, blob: Buffer.from(blob) })
  await putLegacy(repository, hex, [signatureLayer(within), signatureLayer(beyond)])
  await registry.forgetRequests()
  const { legacy } = await look(repository, digest)
  t.strictSame(texts(legacy.artefacts), [within])
  t.match(legacy.refusals, [{ code: 'limit.exceeded', detail: 'expected at most 65536 bytes, got 65537' }])
  t.equal((await registry.requests()).filter(({ path }) => path.includes('/blobs/')).length, 1)
})

t.test('a .sig tag that leads to no image manifest is refused', async t => {
  const { repository, digest, hex } = await makeImage()
  const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [] })
  await registry.put({ repository, tag: `sha256-${hex}.sig`, mediaType: INDEX_TYPE, manifest: index })
  t.match((await look(repository, digest)).legacy, { refusals: [{ code: 'image.ambiguous-manifest' }], artefacts: [] })
  await registry.put({ repository, tag: `sha256-${hex}.sig`, mediaType: 'text/html', manifest: '<html>' })
  t.match((await look(repository, digest)).legacy, { refusals: [{ code: 'image.ambiguous-manifest' }], artefacts: [] })
})

t.test('what the registry does not let us see is silence, and what it lets us see is there', async t => {
  const { repository, digest, hex } = await makeImage()
  for (const blob of ['one', 'two']) await registry.put({ repository, blob: Buffer.from(blob) })
  await putLegacy(repository, hex, [signatureLayer('one'), signatureLayer('two')])
  await registry.faults([{ kind: 'blob', reference: digestOf(Buffer.from('two')), fault: { status: 500 } }])
  const { legacy } = await look(repository, digest)
  t.strictSame(texts(legacy.artefacts), ['one'])
  t.match(legacy.silences, [{ kind: 'silence', code: 'registry.unreachable' }])
  for (const [status, code] of [
    [500, 'registry.unreachable'],
    [403, 'registry.unauthorized'],
    [429, 'registry.throttled'],
  ] as const) {
    await registry.faults([{ fault: { status } }])
    const seen = await look(repository, digest)
    t.match(
      seen,
      { manifest: { code }, legacy: { silences: [{ code }] }, bundles: { silences: [{ code }] } },
      `${status}`,
    )
  }
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

t.test('of more than one place may weigh together, the smallest are read, and no byte beyond', async t => {
  const { repository, digest, hex } = await makeImage()
  for (const blob of ['12345', '678']) await registry.put({ repository, blob: Buffer.from(blob) })
  await putLegacy(repository, hex, [signatureLayer('12345'), signatureLayer('678'), signatureLayer('678', 'twice')])
  const within = makeClient(t, [entry], { limits: { attachedBytes: 8 } })
  t.equal((await look(repository, digest, within)).legacy.artefacts.length, 3)
  await registry.forgetRequests()
  const beyond = makeClient(t, [entry], { limits: { attachedBytes: 7 } })
  const { legacy } = await look(repository, digest, beyond)
  t.strictSame(texts(legacy.artefacts), ['678', '678'])
  t.match(legacy.refusals, [
    { code: 'limit.exceeded', detail: 'expected at most 7 bytes attached to the image in one layout, got 5 more' },
  ])
  t.equal((await registry.requests()).filter(({ path }) => path.includes('/blobs/')).length, 1)
})

t.test('no more than so many fetches for one image run at once', async t => {
  const { repository, digest, hex } = await makeImage()
  const layers: unknown[] = []
  for (let n = 0; n < 9; n++) {
    await registry.put({ repository, blob: Buffer.from(`payload ${n}`) })
    layers.push(signatureLayer(`payload ${n}`))
  }
  await putLegacy(repository, hex, layers)
  await registry.faults([{ kind: 'blob', fault: { latencyMs: 100 } }])
  await registry.forgetRequests()
  const narrow = makeClient(t, [entry], { limits: { fetchesPerImage: 3 } })
  t.equal((await look(repository, digest, narrow)).legacy.artefacts.length, 9)
  const sentMs = (await registry.requests())
    .filter(({ path }) => path.includes('/blobs/'))
    .map(({ at }) => Date.parse(at))
  for (const [index, at] of sentMs.entries())
    t.ok(at - (sentMs[index - 3] ?? 0) >= 95, 'the fourth waits for the first')
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

t.test('the order in which things are listed shows nowhere', async t => {
  const { repository, digest, hex } = await makeImage()
  const made = await Promise.all([1, 2, 3, 4].map(n => putBundle(repository, `{"n":${n}}`)))
  const bad = [
    { digest: 'sha256:x', size: 1 },
    { digest: 'sha512:y', size: 1 },
    { digest: made[0]?.digest, size: 1 },
  ]
  const layers = [1, 2, 3, 4].map(n => signatureLayer(`payload ${n % 2}`, `sig ${n}`))
  for (const n of [0, 1]) await registry.put({ repository, blob: Buffer.from(`payload ${n}`) })
  const broken = [signatureLayer('payload 1', 'x', { size: -1 }), signatureLayer('gone 1'), signatureLayer('gone 2')]
  const seen = new Set<string>()
  const listed = fc.shuffledSubarray([...made, ...bad], { minLength: 7 })
  const layered = fc.shuffledSubarray([...layers, ...broken], { minLength: 7 })
  const order = fc.asyncProperty(listed, layered, async (manifests, layers) => {
    await list(repository, hex, manifests)
    await putLegacy(repository, hex, layers)
    const { legacy, bundles } = await look(repository, digest)
    seen.add(JSON.stringify([legacy, bundles]))
    return seen.size === 1
  })
  await fc.assert(order, { numRuns: 25 })
  t.equal(seen.size, 1)
})

t.test('whoever leaves a discovery alone causes no unhandled rejection', async t => {
  const { repository, digest } = await makeImage()
  client.discover(pinned(host, repository, digest), SIGNATURES, AbortSignal.abort())
  const { manifest, places } = client.discover(pinned(host, repository, digest), SIGNATURES, AbortSignal.abort())
  t.match(await manifest, { kind: 'silence', code: 'deadline.exceeded' })
  t.match(await Promise.all(places), [
    { silences: [{ code: 'deadline.exceeded' }] },
    { silences: [{ code: 'deadline.exceeded' }] },
  ])
})

t.test('a recorded index is present, and what is signed is the index', async t => {
  const { digest } = readImages().find(({ name }) => name === 'index') ?? { digest: '' }
  const { children } = {
    children: JSON.parse(readFileSync(`${RECORDED_LAYOUTS}/index/blobs/sha256/${digest.slice(7)}`, 'utf8'))
      .manifests as readonly Made[],
  }
  t.equal((await look('vec/index', digest)).legacy.artefacts.length, 1)
  for (const child of children)
    t.strictSame(await look('vec/index', child.digest), { manifest: 'present', legacy: nothing, bundles: nothing })
})
