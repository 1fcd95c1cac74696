import t from 'tap'
import { digestOf } from '#core/domain/digest.ts'
import { layer, openStage, signatureLayer, texts } from './attach.ts'
import { INDEX_TYPE } from './serve.ts'

const { look, makeImage, putLegacy, registry } = await openStage(t)
t.afterEach(() => registry.faults([]))

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
