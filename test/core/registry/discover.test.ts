import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import type { Artefact } from '#core/domain/artefact.ts'
import { digestOf } from '#core/domain/digest.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { FaultRule } from '#test/support/embedded-registry.ts'
import { RECORDED_LAYOUTS } from '#test/support/embedded-registry.ts'
import { readImages } from '#test/support/read-layout.ts'
import { longestChain } from '#test/support/round-trips.ts'
import { EVERYTHING, type Made, nothing, openStage, signatureLayer, texts } from './attach.ts'
import { makeClient, patience, pinned, SIGNATURES } from './make-client.ts'
import { INDEX_TYPE } from './serve.ts'

const { client, entry, host, list, look, makeImage, putBundle, putLegacy, registry } = await openStage(t)
t.afterEach(() => registry.faults([]))

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
