import * as fc from 'fast-check'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { SIGNATURE_BYTES } from '#core/domain/public-key.ts'
import { LimitError } from '#core/json/limit-error.ts'
import { BODY_BYTES } from '#core/verify/sigstore/log/body.ts'
import {
  CHECKPOINT_CHARACTERS,
  decodeLegacyEntry,
  decodeLogEntry,
  MOST_HASHES,
} from '#core/verify/sigstore/log/decode-entry.ts'
import type { LogEntry } from '#core/verify/sigstore/material.ts'
import type { Path } from './change-json.ts'
import { leavesOf, withLeaf } from './change-json.ts'
import { annotationOf, base64, bodyOf, entryOf, jsonOf, makeLog, signedOf } from './make-log.ts'

const made = makeLog()
const entry = entryOf(made, 'hashedrekord 0.0.1', bodyOf('hashedrekord 0.0.1', signedOf('message')))
const json: unknown = jsonOf(entry)
const annotation = annotationOf(entry)

/** The entry with plain arrays of bytes, so that two can be compared whatever they are kept in. */
function plain(value: LogEntry): unknown {
  return JSON.parse(JSON.stringify(value, (_, part) => (part?.type === 'Buffer' ? part.data : part)))
}

function objection(decode: () => unknown): string {
  try {
    decode()
  } catch (error) {
    if (error instanceof LimitError) return `limit: ${error.message}`
    if (error instanceof InputError) return error.message
    throw error
  }
  return 'none'
}

const refused = (...change: readonly [Path, unknown]) => objection(() => decodeLogEntry(withLeaf(json, ...change)))
const refusedAnnotation = (...change: readonly [Path, unknown]) =>
  objection(() => decodeLegacyEntry(JSON.stringify(withLeaf(JSON.parse(annotation), ...change))))

t.test('an entry of a bundle is decoded whole', async t => {
  t.strictSame(plain(decodeLogEntry(json)), plain(entry))
})

t.test('an annotation of cosign’s is decoded to the same, but for a proof and a kind beside the body', async t => {
  t.strictSame(plain(decodeLegacyEntry(annotation)), plain({ ...entry, kind: undefined, proof: undefined }))
})

t.test('what protobuf leaves out in JSON is what it stands for', async t => {
  const lone = { ...entryOf(made, 'hashedrekord 0.0.2', entry.body, 'proof') }
  const { inclusionProof, ...others } = withLeaf(jsonOf(lone), ['logIndex'], undefined) as Record<string, unknown>
  const { rootHash, checkpoint } = inclusionProof as Record<string, unknown>
  const sparse = { ...others, inclusionProof: { rootHash, treeSize: 1, checkpoint } }
  const expected = {
    index: 0,
    integratedTime: undefined,
    promise: undefined,
    proof: { index: 0, treeSize: 1, hashes: [] },
  }
  t.match(decodeLogEntry(sparse), expected)
  t.match(decodeLogEntry({ ...sparse, logIndex: '0', integratedTime: '0', inclusionPromise: null }), expected)
  t.match(decodeLogEntry({ ...others, inclusionProof: null }), { proof: undefined })
  t.match(decodeLogEntry({ ...sparse, inclusionProof: { rootHash, treeSize: 1, checkpoint, hashes: null } }), expected)
  t.match(decodeLogEntry({ ...sparse, inclusionProof: { rootHash, checkpoint } }), { proof: { treeSize: 0 } })
})

t.test('numbers are decimal, whole, and such that a double holds them', async t => {
  const places = [['logIndex'], ['integratedTime'], ['inclusionProof', 'logIndex'], ['inclusionProof', 'treeSize']]
  const texts = [
    '01',
    '1e3',
    '-1',
    ' 1',
    '1 ',
    '+1',
    '1.0',
    '0x1',
    '',
    '1_000',
    '١',
    '9007199254740992',
    '99999999999999999999',
  ]
  const others = [-1, 1.5, 2 ** 53, 1e300, Number.NaN, true, null, [1], { low: 1 }]
  for (const path of places) {
    for (const value of [...texts, ...others])
      t.match(
        refused(path, value),
        `expected ${path.join('.')} to be a whole number from 0 below 2^53`,
        `${path.join('.')} ${JSON.stringify(value)}`,
      )
    for (const value of ['1', 1, '253402300799', 253402300799]) t.equal(refused(path, value), 'none')
  }
  for (const path of [['logIndex'], ['inclusionProof', 'treeSize']])
    for (const value of ['9007199254740991', Number.MAX_SAFE_INTEGER]) t.equal(refused(path, value), 'none')
  for (const path of [
    ['Payload', 'logIndex'],
    ['Payload', 'integratedTime'],
  ])
    for (const value of ['1', ...others.filter(one => one !== 2 ** 53 && one !== 1e300), undefined])
      t.match(
        refusedAnnotation(path, value),
        /to be a whole number from 0 below 2\^53/,
        `${path.join('.')} ${JSON.stringify(value)}`,
      )
})

t.test('a time that no calendar has is none', async t => {
  t.match(refused(['integratedTime'], '253402300800'), 'expected integratedTime to be at most 253402300799')
  t.match(refusedAnnotation(['Payload', 'integratedTime'], 253402300800), 'expected integratedTime to be at most')
  t.equal(decodeLegacyEntry(annotation.replace('1800000000', '0')).integratedTime, undefined)
})

t.test('the id of a log is 32 bytes, in its one spelling', async t => {
  for (const id of ['', base64(Buffer.alloc(31)), base64(Buffer.alloc(33)), base64(Buffer.alloc(32)).slice(0, -1), 7])
    t.not(refused(['logId', 'keyId'], id), 'none', String(id))
  for (const id of ['', 'ab'.repeat(31), 'ab'.repeat(33), 'AB'.repeat(32), 'gg'.repeat(32), ` ${'ab'.repeat(32)}`, 7])
    t.not(refusedAnnotation(['Payload', 'logID'], id), 'none', String(id))
})

t.test('what must be there is there, and of its type', async t => {
  const needed = ['logId', 'kindVersion', 'canonicalizedBody'].map(name => [name])
  const within = leavesOf(json).map(({ path }) => path.filter(part => typeof part === 'string'))
  const optional = [
    'logIndex',
    'integratedTime',
    'inclusionProof.logIndex',
    'inclusionProof.treeSize',
    'inclusionProof.hashes',
  ]
  for (const path of [...needed, ...within].filter(path => !optional.includes(path.join('.')))) {
    t.match(refused(path, undefined), 'expected ', path.join('.'))
    t.match(refused(path, 7), 'expected ', path.join('.'))
  }
  for (const { path } of leavesOf(JSON.parse(annotation))) {
    t.match(refusedAnnotation(path, undefined), 'expected ', path.join('.'))
    t.match(refusedAnnotation(path, [7]), 'expected ', path.join('.'))
  }
  for (const value of [undefined, null, 7, 'text', []])
    t.match(
      objection(() => decodeLogEntry(value)),
      'expected the log entry',
    )
})

t.test('a proof without a checkpoint is refused, because it proves nothing', async t => {
  t.match(refused(['inclusionProof', 'checkpoint'], undefined), 'expected checkpoint to be an object, got nothing')
  t.match(refused(['inclusionProof', 'checkpoint', 'envelope'], undefined), 'expected checkpoint.envelope to be text')
})

t.test('members that are not known are refused, other spellings of known ones among them', async t => {
  const objects = [
    [],
    ['logId'],
    ['kindVersion'],
    ['inclusionPromise'],
    ['inclusionProof'],
    ['inclusionProof', 'checkpoint'],
  ]
  for (const path of objects)
    for (const name of ['other', 'log_index', 'LogIndex', '__proto__'])
      t.match(refused([...path, name], '7'), `got "${name}"`)
  for (const path of [[], ['Payload']])
    for (const name of ['other', 'LogID']) t.match(refusedAnnotation([...path, name], '7'), `got "${name}"`)
  t.match(
    objection(() => decodeLegacyEntry(annotation.replace('{', '{"__proto__":7,'))),
    'got "__proto__"',
  )
})

t.test('a key that occurs twice is refused', async t => {
  t.match(
    objection(() => decodeLegacyEntry(annotation.replace('{"body"', '{"logIndex":7,"body"'))),
    'occurs twice',
  )
})

t.test('base64 has one spelling', async t => {
  const paths = [
    ['canonicalizedBody'],
    ['inclusionPromise', 'signedEntryTimestamp'],
    ['inclusionProof', 'rootHash'],
    ['inclusionProof', 'hashes', 0],
  ]
  for (const path of paths)
    for (const text of ['', 'AAA', 'AB==', 'A A=', 'AA==\n', '-_8=', '====', 'AA=='.repeat(2)])
      t.match(refused(path, text), 'expected ', `${path.join('.')} ${text}`)
})

t.test('everything is bounded, and taken at the bound', async t => {
  const bytes = (count: number) => base64(Buffer.alloc(count, 7))
  const bounds: readonly (readonly [Path, (count: number) => unknown, number])[] = [
    [['canonicalizedBody'], bytes, BODY_BYTES],
    [['inclusionPromise', 'signedEntryTimestamp'], bytes, SIGNATURE_BYTES],
    [['inclusionProof', 'hashes'], count => Array(count).fill(bytes(32)), MOST_HASHES],
    [['inclusionProof', 'checkpoint', 'envelope'], count => 'x'.repeat(count), CHECKPOINT_CHARACTERS],
  ]
  for (const [path, make, most] of bounds) {
    t.equal(refused(path, make(most)), 'none', path.join('.'))
    t.match(refused(path, make(most + 1)), 'expected at most ', path.join('.'))
  }
  t.equal(refusedAnnotation(['Payload', 'body'], bytes(BODY_BYTES)), 'none')
  t.match(refusedAnnotation(['Payload', 'body'], bytes(BODY_BYTES + 1)), 'limit: expected at most 32768 bytes of body')
  t.match(
    objection(() => decodeLegacyEntry(`${annotation}${' '.repeat(2 * BODY_BYTES)}`)),
    'limit: expected at most 65536 bytes',
  )
  t.match(
    objection(() => decodeLegacyEntry('['.repeat(5))),
    'limit: ',
  )
})

t.test('nothing makes them throw anything but an InputError', async t => {
  const leaves = leavesOf(json)
  const changed = fc
    .tuple(fc.nat(), fc.anything())
    .map(([at, value]) => withLeaf(json, leaves[at % leaves.length]?.path ?? [], value))
  fc.assert(fc.property(fc.oneof(fc.anything(), changed), value => objection(() => decodeLogEntry(value)) !== ''))
  const cut = fc.tuple(fc.nat(), fc.string({ maxLength: 3 })).map(([at, by]) => {
    const place = at % annotation.length
    return annotation.slice(0, place) + by + annotation.slice(place + 1)
  })
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), cut), text => objection(() => decodeLegacyEntry(text)) !== ''))
  t.pass()
})
