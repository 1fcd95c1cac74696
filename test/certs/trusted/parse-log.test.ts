import t, { type Test } from 'tap'
import { parseTrustedRoot } from '#certs/trusted/parse-trusted-root.ts'
import type { TrustRoot } from '#core/domain/trust-root.ts'
import { type Json, type KeyName, makeLog, makeTrustedRoot, publicKey, spki, toBytes } from './make-trusted-root.ts'

function parse(json: unknown): TrustRoot {
  return parseTrustedRoot(toBytes(json), 'default')
}

/** The log of a trust root that has no other, changed in one place. */
function parseLog(change: (log: Json & { publicKey: Json }) => Json | undefined) {
  const log = makeLog() as Json & { publicKey: Json }
  const [only] = parse(makeTrustedRoot({ tlogs: [change(log) ?? log] })).logs
  if (only === undefined) throw new TypeError('expected one log')
  return only
}

function refusedBecause(t: Test, run: () => unknown, message: string | RegExp): void {
  t.throws(run, { name: 'InputError', message }, String(message))
}

t.test('accepts every kind of key that logs sign with, under each of its names', async t => {
  const names: readonly (readonly [KeyName, string])[] = [
    ['p256', 'PKIX_ECDSA_P256_SHA_256'],
    ['p384', 'PKIX_ECDSA_P384_SHA_384'],
    ['p384', 'PKIX_ECDSA_P384_SHA_256'],
    ['p521', 'PKIX_ECDSA_P521_SHA_512'],
    ['p521', 'PKIX_ECDSA_P521_SHA_256'],
    ['ed25519', 'PKIX_ED25519'],
    ['rsa2048', 'PKIX_RSA_PKCS1V15_2048_SHA256'],
    ['rsa3072', 'PKIX_RSA_PKCS1V15_3072_SHA256'],
    ['rsa2048', 'PKIX_RSA_PKCS1V5'],
  ]
  for (const [key, details] of names) {
    const root = parse(makeTrustedRoot({ tlogs: [makeLog(key, details)] }))
    t.equal(root.logs[0]?.key.spki, spki(key).toString('base64'), details)
  }
  const pkcs1 = publicKey('rsa2048').export({ format: 'der', type: 'pkcs1' }).toString('base64')
  const older = parseLog(log => ({ ...log, publicKey: { rawBytes: pkcs1, keyDetails: 'PKCS1_RSA_PKCS1V5' } }))
  t.equal(older.key.spki, spki('rsa2048').toString('base64'), 'PKCS#1 becomes SubjectPublicKeyInfo')
})

t.test('refuses a key that is not what its details say, and details that no log signs by, by name', async t => {
  const kinds: readonly (readonly [KeyName, string, string | RegExp])[] = [
    [
      'p384',
      'PKIX_ECDSA_P256_SHA_256',
      'tlogs[0].publicKey.rawBytes: expected a key on P-256, as its details say, got ec secp384r1',
    ],
    [
      'p256',
      'PKIX_ED25519',
      'tlogs[0].publicKey.rawBytes: expected an Ed25519 key, as its details say, got ec prime256v1',
    ],
    ['rsa2048', 'PKIX_RSA_PKCS1V15_3072_SHA256', /expected an RSA key of 3072 bits, as its details say, got rsa 2048$/],
    [
      'rsa2048',
      'PKCS1_RSA_PKCS1V5',
      'tlogs[0].publicKey.rawBytes: expected an RSA key as PKCS#1 has it, got bytes that are none',
    ],
    [
      'k256',
      'PKIX_ECDSA_P256_SHA_256',
      'tlogs[0].publicKey.rawBytes: expected the curve P-256, P-384 or P-521, got secp256k1',
    ],
    [
      'ed25519',
      'PKIX_ED25519_PH',
      /^expected tlogs\[0\]\.publicKey\.keyDetails to be one of .*, got "PKIX_ED25519_PH"$/,
    ],
    ['rsa2048', 'PKIX_RSA_PSS_2048_SHA256', /got "PKIX_RSA_PSS_2048_SHA256"$/],
    ['p256', 'PKIX_ECDSA_P256_HMAC_SHA_256', /got "PKIX_ECDSA_P256_HMAC_SHA_256"$/],
    ['p256', 'constructor', /got "constructor"$/],
  ]
  for (const [key, details, message] of kinds)
    refusedBecause(t, () => parse(makeTrustedRoot({ tlogs: [makeLog(key, details)] })), message)
  const behind = Buffer.concat([spki('p256'), Buffer.of(0)]).toString('base64')
  refusedBecause(
    t,
    () => parseLog(log => ({ ...log, publicKey: { ...log.publicKey, rawBytes: behind } })),
    /^tlogs\[0\]\.publicKey\.rawBytes: expected the key in DER with nothing behind it/,
  )
})

t.test('a checkpoint key id goes before the id in what checkpoints are found by', async t => {
  const id = parseLog(() => undefined).id
  t.equal(parseLog(() => undefined).keyHint, id.slice(0, 8))
  const hinted = parseLog(log => ({ ...log, checkpointKeyId: { keyId: 'AQIDBA==' } }))
  t.equal(hinted.keyHint, '01020304')
  t.equal(hinted.id, id)
  const whole = parseLog(log => ({ ...log, checkpointKeyId: { keyId: Buffer.alloc(32, 7).toString('base64') } }))
  t.equal(whole.keyHint, '07070707')
  refusedBecause(
    t,
    () => parseLog(log => ({ ...log, checkpointKeyId: { keyId: 'AQID' } })),
    'expected tlogs[0].checkpointKeyId.keyId to be 4 to 32 bytes, got 3',
  )
})

t.test('takes an id as it stands there: a log that was renamed keeps its old one', async t => {
  const keyId = Buffer.alloc(32, 9).toString('base64')
  t.equal(parseLog(log => ({ ...log, logId: { keyId } })).id, '09'.repeat(32))
  for (const [bytes, message] of [
    [31, 'expected tlogs[0].logId.keyId to be 32 bytes, got 31'],
    [33, 'expected tlogs[0].logId.keyId to be 32 bytes, got 33'],
    [0, 'expected tlogs[0].logId.keyId to be bytes, got none'],
  ] as const) {
    const id = { keyId: Buffer.alloc(bytes, 9).toString('base64') }
    refusedBecause(t, () => parseLog(log => ({ ...log, logId: id })), new RegExp(message.replaceAll(/[[\].]/g, '\\$&')))
  }
})

t.test('a time without an end is open, and both ends are included to the millisecond', async t => {
  const validFor = (range: unknown) =>
    parseLog(log => ({ ...log, publicKey: { ...log.publicKey, validFor: range } })).validFor
  t.strictSame(validFor({}), { from: undefined, until: undefined })
  t.strictSame(validFor({ end: '2022-10-31T23:59:59.999999999Z' }), { from: undefined, until: 1667260799999 })
  t.strictSame(validFor({ start: '2021-01-12T11:53:27Z' }), { from: 1610452407000, until: undefined })
  t.strictSame(validFor({ start: '2021-01-12T11:53:27Z', end: '2021-01-12T11:53:27Z' }).until, 1610452407000)
  const none = parseLog(log => {
    const { rawBytes, keyDetails } = log.publicKey
    return { ...log, publicKey: { rawBytes, keyDetails } }
  })
  t.strictSame(none.validFor, { from: undefined, until: undefined })
  for (const [range, message] of [
    [{ start: '2021-02-30T00:00:00Z' }, /^expected tlogs\[0\]\.publicKey\.validFor\.start to be a time/],
    [{ start: '2021-01-12T11:53:27+01:00' }, /validFor\.start to be a time/],
    [{ start: '2021-01-12' }, /validFor\.start to be a time/],
    [{ start: '2021-01-12T24:00:00Z' }, /validFor\.start to be a time/],
    [{ end: 1610452407 }, 'expected tlogs[0].publicKey.validFor.end to be text, got number'],
    [{ end: null }, 'expected tlogs[0].publicKey.validFor.end to be text, got null'],
    [
      { start: '2022-01-01T00:00:00Z', end: '2021-01-01T00:00:00Z' },
      /to be before tlogs\[0\]\.publicKey\.validFor\.end$/,
    ],
    [{ begin: '2022-01-01T00:00:00Z' }, 'expected in tlogs[0].publicKey.validFor only start, end, got "begin"'],
  ] as const)
    refusedBecause(t, () => validFor(range), message)
})

t.test('a base URL is absolute; one without a scheme, which the definition allows, is of HTTPS', async t => {
  const baseUrl = (text: unknown) => parseLog(log => ({ ...log, baseUrl: text })).baseUrl
  t.equal(baseUrl('https://ctfe.example/2022'), 'https://ctfe.example/2022')
  t.equal(baseUrl('http://127.0.0.1:7030'), 'http://127.0.0.1:7030')
  t.equal(baseUrl('log2025-1.rekor.example'), 'https://log2025-1.rekor.example')
  for (const text of [
    '',
    'https://',
    'ftp://log.example',
    'https://a:b@log.example',
    'https://log.example?x',
    'https://log.example#x',
    'a b',
  ])
    refusedBecause(t, () => baseUrl(text), /^expected tlogs\[0\]\.baseUrl to be a URL/)
  refusedBecause(t, () => baseUrl(7), 'expected tlogs[0].baseUrl to be text, got number')
})

t.test('refuses a hash that trees are not made with, and a log without its members, by name', async t => {
  refusedBecause(
    t,
    () => parseLog(log => ({ ...log, hashAlgorithm: 'SHA2_512' })),
    'expected tlogs[0].hashAlgorithm to be SHA2_256, got "SHA2_512"',
  )
  for (const name of ['baseUrl', 'hashAlgorithm', 'publicKey', 'logId'])
    refusedBecause(
      t,
      () => parseLog(log => Object.fromEntries(Object.entries(log).filter(([key]) => key !== name))),
      new RegExp(`^expected tlogs\\[0\\]\\.${name} to be .*, got nothing$`),
    )
})
