import * as fc from 'fast-check'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { decodeReview, encodeReview } from '#webhook/admission-review.ts'
import { findUid, HEAD_BYTES } from '#webhook/find-uid.ts'
import { MAX_DEPTH, MAX_VALUES, SHORT_BYTES } from '#webhook/json-excess.ts'
import { makePod } from '../support/make-subject.ts'
import { bytesOf, makeRequest, makeReview, UID } from './make-review.ts'

/** What decoding complains about. */
function complaint(review: unknown): string {
  try {
    decodeReview(Buffer.isBuffer(review) ? review : bytesOf(review))
  } catch (error) {
    return error instanceof InputError ? error.message : 'not an InputError'
  }
  return 'no complaint'
}

const decode = (request: Record<string, unknown>) => decodeReview(bytesOf(makeReview(makeRequest(request)))).subject

t.test('a review becomes a subject, free of its wire form', async t => {
  const { uid, subject } = decodeReview(bytesOf(makeReview()))
  t.equal(uid, UID)
  t.strictSame(subject, {
    operation: 'CREATE',
    group: '',
    kind: 'Pod',
    subresource: '',
    namespace: 'shop',
    name: 'web',
    object: makePod('r.test/app:1'),
    oldObject: undefined,
    user: 'someone',
    isDryRun: false,
  })
})

t.test('what Go leaves out because it is empty is empty', async t => {
  const subject = decode({
    name: undefined,
    namespace: undefined,
    dryRun: undefined,
    userInfo: {},
    oldObject: undefined,
  })
  t.match(subject, { name: '', namespace: '', subresource: '', isDryRun: false, user: '', oldObject: undefined })
})

t.test('subresource, dry run and the old object are carried', async t => {
  const pod = makePod('r.test/app:0')
  const subject = decode({ operation: 'UPDATE', subResource: 'ephemeralcontainers', dryRun: true, oldObject: pod })
  t.match(subject, { operation: 'UPDATE', subresource: 'ephemeralcontainers', isDryRun: true, oldObject: pod })
})

t.test('the object is handed on exactly as it was sent', async t => {
  const odd = {
    ...makePod('r.test/app:1'),
    unknown: { number: 1e21, negative: -0.5, empty: {}, list: [null, '', false, []], 'a.b/c': 'ü \u2028 \ud83d\ude00' },
    metadata: { name: 'web', annotations: { n: '007', t: 'true' }, deletionTimestamp: '2026-11-21T00:00:00Z' },
  }
  t.strictSame(decode({ object: odd }).object, odd)
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 6 }), async value => {
      const object = { ...makePod('r.test/app:1'), extra: value }
      t.equal(JSON.stringify(decode({ object }).object), JSON.stringify(object))
    }),
    { numRuns: 200 },
  )
})

t.test('keys that name a prototype are data and change nothing', async t => {
  const text = JSON.stringify(makeReview(makeRequest({ object: 'OBJECT' }))).replace(
    '"OBJECT"',
    '{"apiVersion":"v1","kind":"Pod","__proto__":{"polluted":true,"spec":{"containers":[]}},"constructor":{"prototype":{"polluted":true}}}',
  )
  const { subject } = decodeReview(Buffer.from(text))
  const object = subject.object as Record<string, unknown>
  t.equal(object['polluted'], undefined)
  t.equal(object['spec'], undefined, 'nothing is inherited from the key __proto__')
  t.ok(Object.hasOwn(object, '__proto__'), 'and it is kept, for it was sent')
  t.equal(({} as Record<string, unknown>)['polluted'], undefined)
  const forged = JSON.stringify(makeReview('REQUEST')).replace('"request":"REQUEST"', '"__proto__":{"request":{}}')
  t.match(complaint(Buffer.from(forged)), 'expected request to be an object, got nothing')
})

t.test('the envelope is refused by the name of the field that is wrong', async t => {
  const wrong: readonly [unknown, string][] = [
    [[], 'expected the review to be an object, got a list'],
    [
      { ...makeReview(), apiVersion: 'admission.k8s.io/v1beta1' },
      'expected apiVersion to be "admission.k8s.io/v1", got',
    ],
    [{ ...makeReview(), kind: 'Review' }, 'expected kind to be "AdmissionReview", got "Review"'],
    [{ ...makeReview(), kind: undefined }, 'expected kind to be text, got nothing'],
    [makeReview(null), 'expected request to be an object, got null'],
    [makeReview(makeRequest({ uid: 5 })), 'expected request.uid to be text, got number'],
    [makeReview(makeRequest({ uid: '' })), 'expected request.uid to be a uid, got ""'],
    [makeReview(makeRequest({ uid: 'x'.repeat(129) })), 'expected request.uid to be a uid, got "xxx'],
    [makeReview(makeRequest({ kind: 'Pod' })), 'expected request.kind to be an object, got string'],
    [
      makeReview(makeRequest({ kind: { group: '', version: 1, kind: 'Pod' } })),
      'expected request.kind.version to be text',
    ],
    [makeReview(makeRequest({ operation: 'PATCH' })), 'expected request.operation to be one of CREATE, UPDATE, DELETE'],
    [makeReview(makeRequest({ operation: undefined })), 'expected request.operation to be text, got nothing'],
    [makeReview(makeRequest({ dryRun: 'false' })), 'expected request.dryRun to be true or false, got string'],
    [makeReview(makeRequest({ subResource: ['status'] })), 'expected request.subResource to be text, got a list'],
    [
      makeReview(makeRequest({ name: 'n'.repeat(254) })),
      'expected request.name to have at most 253 characters, got 254',
    ],
    [makeReview(makeRequest({ userInfo: undefined })), 'expected request.userInfo to be an object, got nothing'],
    [makeReview(makeRequest({ object: [makePod('a')] })), 'expected request.object to be an object, got a list'],
  ]
  for (const [review, message] of wrong) t.match(complaint(review), message)
})

t.test('an object that says it is something else than the request says is refused', async t => {
  const scale = { ...makePod('r.test/app:1'), kind: 'Scale' }
  t.match(
    complaint(makeReview(makeRequest({ object: scale }))),
    'expected request.object.kind to be "Pod", got "Scale"',
  )
  const beta = { ...makePod('r.test/app:1'), apiVersion: 'apps/v1' }
  t.match(complaint(makeReview(makeRequest({ object: beta }))), 'expected request.object.apiVersion to be "v1"')
  const old = makeRequest({ operation: 'UPDATE', oldObject: { kind: 'Pod' } })
  t.match(complaint(makeReview(old)), 'expected request.oldObject.apiVersion to be text, got nothing')
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment' }
  const kind = { group: 'apps', version: 'v1', kind: 'Deployment' }
  t.match(decode({ kind, object: deployment }), { group: 'apps', kind: 'Deployment', object: deployment })
})

t.test('a CREATE or UPDATE without its object is refused; a DELETE or CONNECT has none', async t => {
  for (const operation of ['CREATE', 'UPDATE'])
    for (const object of [null, undefined])
      t.equal(
        complaint(makeReview(makeRequest({ operation, object }))),
        `expected request.object with ${operation}, got nothing`,
      )
  for (const operation of ['DELETE', 'CONNECT']) t.equal(decode({ operation, object: null }).object, undefined)
})

t.test('nesting is taken up to its bound and refused one beyond, before anything is parsed', async t => {
  // What is short is harmless whatever it holds; a review beyond that is looked at.
  const filler = `"${'x'.repeat(SHORT_BYTES)}"`
  const nested = (levels: number) => Buffer.from(`${'['.repeat(levels)}${filler}${']'.repeat(levels)}`)
  t.match(complaint(nested(MAX_DEPTH)), 'expected the review to be an object, got a list')
  t.match(complaint(nested(MAX_DEPTH + 1)), `expected at most ${MAX_DEPTH} levels of nesting`)
  t.match(
    complaint(Buffer.from(`${'{"a":'.repeat(MAX_DEPTH + 1)}${filler}`)),
    `expected at most ${MAX_DEPTH} levels of nesting`,
  )
  const quoted = makeRequest({ object: { ...makePod('a'), note: `\\"${'[{'.repeat(10_000)}` } })
  t.equal(complaint(makeReview(quoted)), 'no complaint', 'brackets in text are text')
})

t.test('values are taken up to their bound and refused one beyond', async t => {
  const flat = (values: number) => Buffer.from(`[${'0,'.repeat(values - 1)}0]`)
  t.match(complaint(flat(MAX_VALUES)), 'expected the review to be an object, got a list')
  t.match(complaint(flat(MAX_VALUES + 1)), `expected at most ${MAX_VALUES} values in the review, got ${MAX_VALUES + 1}`)
})

t.test('what is no JSON or no UTF-8 is refused without quoting it', async t => {
  const secret = Buffer.from('{"request":{"object":{"kind":"Secret","data":{"password":"aHVudGVyMg==" oops')
  t.equal(complaint(secret), 'expected the review as JSON')
  try {
    decodeReview(secret)
  } catch (error) {
    t.equal((error as Error).cause, undefined, 'the cause would quote the body')
  }
  for (const text of ['', ' ', '{', '{}}', '\ufeff{}', "{'a':1}", '{"a":1,}'])
    t.match(complaint(Buffer.from(text)), 'as JSON')
  t.equal(complaint(Buffer.from([0x22, 0xff, 0x22])), 'expected the review in UTF-8')
})

t.test('an answer carries the uid and what was decided', async t => {
  t.strictSame(JSON.parse(encodeReview(UID, { allowed: false })), {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: UID, allowed: false },
  })
})

t.test('the uid is found in a review that is cut off anywhere after it', async t => {
  const whole = bytesOf(makeReview())
  const after = whole.indexOf(UID) + UID.length + 1
  t.equal(findUid(whole), UID)
  for (let at = 0; at < whole.length; at++)
    t.equal(findUid(whole.subarray(0, at)), at < after ? undefined : UID, `cut at ${at}`)
})

t.test('the uid is found wherever in the review it stands, behind objects that name others', async t => {
  const object = { ...makePod('r.test/app:1'), uid: 'forged', request: { uid: 'forged' }, metadata: { uid: 'forged' } }
  const { uid, ...rest } = makeRequest({ object, name: '"uid":"forged"', note: 'ü\\"]}' })
  const late = { ...makeReview({ ...rest, uid }) }
  t.equal(findUid(bytesOf(late)), UID)
  t.equal(findUid(bytesOf({ object, uid: 'forged', ...late })), UID, 'before the request, too')
  t.equal(findUid(Buffer.from(JSON.stringify(late, null, 2))), UID, 'with white space')
  t.equal(findUid(Buffer.from(`{"request":{"\\u0075id":"${UID}"`)), UID, 'with an escaped key')
})

t.test('a forged uid is not taken from text, from an object, or from the wrong level', async t => {
  const forgeries = [
    '{"uid":"forged"}',
    '{"uid":"forged","request":{',
    '[{"request":{"uid":"forged"}}]',
    '"{\\"request\\":{\\"uid\\":\\"forged\\"}}"',
    '{"object":{"request":{"uid":"forged"}}',
    '{"request":[{"uid":"forged"}]}',
    '{"request":"{\\"uid\\":\\"forged\\"}"}',
    '{"request":{"object":{"uid":"forged"',
    '{"request":{"object":{"uid":"forged"}',
    '{"request":{"name":"\\"},\\"uid\\":\\"forged\\"',
    '{"request":{"name":"x","object":[{"a":"}]"},{"uid":"forged"}]',
    '{"request":{"object":{]},"uid":"forged"}}',
    '{"request":{"object":[}],"uid":"forged"}}',
    '{"request":{"object":{"a":[}],"uid":"forged"}}',
    '{"request":{"object" {"a":1},"uid":"forged"}}',
    '{"request":{"name"="x","uid":"forged"}}',
    '{"request":{"name":bogus,"uid":"forged"}}',
    '{"request":{,"uid":"forged"}}',
    '{"request":{"uid":{"uid":"forged"}}}',
    '{"request":{"uid":["forged"]}}',
    '{"request":{"uid":null,"uid":"forged"}}',
    '{"request":{"uid":"forged',
    '{"request":{"uid":"for ged"}}',
    '{"request":{"uid":""}}',
    `{"request":{"uid":"${'f'.repeat(129)}"}}`,
    '{"request":{"uid":"\\u0000forged"}}',
    '\ufeff{"request":{"uid":"forged"}}',
    "{'request':{'uid':'forged'}}",
    '',
  ]
  for (const text of forgeries) t.equal(findUid(Buffer.from(text)), undefined, text)
})

t.test('the uid is looked for in the head of a review and no further', async t => {
  const padded = (bytes: number) => Buffer.from(`{"request":{"name":"${'x'.repeat(bytes)}","uid":"${UID}"}}`)
  const rest = padded(0).length - 2
  t.equal(findUid(padded(HEAD_BYTES - rest)), UID, 'ends with the head')
  t.equal(findUid(padded(HEAD_BYTES - rest + 1)), undefined, 'ends one byte later')
})

t.test('no head, however it is made, takes long or throws', async t => {
  const hostile = [
    '[',
    '{',
    '"',
    '\\',
    '"\\',
    '{"a":',
    '[{',
    '{"request":',
    ' ',
    '1',
    '"a",',
    '\\"',
    '\u00ff',
    '{"request":{"a":[',
  ]
  const start = performance.now()
  for (const part of hostile) t.equal(findUid(Buffer.from(part.repeat(HEAD_BYTES))), undefined, part)
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async bytes => {
      findUid(bytes)
      findUid(Buffer.concat([Buffer.from('{"request":{'), bytes]))
    }),
  )
  t.ok(performance.now() - start < 5000)
})

t.test('where a whole review can be parsed, the uid that is found is the uid of the parsed one', async t => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.jsonValue(), fc.string(), async (before, object, name) => {
      const { uid, ...rest } = makeRequest({ object, name })
      const bytes = bytesOf({ before, [name]: before, request: { [`${name}x`]: object, ...rest, uid } })
      t.equal(findUid(bytes), (JSON.parse(bytes.toString()) as { request: { uid: string } }).request.uid)
    }),
    { numRuns: 300 },
  )
})

t.test('a short review of brackets and nothing else is read without harm, and closed', async t => {
  const levels = SHORT_BYTES / 2
  t.match(
    complaint(Buffer.from(`${'['.repeat(levels)}${']'.repeat(levels)}`)),
    'expected the review to be an object, got a list',
  )
  const deep = `${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`
  const review = JSON.stringify(makeReview()).replace('"metadata":{', `"metadata":{"deep":${deep},`)
  t.equal(decodeReview(Buffer.from(review)).uid, UID)
})
