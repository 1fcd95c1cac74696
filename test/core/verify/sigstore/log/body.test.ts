import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import t from 'tap'
import { BODY_BYTES, verifyBody } from '#core/verify/sigstore/log/body.ts'
import type { Path } from './change-json.ts'
import { leavesOf, withLeaf } from './change-json.ts'
import type { Kind, Signed } from './make-log.ts'
import { BODIES, base64, bodyOf, encodeBody, KINDS, PAYLOAD_TYPE, pemOf, signedOf } from './make-log.ts'

/** Something signed of which an entry of this kind can be made. */
function signedFor(kind: Kind, by: 'key' | 'certificate' = 'key'): Signed {
  return signedOf(kind.startsWith('hashedrekord') ? 'message' : 'envelope', by)
}

function verify(body: Uint8Array, logged: Signed, kind?: { name: string; version: string }) {
  return verifyBody({ kind, body }, logged)
}

t.test('an entry of each kind is matched with the signature it is of, by a key or by a certificate', async t => {
  for (const kind of KINDS)
    for (const by of ['key', 'certificate'] as const) {
      const logged = signedFor(kind, by)
      const [name = '', version = ''] = kind.split(' ')
      t.strictSame(verify(bodyOf(kind, logged), logged), { kind: 'matched', as: kind }, `${kind} by ${by}`)
      t.strictSame(verify(bodyOf(kind, logged), logged, { name, version }), { kind: 'matched', as: kind })
    }
})

t.test('an envelope may be logged as what it is signed over, which is how cosign logs it', async t => {
  const logged = signedOf('envelope')
  for (const kind of ['hashedrekord 0.0.1', 'hashedrekord 0.0.2'] as const)
    t.match(verify(bodyOf(kind, logged), logged), { kind: 'matched' }, kind)
})

t.test('an entry of an envelope is of no signature over something else', async t => {
  const logged = signedOf('message')
  const enveloped = { ...logged, payload: logged.message }
  for (const kind of ['dsse 0.0.1', 'intoto 0.0.2', 'dsse 0.0.2'] as const)
    t.match(verify(bodyOf(kind, enveloped), logged), {
      code: 'log.mismatch',
      detail: /no envelope, got one of an envelope/,
    })
})

t.test(
  'an entry that agrees in all but one thing is of another signature (CVE-2022-36056, CVE-2026-22703)',
  async t => {
    for (const kind of KINDS) {
      const logged = signedFor(kind)
      const other = signedFor(kind)
      const parts = {
        [kind.startsWith('hashedrekord') ? /of message/.source : /of payload/.source]: {
          ...logged,
          message: other.message,
          payload: other.payload,
        },
        'of this signature': { ...logged, signature: other.signature },
        'by the key .* by the key': { ...logged, verifier: other.verifier },
        'by the key .* by the certificate': {
          ...logged,
          verifier: { ...logged.verifier, kind: 'certificate' as const },
        },
      }
      for (const [detail, one] of Object.entries(parts))
        t.match(
          verify(bodyOf(kind, one), logged),
          { code: 'log.mismatch', detail: new RegExp(detail) },
          `${kind}: ${detail}`,
        )
    }
  },
)

t.test('a body of another kind than the bundle calls it is refused', async t => {
  for (const kind of KINDS) {
    const logged = signedOf('envelope')
    for (const said of [...KINDS, 'intoto 0.0.1', 'hashedrekord 0.0.3', ' ', 'HashedRekord 0.0.1']) {
      const [name = '', version = ''] = said.split(' ')
      const expected =
        said === kind ? { kind: 'matched' } : { code: 'log.mismatch', detail: /as it is called beside it/ }
      t.match(verify(bodyOf(kind, logged), logged, { name, version }), expected, `${kind} as ${said}`)
    }
  }
})

t.test(
  'a kind that cannot be compared is refused by name, intoto 0.0.1 among them, which holds no signature',
  async t => {
    const logged = signedOf('envelope')
    const kinds = [
      'intoto 0.0.1',
      'rekord 0.0.1',
      'hashedrekord 0.0.3',
      'dsse 0.0.3',
      'hashedrekord 1',
      'toString constructor',
    ]
    for (const kind of kinds) {
      const body = encodeBody(kind, BODIES['hashedrekord 0.0.1'](logged))
      t.match(verify(body, logged), { code: 'log.invalid', detail: new RegExp(`got "${kind}"`) })
    }
  },
)

/** What becomes of an entry when the log holds another value there. */
const CHANGED: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
  'hashedrekord 0.0.1': {
    'data.hash.algorithm': 'log.invalid',
    'data.hash.value': 'log.mismatch',
    'signature.content': 'log.mismatch',
    'signature.publicKey.content': 'log.mismatch',
  },
  'dsse 0.0.1': {
    'envelopeHash.algorithm': 'matched: it is of the JSON that was sent to the log',
    'envelopeHash.value': 'matched: it is of the JSON that was sent to the log',
    'payloadHash.algorithm': 'log.invalid',
    'payloadHash.value': 'log.mismatch',
    'signatures.0.signature': 'log.mismatch',
    'signatures.0.verifier': 'log.mismatch',
  },
  'intoto 0.0.2': {
    'content.envelope.payloadType': 'log.mismatch',
    'content.envelope.signatures.0.keyid': 'matched: nobody has signed it, and the key itself is compared',
    'content.envelope.signatures.0.publicKey': 'log.mismatch',
    'content.envelope.signatures.0.sig': 'log.mismatch',
    'content.hash.algorithm': 'matched: it is of the JSON that was sent to the log',
    'content.hash.value': 'matched: it is of the JSON that was sent to the log',
    'content.payloadHash.algorithm': 'log.invalid',
    'content.payloadHash.value': 'log.mismatch',
  },
  'hashedrekord 0.0.2': {
    'hashedRekordV002.data.algorithm': 'log.invalid',
    'hashedRekordV002.data.digest': 'log.mismatch',
    'hashedRekordV002.signature.content': 'log.mismatch',
    'hashedRekordV002.signature.verifier.publicKey.rawBytes': 'log.mismatch',
    'hashedRekordV002.signature.verifier.keyDetails': 'matched: how the signature is checked is not the log’s to say',
  },
  'dsse 0.0.2': {
    'dsseV002.payloadHash.algorithm': 'log.invalid',
    'dsseV002.payloadHash.digest': 'log.mismatch',
    'dsseV002.signatures.0.content': 'log.mismatch',
    'dsseV002.signatures.0.verifier.publicKey.rawBytes': 'log.mismatch',
    'dsseV002.signatures.0.verifier.keyDetails': 'matched: how the signature is checked is not the log’s to say',
  },
}

/** Another value that can be read as well as the one that is there. */
function otherThan(leaf: unknown): string {
  const text = String(leaf)
  // Base64 of base64 or of PEM: of another signature, and of another key.
  if (text.startsWith('LS0t')) return base64(pemOf(signedOf('message').verifier))
  if (text.startsWith('TUV')) return base64(Buffer.from(base64(signedOf('message').signature)))
  if (/^[0-9a-f]{64}$/.test(text)) return 'ab'.repeat(32)
  const bytes = Buffer.from(text, 'base64')
  return base64(bytes) === text && bytes.length >= 32 ? base64(bytes.fill(1, bytes.length - 4)) : `${text}x`
}

t.test('each value in each body is compared, or is known for what it is not', async t => {
  for (const kind of KINDS) {
    const logged = signedFor(kind)
    const spec: unknown = BODIES[kind](logged)
    const found = leavesOf(spec).map(({ path, leaf }) => {
      const is = verify(encodeBody(kind, withLeaf(spec, path, otherThan(leaf))), logged)
      return [path.join('.'), is.kind === 'matched' ? 'matched' : is.code]
    })
    const expected = Object.entries(CHANGED[kind]).map(([path, becomes]) => [path, becomes.split(':')[0]])
    t.strictSame(Object.fromEntries(found), Object.fromEntries(expected), kind)
  }
})

/** Left out, they are not missed by anyone. */
const OPTIONAL = ['envelopeHash', 'content.hash', 'keyid']

t.test('a body with a value missing, of another type, or with one more, is refused', async t => {
  for (const kind of KINDS) {
    const logged = signedFor(kind)
    const spec: unknown = BODIES[kind](logged)
    for (const { path } of leavesOf(spec)) {
      const where = path.join('.')
      if (OPTIONAL.some(part => where.includes(part))) continue
      for (const value of [undefined, null, 7, [], {}, ['x'], '\ud800'])
        t.match(
          verify(encodeBody(kind, withLeaf(spec, path, value)), logged),
          { kind: 'refusal', code: 'log.invalid' },
          `${kind}: ${where} ${JSON.stringify(value)}`,
        )
    }
    for (const path of objectsOf(spec))
      t.match(verify(encodeBody(kind, withLeaf(spec, [...path, 'other'], 'x')), logged), {
        code: 'log.invalid',
        detail: /got "other"/,
      })
  }
})

/** Where the objects are whose members are looked at. */
function objectsOf(spec: unknown): readonly Path[] {
  const paths = leavesOf(spec).filter(({ path }) => !OPTIONAL.some(part => path.join('.').startsWith(part)))
  const all = paths.flatMap(({ path }) => path.map((_, depth) => path.slice(0, depth)))
  return all.filter(path => typeof path.at(-1) !== 'string' || path.at(-1) !== 'signatures')
}

t.test('an entry of no signature, or of two, is not of an envelope with one', async t => {
  const logged = signedOf('envelope')
  for (const kind of ['dsse 0.0.1', 'intoto 0.0.2', 'dsse 0.0.2'] as const) {
    const text = bodyOf(kind, logged).toString()
    const [, one = ''] = /"signatures":\[(.*)\]/.exec(text) ?? []
    for (const [count, signatures] of [
      [0, '[]'],
      [2, `[${one},${one}]`],
      ['no list', '{}'],
    ] as const) {
      const body = Buffer.from(text.replace(/"signatures":\[.*\]/, () => `"signatures":${signatures}`))
      t.match(
        verify(body, logged),
        { code: 'log.invalid', detail: `expected exactly one signature in the log entry, got ${count}` },
        kind,
      )
    }
  }
})

t.test('a verifier is a certificate or a key, alone, in its one spelling', async t => {
  const logged = signedOf('message')
  const { der } = logged.verifier
  const pem = pemOf(logged.verifier).toString()
  const rekor1 = (text: string) =>
    encodeBody(
      'hashedrekord 0.0.1',
      withLeaf(BODIES['hashedrekord 0.0.1'](logged), ['signature', 'publicKey', 'content'], base64(Buffer.from(text))),
    )
  t.match(verify(rekor1(pem), logged), { kind: 'matched' })
  for (const text of [
    pem + pem,
    `x${pem}`,
    pem.replaceAll('PUBLIC', 'PRIVATE'),
    pem.replaceAll('PUBLIC KEY', 'PGP'),
    'none',
    der.toString(),
  ])
    t.match(verify(rekor1(text), logged), { code: 'log.invalid' }, text.slice(0, 30))
  const rekor2 = (verifier: unknown) =>
    encodeBody(
      'hashedrekord 0.0.2',
      withLeaf(BODIES['hashedrekord 0.0.2'](logged), ['hashedRekordV002', 'signature', 'verifier'], verifier),
    )
  const rawBytes = base64(der)
  t.match(verify(rekor2({ publicKey: { rawBytes }, keyDetails: '' }), logged), { kind: 'matched' })
  for (const verifier of [
    { publicKey: { rawBytes }, x509Certificate: { rawBytes }, keyDetails: '' },
    { keyDetails: '' },
    { publicKey: { rawBytes: rawBytes.replaceAll('=', '') }, keyDetails: '' },
    { publicKey: { rawBytes, hint: '' }, keyDetails: '' },
  ])
    t.match(verify(rekor2(verifier), logged), { code: 'log.invalid' }, JSON.stringify(verifier))
})

t.test('hashes other than SHA-256 are compared over the same content', async t => {
  const logged = signedOf('message')
  for (const bits of [256, 384, 512]) {
    const hash = createHash(`sha${bits}`).update(logged.message).digest()
    const rekor1 = withLeaf(BODIES['hashedrekord 0.0.1'](logged), ['data', 'hash'], {
      algorithm: `sha${bits}`,
      value: hash.toString('hex'),
    })
    const rekor2 = withLeaf(BODIES['hashedrekord 0.0.2'](logged), ['hashedRekordV002', 'data'], {
      algorithm: `SHA2_${bits}`,
      digest: base64(hash),
    })
    t.match(verify(encodeBody('hashedrekord 0.0.1', rekor1), logged), { kind: 'matched' })
    t.match(verify(encodeBody('hashedrekord 0.0.2', rekor2), logged), { kind: 'matched' })
  }
  const md5 = withLeaf(BODIES['hashedrekord 0.0.1'](logged), ['data', 'hash', 'algorithm'], 'md5')
  t.match(verify(encodeBody('hashedrekord 0.0.1', md5), logged), {
    code: 'log.invalid',
    detail: /sha256, sha384, sha512, got "md5"/,
  })
})

t.test('the payload type is that of what was signed', async t => {
  const logged = signedOf('envelope')
  for (const type of ['', 'text/plain', `${PAYLOAD_TYPE} `, '\u0161pplication/vnd.in-toto+json']) {
    const spec = withLeaf(BODIES['intoto 0.0.2'](logged), ['content', 'envelope', 'payloadType'], type)
    t.match(verify(encodeBody('intoto 0.0.2', spec), logged), {
      code: 'log.mismatch',
      detail: /payload type that was signed/,
    })
  }
})

t.test('a body that two readers could read differently is refused', async t => {
  const logged = signedOf('message')
  const text = bodyOf('hashedrekord 0.0.1', logged).toString()
  for (const body of [
    text.replace('"kind"', '"kind":"dsse","kind"'),
    `\ufeff${text}`,
    `${text}x`,
    text.slice(1),
    '[]',
    'null',
    '""',
    '',
  ])
    t.match(verify(Buffer.from(body), logged), { code: 'log.invalid' })
})

t.test('the size of a body is bounded', async t => {
  const logged = signedOf('message')
  const body = bodyOf('hashedrekord 0.0.1', logged)
  const padded = (bytes: number) => Buffer.concat([body, Buffer.alloc(bytes - body.length, '\n')])
  t.match(verify(Buffer.concat([body, Buffer.alloc(64, ' ')]), logged), { kind: 'matched' })
  t.match(verify(padded(BODY_BYTES + 1), logged), { code: 'limit.exceeded', detail: 'at most 32768 bytes' })
  // At the bound, it is the many blanks that are too many.
  t.match(verify(padded(BODY_BYTES), logged), { code: 'limit.exceeded', detail: /at most 64 values/ })
  t.match(verify(Buffer.from('['.repeat(9)), logged), { code: 'limit.exceeded', detail: /levels/ })
})

t.test('no bytes make it throw, and only the body itself is matched', async t => {
  const logged = signedOf('envelope')
  const spec = fc.constantFrom(...KINDS.map(kind => BODIES[kind](logged)))
  const changed = fc.tuple(spec, fc.nat(), fc.jsonValue()).map(([spec, at, value]) => {
    const leaves = leavesOf(spec)
    return withLeaf(spec, leaves[at % leaves.length]?.path ?? [], value)
  })
  const bodies = fc.oneof(
    fc.uint8Array(),
    fc
      .tuple(fc.constantFrom(...KINDS), fc.oneof(changed, fc.jsonValue()))
      .map(([kind, spec]) => encodeBody(kind, spec)),
  )
  fc.assert(
    fc.property(bodies, body => {
      const is = verify(body, logged)
      if (is.kind === 'matched') t.match(body.toString(), /"(?:hash|envelopeHash|keyid|keyDetails)":/)
      else t.ok(['log.invalid', 'log.mismatch', 'limit.exceeded'].includes(is.code))
    }),
    { numRuns: 500 },
  )
})
