import fc from 'fast-check'
import t from 'tap'
import { type Digest, digestOf } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'
import { REGISTRY_LIMITS } from '#core/registry/limits.ts'
import { decodeManifest, parseDescriptor } from '#core/registry/manifest.ts'
import { parseMediaType } from '#core/registry/media-type.ts'
import { INDEX_TYPE, MANIFEST_TYPE } from './serve.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const limits = { bytes: 4096, depth: 16, values: 1000 }
const decode = (body: unknown, contentType: string | undefined = MANIFEST_TYPE) => {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return decodeManifest({ bytes, digest: digestOf(bytes) }, contentType, limits)
}

t.test('a manifest is what its Content-Type says it is', async t => {
  t.match(decode({ schemaVersion: 2, config: {}, layers: [1] }), { kind: 'image-manifest', items: [1] })
  t.match(decode({ schemaVersion: 2, manifests: [1, 2] }, INDEX_TYPE), { kind: 'image-index', items: [1, 2] })
  const docker = 'application/vnd.docker.distribution.manifest.v2+json'
  t.match(decode({ schemaVersion: 2, mediaType: docker, config: {}, layers: [] }, docker), { kind: 'image-manifest' })
  const list = 'application/vnd.docker.distribution.manifest.list.v2+json'
  t.match(decode({ schemaVersion: 2, mediaType: list, manifests: [] }, list), { kind: 'image-index' })
})

t.test('media types are compared as types, not as text', async t => {
  const body = { schemaVersion: 2, mediaType: 'Application/VND.oci.image.manifest.v1+JSON', config: {}, layers: [] }
  for (const contentType of [
    `${MANIFEST_TYPE}; charset=utf-8`,
    MANIFEST_TYPE.toUpperCase(),
    ` ${MANIFEST_TYPE} ;q="a"; `,
  ])
    t.equal(decode(body, contentType).kind, 'image-manifest', contentType)
})

t.test('CVE-2021-41190: a body that is two things is neither', async t => {
  const manifest = { schemaVersion: 2, config: {}, layers: [] }
  const index = { schemaVersion: 2, manifests: [] }
  for (const [body, type] of [
    [{ ...manifest, manifests: [] }, MANIFEST_TYPE],
    [{ ...manifest, manifests: null }, MANIFEST_TYPE],
    [{ ...manifest, fsLayers: [] }, MANIFEST_TYPE],
    [{ ...index, layers: [] }, INDEX_TYPE],
    [{ ...index, config: null }, INDEX_TYPE],
    [manifest, INDEX_TYPE],
    [index, MANIFEST_TYPE],
    [{ ...manifest, mediaType: INDEX_TYPE }, MANIFEST_TYPE],
    [{ ...index, mediaType: MANIFEST_TYPE }, INDEX_TYPE],
    [{ ...manifest, mediaType: '' }, MANIFEST_TYPE],
    [{ ...manifest, mediaType: null }, MANIFEST_TYPE],
    [{ ...manifest, mediaType: [MANIFEST_TYPE] }, MANIFEST_TYPE],
  ] as const)
    t.throws(() => decode(body, type), InputError, `${type} ${JSON.stringify(body)}`)
})

t.test('only schema version 2 with a list of layers or manifests is read', async t => {
  for (const body of [
    { schemaVersion: 1, layers: [] },
    { schemaVersion: '2', layers: [] },
    { layers: [] },
    { schemaVersion: 2 },
    { schemaVersion: 2, layers: {} },
    { schemaVersion: 2, layers: null },
    [],
    'null',
    '',
    '{"schemaVersion":2,"layers":[],"layers":[]}',
    '\ufeff{"schemaVersion":2,"layers":[]}',
    `{"schemaVersion":2,"layers":${'['.repeat(17)}${']'.repeat(17)}}`,
    '{"schemaVersion":2,"layers":[]}trailing',
    JSON.stringify({ schemaVersion: 2, layers: ['x'.repeat(4096)] }),
  ])
    t.throws(() => decode(body), InputError, JSON.stringify(body).slice(0, 80))
})

t.test('a type that is none is refused, a type that is not ours is left unread', async t => {
  for (const type of ['', 'application', 'a/b/c', `${MANIFEST_TYPE}, ${INDEX_TYPE}`, `${MANIFEST_TYPE} x`, 'a/b; c'])
    t.throws(() => decode({}, type), InputError, type)
  t.throws(() => decodeManifest({ bytes: Buffer.from('{}'), digest: digestOf(Buffer.from('{}')) }, undefined, limits))
  t.match(decode('not even JSON', 'application/vnd.docker.distribution.manifest.v1+prettyjws'), { kind: 'other' })
  t.match(decode('not even JSON', 'application/json'), { kind: 'other' })
})

t.test('a descriptor has a digest that is one, a size that is one, and urls that nobody follows', async t => {
  const good = { mediaType: 5, digest: DIGEST, size: 0, urls: ['http://169.254.169.254/'], data: 'e30=' }
  t.strictSame(parseDescriptor(good), { kind: 'descriptor', digest: DIGEST, size: 0 })
  for (const change of [
    { digest: 'sha256:../../x' },
    { digest: `sha512:${'a'.repeat(128)}` },
    { digest: DIGEST.toUpperCase() },
    { digest: `${DIGEST}\n` },
    { digest: undefined },
    { digest: [DIGEST] },
    { size: -1 },
    { size: 1.5 },
    { size: '1' },
    { size: 2 ** 53 },
    { size: null },
  ])
    t.throws(() => parseDescriptor({ ...good, ...change }), InputError, JSON.stringify(change))
  for (const other of [null, [], 'x', 5]) t.throws(() => parseDescriptor(other), InputError)
  t.throws(() => parseDescriptor(JSON.parse(`{"__proto__":${JSON.stringify(good)}}`)), InputError)
})

t.test('no media type makes the parser do anything but parse or refuse', async t => {
  const piece = fc.constantFrom('application', '/', ';', '=', '"', ' ', '\t', 'a', '+json', ',', '\\')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), pieces => {
      try {
        return /^[^A-Z\s;]+\/[^A-Z\s;]+$/.test(parseMediaType(pieces.join('')))
      } catch (error) {
        return error instanceof InputError
      }
    }),
  )
  for (const unit of [' ', ';', '; ', 'a', ';a=b', ';a="'])
    t.throws(() => parseMediaType(`a/b${unit.repeat(3_900_000 / unit.length)}`), InputError, JSON.stringify(unit))
  t.equal(parseMediaType(`a/b${';'.repeat(253)}`), 'a/b')
  t.throws(() => parseMediaType(`a/b${';'.repeat(254)}`), InputError)
  for (const other of [undefined, null, 5, 5n, [], {}, { toString: 1 }, Symbol('a/b')])
    t.throws(() => parseMediaType(other), InputError)
})

t.test('Go reads a field in any letter case, so one in another than its own is refused', async t => {
  const body = { schemaVersion: 2, config: {}, layers: [] }
  for (const key of [
    'Manifests',
    'MANIFESTS',
    'manifest\u017f',
    'MediaType',
    'Layers',
    'layer\u017f',
    'SchemaVersion',
    'fslayers',
  ])
    t.throws(() => decode({ ...body, [key]: [] }), { message: 'in this spelling, got' }, key)
  t.throws(() => decode({ schemaVersion: 2, manifests: [], ConFig: {} }, INDEX_TYPE), InputError)
  t.match(decode({ ...body, other: 1, Other: 2, layersX: [] }), { kind: 'image-manifest' })
})

t.test('no manifest that a registry may send costs more than a moment to read or to refuse', async t => {
  const { manifestBytes: bytes, jsonDepth: depth, jsonValues: values } = REGISTRY_LIMITS
  const filled = (head: string, unit: string, size: number) =>
    Buffer.from(`{"schemaVersion":2,"layers":[],${head}"x":[${unit.repeat((size - 100) / unit.length)}0]}`)
  for (const [head, unit] of [
    ['', '[],'],
    ['', ' '],
    ['"n":1234567890123456,', '0,'],
    ['', '"\\u0041",'],
    ['', `"${'x'.repeat(46)}",`],
    ['', `{"${'x'.repeat(93)}":0},`],
  ] as const) {
    for (const size of [bytes, 4 * bytes]) {
      const body = filled(head, unit, size)
      const begun = process.cpuUsage()
      try {
        decodeManifest({ bytes: body, digest: DIGEST as Digest }, MANIFEST_TYPE, { bytes, depth, values })
      } catch (error) {
        t.ok(error instanceof InputError)
      }
      const { user, system } = process.cpuUsage(begun)
      // Some 30 ms at most. Where no value was counted and each went through a reviver, it was up to four seconds.
      t.ok(user + system < 300_000, `${size} bytes of ${head} ${unit.slice(0, 9)}: ${user + system} µs of CPU`)
    }
  }
})

t.test('whatever the document, it is read as a manifest or refused', async t => {
  const field = fc.constantFrom(
    'schemaVersion',
    'mediaType',
    'layers',
    'manifests',
    'config',
    'digest',
    'size',
    'annotations',
  )
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom(2, MANIFEST_TYPE, INDEX_TYPE, DIGEST, 1e300, '\ud800'))
  const document = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(field, fc.oneof(value, fc.array(fc.dictionary(field, value)))),
  )
  fc.assert(
    fc.property(document, fc.constantFrom(MANIFEST_TYPE, INDEX_TYPE, undefined, 'a/b;;'), (body, type) => {
      try {
        const manifest = decode(body, type)
        if (manifest.kind !== 'other') for (const item of manifest.items) parseDescriptor(item)
      } catch (error) {
        return error instanceof InputError
      }
      return true
    }),
    { numRuns: 1000 },
  )
})

t.test('a list of manifests that is null is empty, as Go writes it; layers that are null are none', async t => {
  t.match(decode({ schemaVersion: 2, manifests: null }, INDEX_TYPE), { kind: 'image-index', items: [] })
  t.throws(() => decode({ schemaVersion: 2, config: {}, layers: null }), InputError)
  t.throws(() => decode({ schemaVersion: 2, manifests: null, layers: [] }, INDEX_TYPE), InputError)
})
