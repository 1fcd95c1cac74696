import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { MOST_OF_A_KIND, parseTrustedRoot, TRUST_ROOT_BYTES } from '#certs/trusted/parse-trusted-root.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { TrustRoot, Validity } from '#core/domain/trust-root.ts'
import { CERTIFICATE, type Json, makeAuthority, makeLog, makeTrustedRoot, spki, toBytes } from './make-trusted-root.ts'

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
