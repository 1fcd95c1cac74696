import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { MOST_OF_A_KIND, parseTrustedRoot, TRUST_ROOT_BYTES } from '#certs/trusted/parse-trusted-root.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { TrustRoot, Validity } from '#core/domain/trust-root.ts'
import {
  CERTIFICATE,
  type Json,
  type KeyName,
  makeAuthority,
  makeLog,
  makeTrustedRoot,
  publicKey,
  spki,
  toBytes,
} from './make-trusted-root.ts'

const RECORDED = readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', 'images', 'trusted_root.json'))

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

function parseAuthority(change: Json) {
  const [only] = parse(makeTrustedRoot({ certificateAuthorities: [{ ...makeAuthority(), ...change }] })).authorities
  if (only === undefined) throw new TypeError('expected one authority')
  return only
}

function refusedBecause(t: Test, run: () => unknown, message: string | RegExp): void {
  t.throws(run, { name: 'InputError', message }, String(message))
}

/** Ours in the words of the reader that Sigstore generates from its own definition. */
function agrees(t: Test, ours: TrustRoot, bytes: Buffer): void {
  const theirs = TrustedRoot.fromJSON(JSON.parse(bytes.toString()))
  const range = (validFor: { start?: Date | undefined; end?: Date | undefined } | undefined): Validity => ({
    from: validFor?.start?.getTime(),
    until: validFor?.end?.getTime(),
  })
  const log = (one: (typeof theirs.tlogs)[number]) => ({
    baseUrl: one.baseUrl,
    id: one.logId?.keyId.toString('hex'),
    key: one.publicKey?.rawBytes?.toString('base64'),
    validFor: range(one.publicKey?.validFor),
  })
  const authority = (one: (typeof theirs.certificateAuthorities)[number]) => ({
    chain: one.certChain?.certificates.map(({ rawBytes }) => rawBytes.toString('base64')),
    validFor: range(one.validFor),
  })
  const ourLog = ({ baseUrl, id, key, validFor }: TrustRoot['logs'][number]) => ({
    baseUrl,
    id,
    key: key.spki,
    validFor,
  })
  const ourAuthority = ({ chain, validFor }: TrustRoot['authorities'][number]) => ({ chain, validFor })
  t.strictSame(ours.logs.map(ourLog), theirs.tlogs.map(log))
  t.strictSame(ours.certificateLogs.map(ourLog), theirs.ctlogs.map(log))
  t.strictSame(ours.authorities.map(ourAuthority), theirs.certificateAuthorities.map(authority))
  t.strictSame(ours.timestampAuthorities.map(ourAuthority), theirs.timestampAuthorities.map(authority))
}

t.test("reads what cosign wrote of a private instance, and Sigstore's own reader agrees", async t => {
  const root = parseTrustedRoot(RECORDED, 'private')
  agrees(t, root, RECORDED)
  t.equal(root.name, 'private')
  t.equal(root.version, createHash('sha256').update(RECORDED).digest('hex'))
  t.strictSame(
    root.logs.map(({ baseUrl, keyHint }) => [baseUrl, keyHint]),
    [
      ['http://127.0.0.1:7030', '50a1c893'],
      ['http://127.0.0.1:7080', 'd8daadb0'],
    ],
  )
  t.strictSame(
    [...root.authorities, ...root.timestampAuthorities].map(({ name, chain }) => [name, chain.length]),
    [
      ['http://127.0.0.1:7010', 2],
      ['http://127.0.0.1:7040/api/v1/timestamp', 2],
    ],
  )
})

t.test("reads what is written as Sigstore's public instance is, and its own reader agrees", async t => {
  const json = makeTrustedRoot({
    tlogs: [makeLog(), { ...makeLog('ed25519', 'PKIX_ED25519'), baseUrl: 'https://log2025-1.rekor.example' }],
    ctlogs: [
      {
        ...makeLog('p384', 'PKIX_ECDSA_P384_SHA_384'),
        publicKey: {
          rawBytes: spki('p384').toString('base64'),
          keyDetails: 'PKIX_ECDSA_P384_SHA_384',
          validFor: { start: '2021-03-14T00:00:00.000Z', end: '2022-10-31T23:59:59.999Z' },
        },
      },
    ],
    certificateAuthorities: [makeAuthority(), { ...makeAuthority(), validFor: { start: '2022-04-13T20:06:15.000Z' } }],
  })
  const root = parse(json)
  agrees(t, root, toBytes(json))
  t.strictSame(root.certificateLogs[0]?.validFor, { from: 1615680000000, until: 1667260799999 })
})

t.test('reads all three media types and no other', async t => {
  for (const mediaType of [
    'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    'application/vnd.dev.sigstore.trustedroot.v0.1+json',
    'application/vnd.dev.sigstore.trustedroot.v0.2+json',
  ])
    t.equal(parse(makeTrustedRoot({ mediaType })).logs.length, 1, mediaType)
  const other = 'application/vnd.dev.sigstore.signingconfig.v0.2+json'
  refusedBecause(
    t,
    () => parse(makeTrustedRoot({ mediaType: other })),
    /^expected mediaType to be one of .*signingconfig/,
  )
  refusedBecause(t, () => parse({ tlogs: [makeLog()] }), 'expected mediaType to be text, got nothing')
})

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

t.test('an authority is called by its URI, else by its subject, else by its place', async t => {
  t.equal(parseAuthority({}).name, 'https://authority.example')
  t.equal(parseAuthority({ uri: '' }).name, 'example, root')
  t.equal(parseAuthority({ uri: '', subject: { commonName: 'root' } }).name, 'root')
  t.equal(parseAuthority({ uri: '', subject: {} }).name, 'certificateAuthorities[0]')
})

t.test('refuses certificates that could never be used, by name', async t => {
  const chain = (...certificates: readonly unknown[]) => parseAuthority({ certChain: { certificates } }).chain
  t.strictSame(chain(...Array.from({ length: 8 }, () => ({ rawBytes: CERTIFICATE }))).length, 8)
  const at = 'certificateAuthorities[0].certChain.certificates'
  refusedBecause(
    t,
    () => chain(...Array.from({ length: 9 }, () => ({ rawBytes: CERTIFICATE }))),
    `expected at most 8 items in ${at}, got 9`,
  )
  refusedBecause(t, () => chain(), `expected ${at} to hold certificates, got none`)
  refusedBecause(t, () => parseAuthority({ certChain: {} }), `expected ${at} to hold certificates, got none`)
  refusedBecause(
    t,
    () => parseAuthority({ certChain: undefined }),
    'expected certificateAuthorities[0].certChain to be an object, got nothing',
  )
  const der = Buffer.from(CERTIFICATE, 'base64')
  const broken: readonly (readonly [Buffer, string])[] = [
    [der.subarray(1), `${at}[1].rawBytes: expected a certificate in DER, got bytes that are none`],
    [
      Buffer.concat([der, Buffer.of(0)]),
      `expected ${at}[1].rawBytes to be a certificate in DER with nothing behind it`,
    ],
    [
      Buffer.from(`-----BEGIN CERTIFICATE-----\n${CERTIFICATE}\n-----END CERTIFICATE-----\n`),
      `expected ${at}[1].rawBytes to be a certificate in DER with nothing behind it`,
    ],
  ]
  for (const [bytes, message] of broken)
    refusedBecause(t, () => chain({ rawBytes: CERTIFICATE }, { rawBytes: bytes.toString('base64') }), message)
  refusedBecause(
    t,
    () => chain({ rawBytes: Buffer.alloc(16 * 1024 + 3).toString('base64') }),
    /^expected certificateAuthorities\[0\]\.certChain\.certificates\[0\]\.rawBytes to be at most/,
  )
})

t.test('refuses members that are not known: a misspelt end of validity would be none', async t => {
  refusedBecause(
    t,
    () => parse(makeTrustedRoot({ tlog: [] })),
    'expected only mediaType, tlogs, certificateAuthorities, ctlogs, timestampAuthorities, got "tlog"',
  )
  refusedBecause(
    t,
    () => parseAuthority({ validfor: {} }),
    /^expected in certificateAuthorities\[0\] only .*, got "validfor"$/,
  )
  refusedBecause(
    t,
    () => parseLog(log => ({ ...log, base_url: '' })),
    /^expected in tlogs\[0\] only .*, got "base_url"$/,
  )
  t.ok(
    parseLog(log => ({ ...log, operator: 'log.example' })),
    'operator is of version 0.2',
  )
})

t.test('one key has one id; a log may be listed for several stretches of time, and under a new key', async t => {
  const otherId = { ...makeLog(), logId: { keyId: Buffer.alloc(32).toString('base64') } }
  refusedBecause(
    t,
    () => parse(makeTrustedRoot({ tlogs: [makeLog(), makeLog('p521', 'PKIX_ECDSA_P521_SHA_512'), otherId] })),
    'expected one id for each key, got the key of tlogs[0] under another in tlogs[2]',
  )
  const newKey = { ...makeLog('p384', 'PKIX_ECDSA_P384_SHA_384'), logId: makeLog()['logId'] }
  for (const again of [makeLog(), newKey, makeLog('p384', 'PKIX_ECDSA_P384_SHA_384')])
    t.equal(parse(makeTrustedRoot({ tlogs: [makeLog(), again] })).logs.length, 2)
  t.ok(
    parse(makeTrustedRoot({ ctlogs: [otherId] })),
    'logs of signatures and of certificates are never counted together',
  )
})

t.test('lists may be left out, but not all of them', async t => {
  const { mediaType, tlogs } = makeTrustedRoot()
  t.strictSame(parse({ mediaType, tlogs }).authorities, [])
  refusedBecause(t, () => parse({ mediaType }), 'expected at least one authority or log, got none')
  refusedBecause(t, () => parse({ mediaType, tlogs: {} }), 'expected tlogs to be a list, got object')
  refusedBecause(t, () => parse([]), 'expected the trust root to be an object, got a list')
})

t.test('refuses a key that stands twice, and what gh prints: more than one root in one file', async t => {
  const text = RECORDED.toString()
  refusedBecause(
    t,
    () => parseTrustedRoot(Buffer.from(text.replace('{', '{"ctlogs":[],')), 'x'),
    'the key "ctlogs" occurs twice in one object',
  )
  refusedBecause(t, () => parseTrustedRoot(Buffer.from(`${text}\n${text}`), 'x'), 'expected JSON')
})

t.test('reads what is as large as it may be, and nothing larger', async t => {
  const fill = (bytes: number) => Buffer.concat([toBytes(makeTrustedRoot({ ctlogs: [] })), Buffer.alloc(bytes, '\t')])
  const small = fill(0).length
  refusedBecause(
    t,
    () => parseTrustedRoot(fill(TRUST_ROOT_BYTES + 1 - small), 'x'),
    /^expected at most 1048576 bytes of JSON/,
  )
  refusedBecause(
    t,
    () => parseTrustedRoot(fill(TRUST_ROOT_BYTES - small), 'x'),
    /^expected at most 20000 values in the JSON/,
  )
  const many = (length: number) =>
    parse(makeTrustedRoot({ certificateAuthorities: Array.from({ length }, makeAuthority) }))
  t.equal(many(MOST_OF_A_KIND).authorities.length, MOST_OF_A_KIND)
  refusedBecause(t, () => many(MOST_OF_A_KIND + 1), 'expected at most 100 items in certificateAuthorities, got 101')
})

t.test('whatever the bytes are, the answer is a trust root or an InputError', async t => {
  const holds = (bytes: Uint8Array) => {
    try {
      return parseTrustedRoot(bytes, 'x').name === 'x'
    } catch (error) {
      return error instanceof InputError
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), holds))
  fc.assert(fc.property(fc.json(), text => holds(Buffer.from(text))))
  const places = placesOf(JSON.parse(RECORDED.toString()))
  fc.assert(
    fc.property(fc.constantFrom(...places), fc.jsonValue(), (path, value) => {
      const json = JSON.parse(RECORDED.toString())
      const last = path.at(-1) as string
      path.slice(0, -1).reduce((at, key) => at[key], json)[last] = value
      return holds(toBytes(json))
    }),
    { numRuns: 300 },
  )
})

/** The path to every value in it. */
function placesOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  const below = Object.entries(value).flatMap(([key, item]) => placesOf(item, [...path, key]))
  return path.length === 0 ? below : [path, ...below]
}
