import 'reflect-metadata'
import { generateKeyPairSync } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import fc from 'fast-check'
import t, { type Test as Tap } from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { LimitError } from '#core/json/limit-error.ts'
import { encodeDer, TAG } from '#core/verify/der.ts'
import { decodeCertificate, decodeCertificatesPem } from '#core/verify/sigstore/certificate/certificate.ts'
import { CERTIFICATE_BYTES, MOST_CERTIFICATES } from '#core/verify/sigstore/material.ts'
import {
  ALGORITHMS,
  type Algorithm,
  AUTHORITY,
  boolean,
  CERT_SIGN,
  CODE_SIGNING,
  EXTENSIONS,
  email,
  extension,
  FROM,
  hex,
  implicit,
  integer,
  type Keys,
  makeCertificate,
  makeKeys,
  NULL,
  nameOf,
  octets,
  oid,
  pss,
  type Recipe,
  SIGNER,
  sequence,
  tagged,
  UNTIL,
  uri,
  utf8,
} from './make-certificate.ts'
import { readCertificates, readTrust } from './read-recorded.ts'

const decode = (recipe: Recipe) => decodeCertificate(makeCertificate(recipe).der)

/** What decoding says of a certificate with these extensions; all else about it is in order. */
const withExtensions = (...extensions: readonly Uint8Array[]) => decode({ extensions })

function refused(t: Tap, recipe: Recipe, message: RegExp, what = String(message)): void {
  t.throws(() => decode(recipe), { name: 'InputError', message }, what)
}

/** There is too much of something, which a gate tells apart from what cannot be read. */
function limited(t: Tap, decode: () => unknown): void {
  try {
    decode()
    t.fail('expected a limit to be passed')
  } catch (error) {
    t.ok(error instanceof LimitError, String(error))
  }
}

t.test('reads what Fulcio wrote', async t => {
  const found = readCertificates().find(({ image }) => image === 'keyless-ci-bundle')
  const certificate = decodeCertificate(found?.certificate ?? Buffer.alloc(0))
  t.equal(certificate.serial, '7b3bb110c0b192235dd29239c9e2b772efa29b88')
  t.strictSame(certificate.validity, {
    from: Date.UTC(2026, 10, 21, 9, 52, 41),
    until: Date.UTC(2026, 10, 21, 10, 2, 41),
  })
  t.equal(certificate.isCa, false)
  t.equal(certificate.pathLength, undefined)
  t.strictSame([...(certificate.keyUsage ?? [])], ['digitalSignature'])
  t.strictSame(certificate.extendedKeyUsage, [CODE_SIGNING])
  t.equal(certificate.isExtendedKeyUsageCritical, false)
  t.strictSame(certificate.names, [
    { kind: 'uri', text: 'https://ci.example.test/acme/app/.ci/release.yml@refs/heads/main' },
  ])
  t.strictSame(certificate.unknownCritical, [])
  t.strictSame(Buffer.from(certificate.subject), hex('3000'))
  t.equal(certificate.extensions.size, 18)
})

t.test('reads every recorded certificate, of signers and of authorities', async t => {
  const { authorities, timestampAuthorities } = readTrust()
  const chains = [...authorities, ...timestampAuthorities].flatMap(({ chain }) => chain)
  const all = [
    ...readCertificates().map(({ certificate }) => certificate),
    ...chains.map(text => Buffer.from(text, 'base64')),
  ]
  for (const der of all) t.strictSame(Buffer.from(decodeCertificate(der).der), Buffer.from(der))
  t.ok(all.length > 10, 'certificates were found')
})

t.test('reads what another tool made', async t => {
  x509.cryptoProvider.set(globalThis.crypto)
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '0080',
    name: 'CN=root, O=Example',
    notBefore: new Date(FROM),
    notAfter: new Date(UNTIL),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-384' },
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 3, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.ExtendedKeyUsageExtension([CODE_SIGNING], true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'email', value: 'a@example.test' },
        { type: 'dns', value: 'example.test' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const certificate = decodeCertificate(new Uint8Array(made.rawData))
  t.equal(certificate.serial, '80')
  t.equal(certificate.isCa, true)
  t.equal(certificate.pathLength, 3)
  t.strictSame([...(certificate.keyUsage ?? [])], ['keyCertSign', 'crlSign'])
  t.equal(certificate.isExtendedKeyUsageCritical, true)
  t.strictSame(
    certificate.names.map(({ kind }) => kind),
    ['email', 'dns', 'unread'],
  )
  t.equal(certificate.key.spki, Buffer.from(made.publicKey.rawData).toString('base64'))
  t.strictSame(certificate.validity, { from: FROM, until: UNTIL })
})

t.test('certificates are of version 3, and say so', async t => {
  for (const version of [Buffer.alloc(0), tagged(0, integer(0n)), tagged(0, integer(1n)), tagged(0, integer(3n))])
    refused(t, { change: () => ({ version }) }, /version/)
  refused(t, { change: () => ({ version: tagged(0, integer(2n), integer(2n)) }) }, /nothing behind it/)
})

t.test('serial numbers are above zero and have at most twenty octets', async t => {
  const serial = (value: Uint8Array): Recipe => ({ change: () => ({ serial: value }) })
  const most = `7f${'ff'.repeat(19)}`
  t.equal(decode(serial(integer(BigInt(`0x${most}`)))).serial, most)
  t.equal(decode(serial(integer((1n << 160n) - 1n))).serial, 'ff'.repeat(20))
  t.equal(decode(serial(integer(1n))).serial, '01')
  for (const bad of [integer(0n), encodeDer(TAG.integer, hex('ff')), integer(1n << 160n)])
    refused(t, serial(bad), /serial number above zero of at most 20 octets/)
  refused(t, serial(encodeDer(TAG.integer, hex('0001'))), /shortest form/)
})

t.test('an issuer has a name, a subject need not', async t => {
  t.equal(decode({ by: makeCertificate(), subject: '' }).subject.length, 2)
  refused(t, { subject: '' }, /issuer with a name/)
})

t.test('a validity is two times to the second that exist, one after the other', async t => {
  const validity = (...times: readonly Uint8Array[]): Recipe => ({ change: () => ({ validity: sequence(...times) }) })
  const utc = (text: string) => encodeDer(TAG.utcTime, Buffer.from(text))
  const generalized = (text: string) => encodeDer(TAG.generalizedTime, Buffer.from(text))
  const beginning = utc('260101000000Z')
  t.equal(decode(validity(beginning, beginning)).validity.until, FROM)
  t.equal(
    decode(validity(beginning, generalized('99991231235959Z'))).validity.until,
    Date.UTC(9999, 11, 31, 23, 59, 59),
  )
  t.equal(decode(validity(utc('500101000000Z'), beginning)).validity.from, Date.UTC(1950, 0, 1))
  refused(t, validity(beginning, utc('251231235959Z')), /ends after it has begun/)
  refused(t, validity(beginning, generalized('20260101000000.5Z')), /time to the second/)
  refused(t, validity(beginning, utc('2601010000Z')), /time to the second/)
  refused(t, validity(beginning, utc('260230000000Z')), /time that exists/)
  refused(t, validity(beginning, octets(Buffer.from('260101000000Z'))), /time to the second/)
  refused(t, validity(beginning), /got nothing/)
  refused(t, validity(beginning, beginning, beginning), /nothing more/)
})

t.test('the algorithm beside what is signed is the one within', async t => {
  refused(t, { outer: ALGORITHMS.ecdsa384.id }, /one signature algorithm/)
  refused(t, { change: () => ({ algorithm: ALGORITHMS.ecdsa384.id }) }, /one signature algorithm/)
})

t.test('certificates are signed by ECDSA, RSA or Ed25519 over SHA-2 of 256 bits or more', async t => {
  const rsa: Keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const edwards: Keys = generateKeyPairSync('ed25519')
  const by = (algorithm: Algorithm): Keys => {
    if (algorithm === ALGORITHMS.ed25519) return edwards
    return Object.entries(ALGORITHMS).some(([name, one]) => one === algorithm && name.startsWith('ecdsa'))
      ? makeKeys()
      : rsa
  }
  const { ecdsa1, ecdsa224, rsa1, rsa5, ...good } = ALGORITHMS
  for (const [name, algorithm] of Object.entries(good)) {
    const certificate = decode({ algorithm, keys: by(algorithm) })
    t.ok(certificate.x509.verify(certificate.x509.publicKey), name)
  }
  for (const algorithm of [ecdsa1, ecdsa224, rsa1, rsa5])
    refused(t, { algorithm, keys: by(algorithm) }, /by ECDSA, RSA or Ed25519 over SHA-2 of 256 bits or more/)
})

t.test('nothing stands beside the algorithm but what belongs there', async t => {
  const { ecdsa256 } = ALGORITHMS
  for (const parameters of [NULL, sequence(), integer(1n)]) {
    const id = sequence(oid('1.2.840.10045.4.3.2'), parameters)
    refused(t, { algorithm: { ...ecdsa256, id } }, /no parameters/)
  }
  const rsa: Keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const id = sequence(oid('1.2.840.113549.1.1.11'), integer(1n))
  refused(t, { algorithm: { ...ALGORITHMS.rsa256, id }, keys: rsa }, /no parameters/)
  const twice = sequence(oid('1.2.840.10045.4.3.2'), NULL, NULL)
  refused(t, { algorithm: { ...ecdsa256, id: twice } }, /nothing more/)
})

t.test('PSS is with one hash, and a salt as long as it', async t => {
  const sha256 = '2.16.840.1.101.3.4.2.1'
  const sha512 = '2.16.840.1.101.3.4.2.3'
  const keys: Keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  for (const [algorithm, message] of [
    [pss('sha256', sha256, 20), /salt as long as its hash, got 20/],
    [pss('sha256', sha256, 33), /salt as long as its hash, got 33/],
    [pss('sha256', sha256, 32, sha512), /one hash for the message and for the mask/],
    [pss('sha256', '1.3.14.3.2.26', 20), /SHA-2 of 256 bits or more, got hash 1\.3\.14\.3\.2\.26/],
    [pss('sha256', sha256, 32, sha256, [tagged(3, integer(1n))]), /nothing more/],
  ] as const)
    refused(t, { algorithm, keys }, message)
  // Without parameters everything is SHA-1.
  for (const id of [sequence(oid('1.2.840.113549.1.1.10')), sequence(oid('1.2.840.113549.1.1.10'), sequence())])
    refused(t, { algorithm: { ...ALGORITHMS.pss256, id }, keys }, /PSS/)
})

t.test('a weak key is refused, whoever signed the certificate', async t => {
  const by = makeCertificate()
  const keys: Keys = generateKeyPairSync('rsa', { modulusLength: 1024 })
  refused(t, { by, keys }, /2048 to 8192 bits, got 1024/)
  refused(t, { by, keys: makeKeys('secp256k1') }, /expected the curve/)
  refused(t, { by, keys: generateKeyPairSync('ed448') }, /got ed448/)
})

t.test('there are extensions, each once, and nothing between or behind', async t => {
  refused(
    t,
    { change: () => ({ extensions: Buffer.alloc(0) }) },
    /extensions of the signed part of the certificate, got nothing/,
  )
  refused(t, { extensions: [] }, /at least one extension/)
  refused(t, { extensions: [EXTENSIONS.noCa, EXTENSIONS.noCa] }, /extension 2\.5\.29\.19 once, got it twice/)
  refused(t, { extensions: [sequence(oid('1.2.3'), boolean(false), octets())] }, /leaves out a default/)
  refused(t, { extensions: [sequence(oid('1.2.3'), encodeDer(TAG.boolean, hex('01')), octets())] }, /00 or ff/)
  refused(t, { extensions: [sequence(oid('1.2.3'), octets(), octets())] }, /nothing more/)
  refused(t, { extensions: [sequence(oid('1.2.3'))] }, /got nothing/)
  refused(t, { extensions: [NULL] }, /made of parts/)
  const unique = (parts: Record<'extensions', Uint8Array>) => ({
    extensions: Buffer.concat([implicit(1, hex('0001')), parts.extensions]),
  })
  refused(t, { change: unique }, /expected the extensions/)
  refused(t, { change: parts => ({ extensions: Buffer.concat([parts.extensions, NULL]) }) }, /nothing more/)
})

t.test('a critical extension that is not understood is named, and so are constraints on names', async t => {
  const certificate = withExtensions(
    extension('1.2.3.4', hex('00'), true),
    extension('1.2.3.5', hex('00')),
    extension('2.5.29.30', sequence(), true),
    ...SIGNER,
  )
  t.strictSame(certificate.unknownCritical, ['1.2.3.4', '2.5.29.30'])
  t.strictSame(certificate.extensions.get('1.2.3.5')?.critical, false)
})

t.test('basic constraints say whether it is an authority, and leave out defaults', async t => {
  const constraints = (...content: readonly Uint8Array[]) => extension('2.5.29.19', sequence(...content), true)
  t.match(withExtensions(...AUTHORITY), { isCa: true, pathLength: undefined })
  t.match(withExtensions(EXTENSIONS.ca(0)), { isCa: true, pathLength: 0 })
  t.match(withExtensions(CERT_SIGN), { isCa: false, pathLength: undefined })
  t.match(withExtensions(EXTENSIONS.noCa), { isCa: false, pathLength: undefined })
  refused(t, { extensions: [constraints(boolean(false))] }, /leaves out a default/)
  refused(t, { extensions: [constraints(integer(1n))] }, /only for an authority/)
  refused(
    t,
    { extensions: [constraints(boolean(true), encodeDer(TAG.integer, hex('ff')))] },
    /path length of zero or more/,
  )
  refused(t, { extensions: [constraints(boolean(true), integer(1n), NULL)] }, /nothing more/)
  refused(t, { extensions: [extension('2.5.29.19', Buffer.concat([sequence(), sequence()]))] }, /nothing behind it/)
})

t.test('key usage is bits without zeros at the end, at least one', async t => {
  const usages = (bits: string) => [...(withExtensions(EXTENSIONS.usage(bits)).keyUsage ?? [])]
  t.strictSame(usages('0780'), ['digitalSignature'])
  t.strictSame(usages('0106'), ['keyCertSign', 'crlSign'])
  t.strictSame(usages('0001'), ['encipherOnly'])
  t.strictSame(usages('070080'), ['decipherOnly'])
  t.equal(usages('07ff80').length, 9)
  t.equal(withExtensions(EXTENSIONS.noCa).keyUsage, undefined)
  // nothing, no bit, a bit that is unused and set, zeros at the end, too many unused, a tenth bit, a third octet
  for (const bad of ['', '00', '0700', '0781', '0080', '0880', '060040', '06ffc0', '07000080', '07800080'])
    refused(t, { extensions: [EXTENSIONS.usage(bad)] }, /key usage/, bad)
})

t.test('purposes are named, at least one', async t => {
  t.strictSame(withExtensions(EXTENSIONS.purposes(CODE_SIGNING, '1.2.3')).extendedKeyUsage, [CODE_SIGNING, '1.2.3'])
  refused(t, { extensions: [EXTENSIONS.purposes()] }, /a purpose/)
  refused(t, { extensions: [extension('2.5.29.37', sequence(NULL))] }, /a purpose/)
  refused(t, { extensions: [extension('2.5.29.37', sequence(encodeDer(TAG.oid, hex('01'.repeat(65)))))] }, /a purpose/)
})

t.test('names are of the kinds that are defined, and text is seen as it is', async t => {
  const names = (...list: readonly Uint8Array[]) => withExtensions(EXTENSIONS.names(...list)).names
  const other = tagged(0, oid('1.2.3'), tagged(0, utf8('somebody')))
  t.match(names(email('a@b'), implicit(2, Buffer.from('b')), uri('https://b'), implicit(7, hex('7f000001')), other), [
    { kind: 'email', text: 'a@b' },
    { kind: 'dns', text: 'b' },
    { kind: 'uri', text: 'https://b' },
    { kind: 'unread' },
    { kind: 'other', type: '1.2.3' },
  ])
  t.match(names(tagged(4, nameOf('somebody'))), [{ kind: 'unread' }])
  for (const bad of [
    [],
    [email('')],
    [email('a@b\0.example.test')],
    [email('a@b\n')],
    [email('ä@b')],
    [implicit(9, hex('00'))],
    [implicit(4, hex('00'))],
    [tagged(1, utf8('a@b'))],
    [utf8('a@b')],
    [tagged(0, oid('1.2.3'))],
    [tagged(0, oid('1.2.3'), tagged(0, utf8('a'), utf8('b')))],
  ])
    refused(t, { extensions: [EXTENSIONS.names(...bad)] }, /name/)
})

t.test('a certificate has at most so many bytes, and nothing behind it', async t => {
  const filled = (bytes: number) => makeCertificate({ extensions: [extension('1.2.3', Buffer.alloc(bytes))] }).der
  const { length } = filled(CERTIFICATE_BYTES - 1000)
  // A signature of ECDSA is a few bytes shorter at times.
  const least = filled(CERTIFICATE_BYTES - 1000 + (CERTIFICATE_BYTES - length) - 4)
  t.ok(decodeCertificate(least))
  t.throws(() => decodeCertificate(Buffer.alloc(CERTIFICATE_BYTES)), InputError)
  limited(t, () => decodeCertificate(Buffer.alloc(CERTIFICATE_BYTES + 1)))
  const { der } = makeCertificate()
  t.throws(() => decodeCertificate(Buffer.concat([der, hex('00')])), InputError)
  t.throws(() => decodeCertificate(Buffer.concat([der, der])), { message: /nothing behind it/ })
  t.throws(() => decodeCertificate(der.subarray(0, -1)), { message: /end within a value/ })
  t.throws(() => decodeCertificate(Buffer.from('-----BEGIN CERTIFICATE-----\n')), InputError)
})

t.test('what was decoded stays what it is when the bytes are written over', async t => {
  const bytes = Buffer.from(makeCertificate({ subject: 'somebody' }).der)
  const before = decodeCertificate(bytes)
  t.equal(decodeCertificate(bytes), before, 'decoded once')
  const copy = Buffer.from(before.der)
  bytes.fill(0)
  t.strictSame(Buffer.from(before.der), copy)
  t.throws(() => decodeCertificate(bytes), InputError)
})

t.test('random bytes and random values in its place are an InputError, and nothing else', async t => {
  const { der } = makeCertificate({ extensions: SIGNER })
  const changed = fc
    .tuple(fc.nat({ max: der.length - 1 }), fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.nat({ max: 8 }))
    .map(([at, bytes, left]) => Buffer.concat([der.subarray(0, at), bytes, der.subarray(at + left)]))
  const decodes = (bytes: Uint8Array) => {
    try {
      return decodeCertificate(bytes).der.length === bytes.length
    } catch (error) {
      return error instanceof InputError
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decodes), { numRuns: 500 })
  fc.assert(fc.property(changed, decodes), { numRuns: 1000 })
})

t.test('deep nesting is an InputError wherever it is, and not a full stack', async t => {
  let nested: Uint8Array = sequence()
  for (let level = 0; level < 3000; level++) nested = sequence(nested)
  const deep = nested
  t.throws(() => decodeCertificate(deep), InputError)
  t.throws(() => decode({ extensions: [deep] }), InputError)
  t.throws(() => decode({ extensions: [extension('2.5.29.19', deep)] }), InputError)
  t.throws(() => decode({ extensions: [EXTENSIONS.names(deep)] }), InputError)
  t.throws(() => decode({ change: () => ({ validity: deep }) }), InputError)
  t.throws(() => decode({ change: () => ({ key: deep }) }), InputError)
  t.throws(() => decode({ change: () => ({ subject: deep }) }), InputError)
})

const pemOf = (der: Uint8Array, label = 'CERTIFICATE') =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .replaceAll(/(.{64})/g, '$1\n')}\n-----END ${label}-----`.replace(/\n\n/, '\n')

t.test('reads certificates in PEM, one after the other', async t => {
  const one = makeCertificate().der
  const two = makeCertificate().der
  const read = (text: string) => decodeCertificatesPem(text, 2).map(der => Buffer.from(der))
  t.strictSame(read(pemOf(one)), [one])
  t.strictSame(read(`${pemOf(one)}\n${pemOf(two)}\n`), [one, two])
  t.strictSame(read(`\n${pemOf(one)}\r\n\r\n${pemOf(two)}  \n`.replaceAll('\n', '\r\n').replaceAll('\r\r', '\r')), [
    one,
    two,
  ])
})

t.test('refuses PEM that another reader reads otherwise', async t => {
  const { der } = makeCertificate()
  const pem = pemOf(der)
  for (const [text, message] of [
    ['', /nothing but white space/],
    ['   ', /nothing but white space/],
    [`${pem}x`, /nothing but white space/],
    [`${pem}\u00a0`, /nothing but white space/],
    [`subject=somebody\n${pem}`, /nothing else around/],
    [`${pem}\nsubject=somebody\n${pem}`, /nothing else around/],
    // Go would pass over the second.
    [`${pem}${pem}`, /line of its own/],
    [`${pem} ${pem}`, /line of its own/],
    [pemOf(der, 'TRUSTED CERTIFICATE'), /nothing but white space/],
    [pemOf(der, 'PUBLIC KEY'), /nothing but white space/],
    [`-----BEGIN PUBLIC KEY-----\nAAAA\n-----END CERTIFICATE-----`, /BEGIN line/],
    [`${pemOf(der, 'PUBLIC KEY')}\n${pem}`, /expected one PEM block, got 2/],
    [pem.replace('-----END CERTIFICATE-----', ''), /nothing but white space/],
    [`-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----`, /base64/],
  ] as const)
    t.throws(() => decodeCertificatesPem(text, 2), { name: 'InputError', message }, text.slice(0, 40))
})

t.test('there are at most so many certificates in PEM', async t => {
  const pem = `${pemOf(makeCertificate().der)}\n`
  t.equal(decodeCertificatesPem(pem.repeat(MOST_CERTIFICATES), MOST_CERTIFICATES).length, MOST_CERTIFICATES)
  limited(t, () => decodeCertificatesPem(pem.repeat(MOST_CERTIFICATES + 1), MOST_CERTIFICATES))
  limited(t, () => decodeCertificatesPem(pem.repeat(2), 1))
  limited(t, () => decodeCertificatesPem(' '.repeat(1024 * 1024), MOST_CERTIFICATES))
})
