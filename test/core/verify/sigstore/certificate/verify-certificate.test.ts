import fc from 'fast-check'
import t from 'tap'
import type { CertificateAuthority, TrustRoot } from '#core/domain/trust-root.ts'
import { decodeCertificate } from '#core/verify/sigstore/certificate/certificate.ts'
import { recognise, verifyCertificate } from '#core/verify/sigstore/certificate/verify-certificate.ts'
import { MOST_CERTIFICATES } from '#core/verify/sigstore/material.ts'
import {
  AUTHORITY,
  CERT_SIGN,
  CODE_SIGNING,
  DIGITAL_SIGNATURE,
  EXTENSIONS,
  email,
  extension,
  FROM,
  hex,
  ISSUER,
  type Made,
  makeCertificate,
  makeKeys,
  makeLog,
  NOW,
  type Recipe,
  SIGNER,
  SUBJECT,
  toAuthority,
  UNTIL,
} from './make-certificate.ts'
import { readCertificates, readTrust } from './read-recorded.ts'

const log = makeLog()
const root = makeCertificate({ subject: 'root', extensions: AUTHORITY })
const intermediate = makeCertificate({ subject: 'intermediate', extensions: AUTHORITY, by: root })
const authority = toAuthority('ours', intermediate, root)

const signer = (recipe: Recipe = {}) =>
  makeCertificate({ subject: '', extensions: SIGNER, by: intermediate, logs: [log], ...recipe })

const trustIn = (...authorities: readonly CertificateAuthority[]): TrustRoot => ({
  name: 'test',
  version: '',
  authorities,
  timestampAuthorities: [],
  logs: [],
  certificateLogs: [log.log],
})

const ours = trustIn(authority)

type Question = {
  readonly chain?: readonly Uint8Array[]
  readonly times?: readonly number[]
  readonly trust?: TrustRoot
  readonly sct?: 'required' | 'ignored'
}

const ask = (der: Uint8Array, { chain = [], times = [NOW], trust = ours, sct = 'required' }: Question = {}) =>
  verifyCertificate({ certificate: der, chain }, times, trust, sct)

/** The authority, or code and detail of the refusal. */
function found(made: Made | Uint8Array, question: Question = {}): string {
  const answer = ask('der' in made ? made.der : made, question)
  return answer.kind === 'certified' ? answer.authority : `${answer.code}: ${answer.detail}`
}

t.test('certifies who signed, with which key, by whose authority', async t => {
  const { der } = signer()
  t.strictSame(ask(der), {
    kind: 'certified',
    identity: { kind: 'certificate', subjects: [SUBJECT], issuer: ISSUER, claims: {} },
    key: decodeCertificate(der).key,
    authority: 'ours',
    until: Math.min(...[decodeCertificate(der), intermediate, root].map(one => endOf(one))),
  })
})

function endOf(one: { readonly der: Uint8Array }): number {
  return decodeCertificate(one.der).validity.until ?? Number.POSITIVE_INFINITY
}

t.test('a certificate is certified until the first above it ends, or its authority goes out of use', async t => {
  const { der } = signer()
  const end = NOW + 1000
  const trust = trustIn({ ...authority, validFor: { from: undefined, until: end } })
  t.match(ask(der, { trust }), { kind: 'certified', until: end })
})

t.test('tells strangers without looking further, and says of nobody that a certificate is valid', async t => {
  const recogniseOne = (der: Uint8Array) => recognise({ certificate: der, chain: [] }, ours)
  t.strictSame(recogniseOne(signer().der), {
    kind: 'recognised',
    identity: { kind: 'certificate', subjects: [SUBJECT], issuer: ISSUER, claims: {} },
  })
  const stranger = makeCertificate({ subject: 'stranger', extensions: AUTHORITY })
  t.match(recogniseOne(signer({ by: stranger }).der), { kind: 'refusal', code: 'certificate.untrusted' })
  t.match(recogniseOne(Buffer.from('3000', 'hex')), { kind: 'refusal', code: 'certificate.invalid' })
})

t.test('certifies every recorded signer while the certificate lived, and not a second longer', async t => {
  const trust = readTrust()
  for (const { image, certificate, chain } of readCertificates()) {
    const { from, until } = decodeCertificate(certificate).validity
    t.equal(found(certificate, { chain, times: [until, from], trust }), trust.authorities[0]?.name, image)
    t.match(found(certificate, { chain, times: [from, until + 1000], trust }), /^certificate\.expired: /, image)
    t.match(found(certificate, { chain, times: [from - 1000], trust }), /^certificate\.expired: /, image)
    t.match(found(certificate, { chain, times: [from], trust: ours }), /^certificate\.untrusted: /, image)
  }
  t.equal(readCertificates().length, 10)
})

t.test('refuses a recorded certificate with any byte changed, and throws at none', async t => {
  const trust = readTrust()
  const [recorded] = readCertificates()
  const original = Buffer.from(recorded?.certificate ?? '')
  const times = [decodeCertificate(original).validity.from]
  const accepted = Array.from(original.keys()).filter(at => {
    const changed = Buffer.from(original)
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
    return ask(changed, { times, trust, sct: 'ignored' }).kind !== 'refusal'
  })
  t.strictSame(accepted, [])
  t.equal(ask(original, { times, trust, sct: 'ignored' }).kind, 'certified')
})

t.test('refuses random bytes, and a recorded certificate with some of them in it, and throws at none', async t => {
  const trust = readTrust()
  const [recorded] = readCertificates()
  const original = Buffer.from(recorded?.certificate ?? '')
  const times = [decodeCertificate(original).validity.from]
  const isRefused = (bytes: Uint8Array) => ask(bytes, { times, trust, chain: [bytes] }).kind === 'refusal'
  const changed = fc
    .tuple(fc.nat({ max: original.length - 1 }), fc.uint8Array({ minLength: 1, maxLength: 6 }), fc.nat({ max: 6 }))
    .map(([at, bytes, left]) => Buffer.concat([original.subarray(0, at), bytes, original.subarray(at + left)]))
    .filter(bytes => !bytes.equals(original))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), isRefused), { numRuns: 300 })
  fc.assert(fc.property(changed, isRefused), { numRuns: 700 })
})

t.test('certificate.invalid: what cannot be read, or names nobody', async t => {
  t.match(found(hex('3000')), /^certificate\.invalid: /)
  t.match(found(signer({ extensions: SIGNER.slice(0, 2) })), /^certificate\.invalid: .*names its subject/)
  t.match(found(signer({ extensions: SIGNER.slice(0, 3) })), /^certificate\.invalid: .*issuer of the identity/)
  const critical = extension('1.2.3', hex(''), true)
  t.match(
    found(signer({ extensions: [...SIGNER, critical] })),
    /^certificate\.invalid: .*critical extension .* got 1\.2\.3$/,
  )
})

t.test('a precertificate is no certificate: its poison is critical, and not understood', async t => {
  const poison = extension('1.3.6.1.4.1.11129.2.4.3', hex('0500'), true)
  t.match(found(signer({ extensions: [...SIGNER, poison] }), { sct: 'ignored' }), /^certificate\.invalid: /)
})

t.test('certificate.not-for-signing: an authority, another usage, another purpose', async t => {
  const [, purposes, ...identity] = SIGNER as [Uint8Array, Uint8Array, ...Uint8Array[]]
  for (const [extensions, why] of [
    [[...AUTHORITY, purposes, ...identity], /got an authority's/],
    [[EXTENSIONS.ca(), DIGITAL_SIGNATURE, purposes, ...identity], /got an authority's/],
    [[purposes, ...identity], /got key usage none/],
    [[EXTENSIONS.usage('0640'), purposes, ...identity], /got key usage contentCommitment/],
    [[CERT_SIGN, purposes, ...identity], /got key usage keyCertSign, crlSign/],
    [[DIGITAL_SIGNATURE, ...identity], /got purpose none/],
    [
      [DIGITAL_SIGNATURE, EXTENSIONS.purposes('1.3.6.1.5.5.7.3.8'), ...identity],
      /got purpose 1\.3\.6\.1\.5\.5\.7\.3\.8/,
    ],
    [[DIGITAL_SIGNATURE, EXTENSIONS.purposes('2.5.29.37.0'), ...identity], /got purpose 2\.5\.29\.37\.0/],
  ] as const) {
    t.match(found(signer({ extensions })), /^certificate\.not-for-signing: expected .* to be for signing code/)
    t.match(found(signer({ extensions })), why)
  }
  const purposesOf = (count: number) =>
    EXTENSIONS.purposes(...Array.from({ length: count }, (_, index) => `1.2.${index}`))
  t.match(
    found(signer({ extensions: [DIGITAL_SIGNATURE, purposesOf(500), ...identity] })),
    /got purpose 1\.2\.0, 1\.2\.1, 1\.2\.2, 497 more$/,
  )
  const both = [DIGITAL_SIGNATURE, EXTENSIONS.purposes('1.3.6.1.5.5.7.3.8', CODE_SIGNING), ...identity]
  t.equal(found(signer({ extensions: both })), 'ours')
})

t.test('certificate.expired: it must be valid at every moment that is proven', async t => {
  const made = signer()
  t.equal(found(made, { times: [FROM, NOW, UNTIL] }), 'ours')
  for (const times of [
    [NOW, UNTIL + 1],
    [UNTIL + 1, NOW],
    [FROM - 1, NOW],
    [Number.NaN, NOW],
  ])
    t.match(found(made, { times }), /^certificate\.expired: /)
  t.throws(() => ask(made.der, { times: [] }), TypeError, 'no moment is none that it was valid at')
})

t.test('certificate.untrusted: nobody, a stranger, or an authority that was not in use', async t => {
  t.match(found(signer(), { trust: trustIn() }), /^certificate\.untrusted: .*names none/)
  const selfSigned = makeCertificate({ subject: 'mallory', extensions: SIGNER })
  t.match(found(selfSigned, { chain: [selfSigned.der] }), /^certificate\.untrusted: /)
  const retired = trustIn({ ...authority, validFor: { from: undefined, until: NOW - 1 } })
  t.match(found(signer(), { trust: retired }), /^certificate\.untrusted: expected an authority in use at/)
})

t.test('certificate.untrusted: half of the time by one authority and half by another is by none', async t => {
  const first = { ...authority, name: 'first', validFor: { from: undefined, until: NOW } }
  const second = { ...authority, name: 'second', validFor: { from: NOW + 1, until: undefined } }
  t.equal(found(signer(), { trust: trustIn(first, second), times: [NOW] }), 'first')
  t.equal(found(signer(), { trust: trustIn(first, second), times: [NOW + 1] }), 'second')
  t.match(found(signer(), { trust: trustIn(first, second), times: [NOW, NOW + 1] }), /^certificate\.untrusted: /)
})

t.test('sct.missing, sct.untrusted and sct.invalid, unless that is to be ignored', async t => {
  const impostor = makeLog({ keys: { publicKey: log.keys.publicKey, privateKey: makeKeys().privateKey } })
  const bare = signer({ logs: [] })
  const forged = signer({ logs: [impostor] })
  const strange = signer({ logs: [makeLog()] })
  t.match(found(bare), /^sct\.missing: /)
  t.match(found(strange), /^sct\.untrusted: /)
  t.match(found(forged), /^sct\.invalid: /)
  for (const made of [bare, strange, forged]) t.equal(found(made, { sct: 'ignored' }), 'ours')
})

t.test('a promise is for the issuer that stands in the path', async t => {
  const second = makeCertificate({ subject: 'second', extensions: AUTHORITY, by: intermediate })
  const below = signer({ by: second })
  t.equal(found(below, { chain: [second.der] }), 'ours')
  t.match(found(below), /^certificate\.untrusted: /)
})

t.test('what came along helps, and does no harm where it is not needed', async t => {
  const trust = trustIn(toAuthority('ours', root))
  const garbage = [hex('3000'), Buffer.alloc(0), Buffer.alloc(20_000)]
  t.equal(found(signer(), { trust, chain: [intermediate.der, root.der] }), 'ours')
  t.equal(found(signer(), { trust, chain: [...garbage, intermediate.der] }), 'ours')
  t.match(found(signer(), { trust }), /^certificate\.untrusted: /)
  t.match(found(signer(), { trust, chain: garbage.slice(0, 2) }), /^certificate\.invalid: in the chain: /)
  t.match(
    found(signer(), { trust, chain: garbage.slice(2) }),
    /^limit\.exceeded: in the chain: .*at most 16384 bytes, got 20000/,
  )
  t.match(
    found(signer(), { trust, chain: [...garbage, intermediate.der], times: [UNTIL + 1] }),
    /^certificate\.expired: /,
  )
})

t.test('limit.exceeded: so many certificates beside the signer’s, and so many bytes of it', async t => {
  const many = Array<Uint8Array>(MOST_CERTIFICATES).fill(intermediate.der)
  t.equal(found(signer(), { chain: many }), 'ours')
  t.match(
    found(signer(), { chain: [...many, root.der] }),
    /^limit\.exceeded: expected at most 8 certificates beside the signer's, got 9/,
  )
  t.match(
    found(Buffer.alloc(16 * 1024 + 1)),
    /^limit\.exceeded: expected a certificate of at most 16384 bytes, got 16385/,
  )
  const names = EXTENSIONS.names(...Array<Uint8Array>(33).fill(email('a@b')))
  t.match(
    found(signer({ extensions: [...SIGNER.filter((_, index) => index !== 2), names] })),
    /^limit\.exceeded: .*32 names, got 33/,
  )
})

t.test('of what several authorities say, that of the one which issued it is told', async t => {
  const stranger = toAuthority('a stranger', makeCertificate({ subject: 'stranger', extensions: AUTHORITY }))
  const retired = { ...authority, validFor: { from: undefined, until: NOW - 1 } }
  const inEitherOrder = (one: CertificateAuthority, other: CertificateAuthority) => [
    trustIn(one, other),
    trustIn(other, one),
  ]
  for (const trust of inEitherOrder(stranger, authority)) {
    t.equal(found(signer(), { trust }), 'ours')
    t.match(found(signer(), { trust, times: [UNTIL + 1] }), /^certificate\.expired: /)
    t.match(found(signer({ logs: [] }), { trust }), /^sct\.missing: /)
  }
  for (const trust of inEitherOrder(stranger, retired))
    t.match(found(signer(), { trust }), /^certificate\.untrusted: expected an authority in use at .*, got "ours"/)
})

t.test('of two authorities that issued it, the one that a log was told of is enough', async t => {
  const keys = makeKeys()
  const issuer = { ...intermediate, keys }
  const first = toAuthority('a', makeCertificate({ subject: 'intermediate', extensions: AUTHORITY, keys }))
  const made = signer({ by: issuer })
  t.equal(found(made, { trust: trustIn(first, authority) }), 'a')
  t.match(found(made, { trust: trustIn(authority) }), /^certificate\.untrusted: /)
})

t.test('the answer is the same whatever the order of authorities, chain and times', async t => {
  const keys = makeKeys()
  const renewed = [FROM, NOW].map(from =>
    makeCertificate({ subject: 'renewed', extensions: AUTHORITY, by: root, keys, from }),
  )
  const [by = root] = renewed
  const authorities = [
    toAuthority('b', root),
    toAuthority('a', root),
    { ...toAuthority('a', intermediate, root), validFor: { from: undefined, until: NOW } },
    toAuthority('c', makeCertificate({ subject: 'root', extensions: AUTHORITY })),
  ]
  const chain = [...renewed.map(({ der }) => der), hex('3000'), intermediate.der]
  const signers = [
    signer(),
    signer({ by }),
    signer({ by, logs: [] }),
    signer({ by: makeCertificate({ subject: 'root' }) }),
  ]
  const times = [FROM, NOW - 1000, NOW, UNTIL, UNTIL + 1]
  const some = <T>(list: readonly T[]) => fc.shuffledSubarray([...list])
  const inOrder = <T>(list: readonly T[], chosen: readonly T[]) => list.filter(one => chosen.includes(one))
  fc.assert(
    fc.property(
      fc.constantFrom(...signers),
      some(authorities),
      some(chain),
      fc.shuffledSubarray(times, { minLength: 1 }),
      (made, trusted, along, when) => {
        const turned = ask(made.der, { trust: trustIn(...trusted), chain: along, times: when })
        const straight = ask(made.der, {
          trust: trustIn(...inOrder(authorities, trusted)),
          chain: inOrder(chain, along),
          times: inOrder(times, when),
        })
        t.strictSame(turned, straight)
      },
    ),
    { numRuns: 150 },
  )
})
