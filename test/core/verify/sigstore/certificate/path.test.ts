import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import type { CertificateAuthority, Validity } from '#core/domain/trust-root.ts'
import { encodeDer, TAG } from '#core/verify/der.ts'
import { decodeAuthorities } from '#core/verify/sigstore/certificate/authority.ts'
import { decodeCertificate } from '#core/verify/sigstore/certificate/certificate.ts'
import { isRelated, type Path, verifyPath } from '#core/verify/sigstore/certificate/path.ts'
import { MOST_CERTIFICATES } from '#core/verify/sigstore/material.ts'
import {
  ALGORITHMS,
  AUTHORITY,
  CERT_SIGN,
  CODE_SIGNING,
  DIGITAL_SIGNATURE,
  EXTENSIONS,
  extension,
  FROM,
  hex,
  type Made,
  makeCertificate,
  makeKeys,
  NOW,
  oid,
  type Recipe,
  SIGNER,
  sequence,
  toAuthority,
  UNTIL,
} from './make-certificate.ts'
import { readCertificates, readTrust } from './read-recorded.ts'

const ALWAYS: Validity = { from: undefined, until: undefined }
/** Certificates count in seconds. */
const BEFORE = NOW - 1000
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'

const ca = (subject: string, by?: Made, recipe: Recipe = {}) =>
  makeCertificate({ subject, extensions: AUTHORITY, ...recipe, ...(by === undefined ? {} : { by }) })
const signer = (by: Made, recipe: Recipe = {}) => makeCertificate({ subject: '', extensions: SIGNER, by, ...recipe })

const root = ca('root')
const intermediate = ca('intermediate', root)
const leaf = signer(intermediate)
const trusted = [intermediate, root]

type Question = {
  readonly leaf?: Made
  readonly untrusted?: readonly Made[]
  readonly chain?: readonly Made[]
  readonly validFor?: Validity
  readonly at?: number
}

function ask({ leaf: asked = leaf, untrusted = [], chain = trusted, validFor = ALWAYS, at = NOW }: Question) {
  const [authority] = decodeAuthorities([{ ...toAuthority('ours', ...chain), validFor }])
  if (authority === undefined) throw new Error('no authority')
  const others = untrusted.map(({ der }) => decodeCertificate(der))
  return verifyPath(decodeCertificate(asked.der), others, authority, at)
}

/** The certificates of the path, or code and detail of the refusal. */
function found(question: Question): readonly Uint8Array[] | string {
  const answer = ask(question)
  return answer.kind === 'path'
    ? answer.certificates.map(({ der }) => Buffer.from(der))
    : `${answer.code}: ${answer.detail}`
}

const ders = (...made: readonly Made[]) => made.map(({ der }) => Buffer.from(der))

t.test('leads from the leaf to the root, and says by whose authority', async t => {
  const answer = ask({})
  t.match(answer, { kind: 'path', authority: 'ours' })
  t.strictSame(found({}), ders(leaf, intermediate, root))
  t.strictSame(found({ leaf: signer(root), chain: [root] }).length, 2)
})

t.test('leads through what came along, in whatever order, and what is of no use does no harm', async t => {
  const second = ca('second', intermediate)
  const third = ca('third', second)
  const below = signer(third)
  const stranger = ca('stranger')
  const path = ders(below, third, second, intermediate, root)
  for (const untrusted of [
    [third, second, intermediate],
    [intermediate, second, third],
    [second, stranger, third, root, intermediate, third, below],
  ])
    t.strictSame(found({ leaf: below, untrusted, chain: [root] }), path)
  t.strictSame(found({ leaf: below, untrusted: [third, second] }), path)
  t.match(
    found({ leaf: below, untrusted: [third] }),
    /^certificate\.untrusted: expected a certificate that "ours" answers for, got .*, to which none of its signatures leads$/,
  )
})

t.test('proves every recorded signer, and none by the authority of timestamps', async t => {
  const { authorities, timestampAuthorities } = readTrust()
  const [fulcio] = decodeAuthorities(authorities)
  const [stamper] = decodeAuthorities(timestampAuthorities)
  if (fulcio === undefined || stamper === undefined) throw new Error('no authority')
  for (const { image, certificate, chain } of readCertificates()) {
    const signer = decodeCertificate(certificate)
    const untrusted = chain.map(decodeCertificate)
    for (const at of [signer.validity.from, signer.validity.until])
      t.equal(verifyPath(signer, untrusted, fulcio, at).kind, 'path', image)
    t.match(verifyPath(signer, untrusted, stamper, signer.validity.from), { code: 'certificate.untrusted' })
  }
  const [stamp] = stamper.certificates
  if (stamp === undefined) throw new Error('no certificate')
  t.equal(verifyPath(stamp, [], stamper, stamp.validity.from).kind, 'path', 'one that the trust root lists')
})

t.test('a certificate of the trust root is trusted as the root only; any other must lead to it', async t => {
  t.strictSame(found({ leaf: root }), ders(root))
  t.strictSame(found({ leaf: intermediate }), ders(intermediate, root))
  const stray = ca('stray')
  t.match(found({ leaf: signer(stray), chain: [stray, intermediate, root] }), /^certificate\.untrusted/)
  t.match(found({ leaf: stray, chain: [stray, intermediate, root] }), /^certificate\.untrusted/)
})

t.test('certificate.untrusted: what has the names and not the signatures', async t => {
  const forgedRoot = ca('root')
  const forged = ca('intermediate', forgedRoot)
  const other = signer(forged)
  t.match(found({ leaf: other, untrusted: [forged, forgedRoot] }), /^certificate\.untrusted/)
  t.match(found({ leaf: signer(ca('root')), chain: [root] }), /^certificate\.untrusted/)
  const selfSigned = makeCertificate({ subject: 'somebody', extensions: SIGNER })
  t.match(found({ leaf: selfSigned, untrusted: [selfSigned] }), /^certificate\.untrusted: .*"CN=somebody"/)
  t.match(
    found({
      leaf: signer({ ...intermediate, keys: generateKeyPairSync('ed25519') }, { algorithm: ALGORITHMS.ed25519 }),
    }),
    /^certificate\.untrusted/,
  )
})

t.test('certificate.untrusted: names are compared byte for byte', async t => {
  const printable = sequence(
    encodeDer(TAG.set, sequence(oid('2.5.4.3'), encodeDer(TAG.printableString, Buffer.from('intermediate')))),
  )
  t.match(found({ leaf: signer({ ...intermediate, name: printable }) }), /^certificate\.untrusted/)
  t.match(found({ leaf: signer({ ...intermediate, name: ca('Intermediate').name }) }), /^certificate\.untrusted/)
})

t.test('certificate.expired: the leaf counts from its beginning to its end, both included', async t => {
  t.ok(Array.isArray(found({ at: FROM })))
  t.ok(Array.isArray(found({ at: UNTIL })))
  t.match(
    found({ at: FROM - 1 }),
    /^certificate\.expired: expected .* to be valid at 2025-12-31T23:59:59\.999Z, got one valid from 2026/,
  )
  t.match(found({ at: UNTIL + 1 }), /^certificate\.expired/)
  for (const at of [Number.NaN, Number.POSITIVE_INFINITY, 1e300])
    t.match(found({ at }), /^certificate\.expired/, 'a moment that is none')
})

t.test('certificate.expired: every authority above it must be valid, too (CVE-2026-24122)', async t => {
  const past = { from: FROM, until: BEFORE }
  const old = ca('old', root, past)
  t.match(found({ leaf: signer(old), chain: [old, root] }), /^certificate\.expired: .*"CN=old"/)
  t.match(found({ leaf: signer(old), chain: [root], untrusted: [old] }), /^certificate\.expired: .*"CN=old"/)
  const oldRoot = ca('old root', undefined, past)
  const young = ca('young', oldRoot)
  t.match(found({ leaf: signer(young), chain: [young, oldRoot] }), /^certificate\.expired: .*"CN=old root"/)
  t.ok(Array.isArray(found({ leaf: signer(young), chain: [young, oldRoot], at: BEFORE })))
})

t.test('an authority that was renewed under its name and key answers by the certificate that is valid', async t => {
  const keys = makeKeys()
  const before = ca('renewed', root, { keys, from: FROM, until: BEFORE })
  const after = ca('renewed', root, { keys, from: NOW, until: UNTIL })
  const below = signer(before)
  for (const untrusted of [
    [before, after],
    [after, before],
  ]) {
    t.strictSame(found({ leaf: below, untrusted, chain: [root] }), ders(below, after, root))
    t.strictSame(found({ leaf: below, untrusted, chain: [root], at: BEFORE }), ders(below, before, root))
  }
})

t.test(
  'certificate.untrusted: an authority answers for what it issued while it was in use, both ends included',
  async t => {
    const validFor = { from: NOW, until: NOW + 1000 }
    for (const at of [NOW, NOW + 1000]) t.ok(Array.isArray(found({ validFor, at })))
    for (const at of [NOW - 1, NOW + 1001])
      t.match(found({ validFor, at }), /^certificate\.untrusted: expected an authority in use at/)
    t.ok(Array.isArray(found({ validFor: { from: NOW, until: undefined } })))
    t.match(found({ validFor: { from: undefined, until: NOW - 1 } }), /"ours", in use until 2026/)
  },
)

t.test('certificate.untrusted: only an authority issues, so a signer cannot make signers', async t => {
  const below = signer(leaf, { subject: 'mallory' })
  // A signer of Fulcio's has no name, and nobody without one is an issuer.
  t.throws(() => decodeCertificate(below.der), { message: /issuer with a name/ })
  const named = signer(intermediate, { subject: 'alice' })
  t.match(found({ leaf: signer(named), untrusted: [named] }), /^certificate\.untrusted: .*"CN=alice", which is none/)
  for (const [extensions, why] of [
    [[EXTENSIONS.ca()], /may not sign certificates/],
    [[EXTENSIONS.ca(), DIGITAL_SIGNATURE], /may not sign certificates/],
    [[EXTENSIONS.noCa, CERT_SIGN], /which is none/],
    [[CERT_SIGN], /which is none/],
  ] as const) {
    const wrong = ca('wrong', root, { extensions })
    t.match(found({ leaf: signer(wrong), untrusted: [wrong] }), why)
    t.match(found({ leaf: signer(wrong), chain: [wrong, root] }), /^certificate\.untrusted/)
    const wrongRoot = ca('wrong root', undefined, { extensions })
    t.match(found({ leaf: signer(wrongRoot), chain: [wrongRoot] }), why)
  }
})

t.test('a path below what is no authority is not even looked for', async t => {
  const named = signer(intermediate, { subject: 'alice' })
  const second = ca('second', named)
  t.match(found({ leaf: signer(second), untrusted: [named, second] }), /to which none of its signatures leads$/)
})

t.test('certificate.untrusted: no more authorities follow than one above allows', async t => {
  const top = ca('top', undefined, { extensions: [EXTENSIONS.ca(1), CERT_SIGN] })
  const first = ca('first', top)
  const second = ca('second', first)
  t.ok(Array.isArray(found({ leaf: signer(first), chain: [first, top] })), 'as many as are allowed')
  t.match(
    found({ leaf: signer(second), chain: [second, first, top] }),
    /^certificate\.untrusted: .*"CN=second", which stands further down/,
  )
  const last = ca('last', root, { extensions: [EXTENSIONS.ca(0), CERT_SIGN] })
  const below = ca('below', last)
  t.ok(Array.isArray(found({ leaf: signer(last), chain: [last, root] })))
  t.match(found({ leaf: signer(below), untrusted: [below, last] }), /which stands further down/)
  // An authority that is asked about is not one that stands between.
  t.ok(Array.isArray(found({ leaf: below, untrusted: [last] })))
})

t.test('an authority that issues a certificate for itself does not count', async t => {
  const top = ca('top', undefined, { extensions: [EXTENSIONS.ca(0), CERT_SIGN] })
  const again = ca('top', top)
  t.ok(Array.isArray(found({ leaf: signer(again), chain: [again, top] })))
})

t.test('of two ways up, the one that allows more is taken', async t => {
  const keys = makeKeys()
  const narrow = ca('crossed', root, { keys, extensions: [EXTENSIONS.ca(0), CERT_SIGN] })
  const wide = ca('crossed', root, { keys, extensions: [EXTENSIONS.ca(1), CERT_SIGN] })
  const below = ca('below', wide)
  const asked = signer(below)
  for (const untrusted of [
    [narrow, wide, below],
    [below, wide, narrow],
  ])
    t.strictSame(found({ leaf: asked, untrusted, chain: [root] }), ders(asked, below, wide, root))
})

t.test('certificate.not-for-signing: nobody is for more than the authority above', async t => {
  const bound = (...purposes: readonly string[]) =>
    ca('bound', root, { extensions: [...AUTHORITY, EXTENSIONS.purposes(...purposes)] })
  const forPurposes = (by: Made, ...purposes: readonly string[]) =>
    signer(by, { extensions: [DIGITAL_SIGNATURE, EXTENSIONS.purposes(...purposes)] })
  const codeOnly = bound(CODE_SIGNING)
  t.ok(Array.isArray(found({ leaf: forPurposes(codeOnly, CODE_SIGNING), untrusted: [codeOnly] })))
  for (const [asked, by] of [
    [forPurposes(codeOnly, TIME_STAMPING), codeOnly],
    [forPurposes(codeOnly, CODE_SIGNING, TIME_STAMPING), codeOnly],
    [forPurposes(codeOnly, '2.5.29.37.0'), codeOnly],
    [signer(codeOnly, { extensions: [DIGITAL_SIGNATURE] }), codeOnly],
  ] as const)
    t.match(found({ leaf: asked, untrusted: [by] }), /^certificate\.not-for-signing: /)
  const any = bound('2.5.29.37.0')
  t.ok(Array.isArray(found({ leaf: forPurposes(any, CODE_SIGNING), untrusted: [any] })))
  const free = ca('free', codeOnly)
  t.match(
    found({ leaf: forPurposes(free, TIME_STAMPING), untrusted: [free, codeOnly] }),
    /^certificate\.not-for-signing: .*"CN=bound"/,
  )
})

t.test('certificate.invalid: a critical extension that is not understood, anywhere in the path', async t => {
  const unknown = extension('1.2.3.4', hex('00'), true)
  const nameConstraints = (critical: boolean) => extension('2.5.29.30', sequence(), critical)
  for (const more of [unknown, nameConstraints(true)]) {
    const odd = ca('odd', root, { extensions: [...AUTHORITY, more] })
    const oddRoot = ca('odd root', undefined, { extensions: [...AUTHORITY, more] })
    const below = ca('below', oddRoot)
    t.match(
      found({ leaf: signer(intermediate, { extensions: [...SIGNER, more] }) }),
      /^certificate\.invalid: .*got (1\.2\.3\.4|2\.5\.29\.30)/,
    )
    t.match(found({ leaf: signer(odd), untrusted: [odd] }), /^certificate\.invalid: .*"CN=odd"/)
    t.match(found({ leaf: signer(below), chain: [below, oddRoot] }), /^certificate\.invalid: .*"CN=odd root"/)
  }
  const bound = ca('bound', root, { extensions: [...AUTHORITY, nameConstraints(false)] })
  t.match(found({ leaf: signer(bound), untrusted: [bound] }), /^certificate\.untrusted: .*bound to names/)
})

t.test('limit.exceeded: at most so many certificates come along', async t => {
  const many = Array.from({ length: MOST_CERTIFICATES }, (_, index) => ca(`stranger ${index}`))
  t.ok(Array.isArray(found({ untrusted: many })))
  t.match(
    found({ untrusted: [...many, intermediate] }),
    /^limit\.exceeded: expected at most 8 certificates in the chain, got 9/,
  )
})

t.test('certificates that all issue each other are passed through once', async t => {
  const keys = makeKeys()
  const name = { ...root, keys }
  const first = ca('root', root, { keys })
  const crossed = [first, ...Array.from({ length: MOST_CERTIFICATES - 1 }, () => ca('root', name, { keys }))]
  t.strictSame(found({ leaf: signer(name), untrusted: crossed, chain: [root] }).length, 3)
  const other = signer({ ...root, keys: makeKeys() })
  t.match(found({ leaf: other, untrusted: crossed, chain: [root] }), /^certificate\.untrusted/)
})

t.test('the answer does not depend on the order of what came along', async t => {
  const keys = makeKeys()
  const pool = [
    ca('a', root, { keys, until: BEFORE }),
    ca('a', root, { keys, extensions: [EXTENSIONS.ca(0), CERT_SIGN] }),
    ca('a', intermediate, { keys }),
    ca('b', { ...root, name: ca('a').name, keys }),
    ca('b', { ...root, name: ca('a').name, keys }, { extensions: [EXTENSIONS.ca()] }),
  ]
  const asked = pool.slice(3).map(by => signer(by))
  fc.assert(
    fc.property(fc.shuffledSubarray(pool), fc.constantFrom(...asked), (some, leaf) => {
      const inOrder = pool.filter(one => some.includes(one))
      t.strictSame(found({ leaf, untrusted: some }), found({ leaf, untrusted: inOrder }))
    }),
    { numRuns: 60 },
  )
})

t.test('a path goes from the leaf to the root without a gap, whatever it is asked about', async t => {
  const answer = ask({}) as Path
  for (const [index, one] of answer.certificates.entries()) {
    const above = answer.certificates[index + 1] ?? one
    t.ok(one.x509.verify(above.x509.publicKey))
  }
})

t.test('an authority is related to what its signatures lead to, whatever is wrong with it', async t => {
  const [authority] = decodeAuthorities([{ ...toAuthority('ours', root), validFor: { from: UNTIL, until: undefined } }])
  if (authority === undefined) throw new Error('no authority')
  const between = [decodeCertificate(intermediate.der)]
  const critical = signer(intermediate, {
    from: FROM,
    until: BEFORE,
    extensions: [extension('1.2.3', hex('00'), true)],
  })
  t.ok(isRelated(decodeCertificate(critical.der), between, authority))
  t.notOk(isRelated(decodeCertificate(critical.der), [], authority))
  t.notOk(isRelated(decodeCertificate(signer(ca('root')).der), between, authority))
  const many = Array(MOST_CERTIFICATES + 1).fill(between[0])
  t.notOk(isRelated(decodeCertificate(critical.der), many, authority), 'more is not looked at')
})

t.test('authorities are decoded once for each trust root, and in one order', async t => {
  const [a, b] = [toAuthority('a', ca('a')), toAuthority('b', ca('b'))]
  const authorities = [b, a]
  const decoded = decodeAuthorities(authorities)
  t.strictSame(
    decoded.map(({ name }) => name),
    ['a', 'b'],
  )
  t.equal(decodeAuthorities(authorities), decoded)
  t.not(decodeAuthorities([b, a]), decoded)
})

t.test('an authority that cannot be read is named', async t => {
  const decode = (chain: CertificateAuthority['chain']) => () =>
    decodeAuthorities([{ name: 'odd', chain, validFor: ALWAYS }])
  const [good = ''] = toAuthority('good', root).chain
  t.throws(decode([]), {
    name: 'InputError',
    message: 'the authority "odd": expected at least one certificate, got none',
  })
  t.throws(decode(['AAAA']), { name: 'InputError', message: /^the authority "odd": / })
  t.throws(decode(['not base64']), { name: 'InputError', message: /^the authority "odd": .*canonical base64/ })
  t.equal(decode(Array(MOST_CERTIFICATES).fill(good))().length, 1)
  t.throws(decode(Array(MOST_CERTIFICATES + 1).fill(good)), {
    name: 'InputError',
    message: /at most 8 certificates, got 9/,
  })
})
