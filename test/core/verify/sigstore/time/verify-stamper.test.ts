import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Extension as Made,
  SubjectKeyIdentifierExtension,
} from '@peculiar/x509'
import t from 'tap'
import type { TrustRoot } from '#core/domain/trust-root.ts'
import { encodeDer } from '#core/verify/der.ts'
import { MOST_CERTIFICATES } from '#core/verify/sigstore/material.ts'
import { verifyTimestamp } from '#core/verify/sigstore/time/verify-timestamp.ts'
import {
  authorityOf,
  BASIC,
  type Issuer,
  issue,
  type MadeCertificate,
  makeIssuer,
  SIGNING,
  STAMPER,
  STAMPING,
  TIME_STAMPING,
  trustOf,
  trustRoot,
} from './make-authority.ts'
import { AT, type Changes, KEYS, makeTimestamp, type Stamper, T } from './make-timestamp.ts'

const SIGNATURE = randomBytes(70)
const ROOT = await makeIssuer('CN=root')
const KEY = KEYS.p256()
const FORGED = KEYS.p256()

async function makeStamper(
  order: Parameters<typeof issue>[2] = {},
  issuer: Issuer = ROOT,
  key = KEY,
): Promise<Stamper> {
  return { ...(await issue(key.publicKey, issuer, order)), key: key.privateKey }
}

const TSA = await makeStamper()

function verify(stamper: Stamper, trust: TrustRoot, changes: Changes = {}) {
  return verifyTimestamp(makeTimestamp(SIGNATURE, stamper, changes), SIGNATURE, trust)
}

/** The right name of the certificate would give a forged one away before its path is looked at. */
const UNNAMED = { attributes: { signingCertificate: undefined } }

t.test('the certificate may come with the timestamp, or from the trust root, or both', async t => {
  const whole = trustOf([TSA, ROOT])
  t.match(verify(TSA, whole), { kind: 'stamped', authority: 'authority 0', at: AT })
  t.match(verify(TSA, whole, { certificates: [TSA.der] }), { kind: 'stamped' })
  t.match(verify(TSA, trustOf([ROOT]), { certificates: [TSA.der, ROOT.der] }), { kind: 'stamped' })
  t.match(verify(TSA, trustOf([ROOT])), {
    code: 'time.untrusted',
    detail:
      /^expected a timestamp by an authority of the trust root "made", got one by a certificate with the number 40/,
  })
})

t.test(
  'CVE-2026-39984: a certificate in the bag is the signer’s by what the signer says, never by where it lies',
  async t => {
    const whole = trustOf([TSA, ROOT])
    const elsewhere = await makeIssuer('CN=elsewhere')
    const foreign = await makeStamper({}, elsewhere, FORGED)
    const bags: readonly (readonly MadeCertificate[])[] = [
      [foreign, TSA],
      [TSA, foreign],
      [foreign],
      [elsewhere, foreign, TSA, ROOT],
    ]
    for (const bag of bags)
      t.match(verify(TSA, whole, { certificates: bag.map(({ der }) => der) }), { kind: 'stamped' })
    for (const bag of [
      [TSA, foreign],
      [foreign, TSA],
    ])
      for (const changes of [{}, UNNAMED])
        t.match(
          verify(foreign, whole, { ...changes, certificates: bag.map(({ der }) => der) }),
          { code: 'time.untrusted' },
          'signed by the forger, with the certificate of the authority beside it',
        )
  },
)

t.test(
  'a certificate that was forged to the name and number of the authority’s is tried, and is none of it',
  async t => {
    const twin: Issuer = { ...(await makeIssuer('CN=root')) }
    const forged = await makeStamper({ serial: TSA.serial }, twin, FORGED)
    t.equal(forged.serial, TSA.serial)
    for (const trust of [trustOf([TSA, ROOT]), trustOf([ROOT])])
      for (const bag of [
        [forged, TSA],
        [TSA, forged],
      ]) {
        const certificates = bag.map(({ der }) => der)
        t.match(verify(TSA, trust, { certificates }), { kind: 'stamped' })
        t.match(verify(TSA, trust, { ...UNNAMED, certificates }), { kind: 'stamped' })
        t.match(verify(forged, trust, { certificates }), { code: 'time.untrusted' })
        t.match(verify(forged, trust, { ...UNNAMED, certificates }), { code: 'time.untrusted' })
      }
  },
)

t.test('certificates that cannot be read do not stand in the way of one that can', async t => {
  const bag = [T.seq(), encodeDer(0xa1, Buffer.of(5, 0)), TSA.der.subarray(0, 4), TSA.der]
  const certificates = bag.filter((_, index) => index !== 2)
  t.match(verify(TSA, trustOf([ROOT]), { certificates }), { kind: 'stamped' })
  t.match(
    verify(TSA, trustOf([ROOT]), { certificates: bag }),
    { code: 'time.invalid' },
    'but what is no DER is no timestamp',
  )
})

t.test('takes as many certificates as there may be, and no more', async t => {
  const others = await Promise.all(Array.from({ length: MOST_CERTIFICATES }, () => issue(FORGED.publicKey, ROOT)))
  const certificates = [...others.slice(1), TSA].map(({ der }) => der)
  t.match(verify(TSA, trustOf([ROOT]), { certificates }), { kind: 'stamped' })
  t.match(verify(TSA, trustOf([ROOT]), { certificates: [...certificates, ROOT.der] }), {
    code: 'limit.exceeded',
    detail: 'expected at most 8 certificates in the timestamp token, got 9',
  })
})

t.test(
  'where the trust root names the certificate that stamps, another one under the same authority is a stranger',
  async t => {
    const sister = await makeStamper({ subject: 'CN=sister' }, ROOT, FORGED)
    const changes = { certificates: [sister.der] }
    t.match(verify(sister, trustOf([TSA, ROOT]), changes), {
      code: 'time.untrusted',
      detail:
        /^expected the certificate of "CN=tsa" with the number 40.*, got the certificate of "CN=sister" with the number 40/,
    })
    t.match(
      verify(sister, trustOf([ROOT]), changes),
      { kind: 'stamped' },
      'where it names the one that issues, all are known',
    )
    t.match(verify(sister, trustOf([TSA, ROOT], [sister, ROOT]), changes), {
      kind: 'stamped',
      authority: 'authority 1',
    })
  },
)

t.test('an authority that stamps through another one is followed down, whoever brings the one between', async t => {
  const between = await makeIssuer('CN=between', ROOT)
  const stamper = await makeStamper({}, between)
  t.match(verify(stamper, trustOf([stamper, between, ROOT])), { kind: 'stamped' })
  t.match(verify(stamper, trustOf([ROOT]), { certificates: [stamper.der, between.der] }), { kind: 'stamped' })
  t.match(verify(stamper, trustOf([ROOT]), { certificates: [stamper.der] }), {
    code: 'time.untrusted',
    detail: /to which none of its signatures leads$/,
  })
})

t.test('every certificate must be valid at the moment of the timestamp, and so must the authority be', async t => {
  const lives: readonly (readonly [string, string, 'stamped' | 'refusal'])[] = [
    ['2026-11-21T09:52:49Z', '2026-11-21T09:52:49Z', 'stamped'],
    ['2026-11-21T09:52:50Z', '2030-01-01', 'refusal'],
    ['2026-01-01', '2026-11-21T09:52:48Z', 'refusal'],
  ]
  for (const [from, until, kind] of lives) {
    const stamper = await makeStamper({ from, until })
    t.match(verify(stamper, trustOf([stamper, ROOT])), { kind }, `the stamping one from ${from} until ${until}`)
    const between = await makeIssuer('CN=between', ROOT, { from, until })
    const below = await makeStamper({}, between)
    t.match(verify(below, trustOf([below, between, ROOT])), { kind }, `the one between from ${from} until ${until}`)
    const root = await makeIssuer('CN=old', undefined, { from, until })
    const under = await makeStamper({}, root)
    t.match(verify(under, trustOf([under, root])), { kind }, `the root from ${from} until ${until}`)
    const validFor = { from: Date.parse(from), until: Date.parse(until) }
    t.match(
      verify(TSA, trustRoot([authorityOf([TSA, ROOT], 'tsa', validFor)])),
      { kind },
      `the authority from ${from} until ${until}`,
    )
  }
  const expired = await makeStamper({ from: '2026-01-01', until: '2026-11-21T09:52:48Z' })
  t.match(verify(expired, trustOf([expired, ROOT])), {
    code: 'time.untrusted',
    detail:
      'expected the certificate of "CN=tsa" to be valid at 2026-11-21T09:52:49.000Z, got one valid from 2026-01-01T00:00:00.000Z until 2026-11-21T09:52:48.000Z',
  })
})

t.test('one authority that does not answer for it does not stand in the way of another that does', async t => {
  const old = authorityOf([TSA, ROOT], 'a', { from: undefined, until: AT - 1 })
  const now = authorityOf([TSA, ROOT], 'b', { from: AT, until: undefined })
  for (const authorities of [
    [old, now],
    [now, old],
  ])
    t.match(verify(TSA, trustRoot(authorities)), { kind: 'stamped', authority: 'b' })
})

const SIGNS = KeyUsageFlags.digitalSignature
const KINDS: Readonly<Record<string, readonly [readonly Extension[], RegExp | undefined]>> = {
  'with digitalSignature': [STAMPER, undefined],
  'with nonRepudiation alone': [
    [BASIC, new KeyUsagesExtension(KeyUsageFlags.nonRepudiation, true), STAMPING],
    undefined,
  ],
  'without key usage': [[BASIC, STAMPING], undefined],
  'without basic constraints': [[SIGNING, STAMPING], undefined],
  'for timestamps, and not critical': [
    [BASIC, SIGNING, new ExtendedKeyUsageExtension([TIME_STAMPING], false)],
    /which does not insist on it$/,
  ],
  'for signing code': [
    [BASIC, SIGNING, new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.3'], true)],
    /which is for 1\.3\.6\.1\.5\.5\.7\.3\.3$/,
  ],
  'for timestamps and code': [
    [BASIC, SIGNING, new ExtendedKeyUsageExtension([TIME_STAMPING, '1.3.6.1.5.5.7.3.3'], true)],
    /which is for 1\.3\.6\.1\.5\.5\.7\.3\.8, 1\.3/,
  ],
  'for anything, said aloud': [
    [BASIC, SIGNING, new ExtendedKeyUsageExtension(['2.5.29.37.0'], true)],
    /which is for 2\.5\.29\.37\.0$/,
  ],
  'for anything': [[BASIC, SIGNING], /which is for anything$/],
  'with the key usage of another trade': [
    [BASIC, new KeyUsagesExtension(KeyUsageFlags.keyEncipherment, true), STAMPING],
    /which may not sign$/,
  ],
  'of an authority': [
    [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(SIGNS | KeyUsageFlags.keyCertSign, true),
      STAMPING,
    ],
    /which may issue certificates$/,
  ],
  'with an extension that must be understood and is not': [
    [...STAMPER, new Made('1.2.3', true, Buffer.of(5, 0))],
    /^expected no critical extension but known ones/,
  ],
}

for (const [name, [extensions, detail]] of Object.entries(KINDS))
  t.test(`a certificate ${name} ${detail === undefined ? 'stamps' : 'does not'}`, async t => {
    const stamper = await makeStamper({ extensions })
    const expected = detail === undefined ? { kind: 'stamped' } : { code: 'time.untrusted', detail }
    t.match(verify(stamper, trustOf([stamper, ROOT])), expected, 'known to the trust root')
    t.match(verify(stamper, trustOf([ROOT]), { certificates: [stamper.der] }), expected, 'sent along')
  })

t.test('a signer may be named by what its certificate calls its key', async t => {
  const identifier = await SubjectKeyIdentifierExtension.create(await cryptoKey())
  const stamper = await makeStamper({ extensions: [...STAMPER, identifier] })
  const id = Buffer.from(identifier.keyId, 'hex')
  const named = { signer: { version: T.int(3), name: encodeDer(0x80, id) } }
  t.match(verify(stamper, trustOf([stamper, ROOT]), named), { kind: 'stamped' })
  t.match(verify(stamper, trustOf([stamper, ROOT]), { signer: { ...named.signer, version: T.int(1) } }), {
    code: 'time.invalid',
  })
  const other = { signer: { version: T.int(3), name: encodeDer(0x80, id.subarray(1)) } }
  t.match(verify(stamper, trustOf([stamper, ROOT]), other), { code: 'time.untrusted' })
  const broken = await makeStamper({ extensions: [...STAMPER, new Made('2.5.29.14', false, id)] })
  t.match(
    verify(broken, trustOf([broken, ROOT]), named),
    { code: 'time.untrusted' },
    'an identifier that cannot be read is none',
  )
})

function cryptoKey() {
  const spki = KEY.publicKey.export({ format: 'der', type: 'spki' })
  return crypto.subtle.importKey('spki', spki, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify'])
}

t.test('a trust root that names no authority, or one that cannot be read, believes nobody', async t => {
  t.match(verify(TSA, trustRoot([]), { certificates: [TSA.der] }), {
    code: 'time.untrusted',
    detail: 'expected a timestamp authority in the trust root, got none',
  })
  const broken = trustRoot([{ name: 'broken', chain: ['AAAA'], validFor: { from: undefined, until: undefined } }])
  t.match(verify(TSA, broken), { code: 'time.untrusted', detail: /^the authority "broken": / })
})
