import { constants, generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import type { TransparencyLog } from '#core/domain/trust-root.ts'
import { decodeDer, itemsOf } from '#core/verify/der.ts'
import { decodeCertificate } from '#core/verify/sigstore/certificate/certificate.ts'
import { verifyScts } from '#core/verify/sigstore/certificate/sct.ts'
import { MOST_SCTS } from '#core/verify/sigstore/certificate/sct-list.ts'
import {
  AUTHORITY,
  counted,
  extension,
  hex,
  type Keys,
  type MadeLog,
  makeCertificate,
  makeKeys,
  makeLog,
  NOW,
  octets,
  oid,
  SIGNER,
  sequence,
  tagged,
} from './make-certificate.ts'
import { readCertificates, readTrust } from './read-recorded.ts'

const issuer = makeCertificate({ subject: 'authority', extensions: AUTHORITY })
const log = makeLog()
const other = makeLog({ at: NOW + 1 })

const certified = (...logs: readonly MadeLog[]) =>
  makeCertificate({ subject: '', by: issuer, extensions: SIGNER, logs })

/** The promises found, or code and detail of the refusal. */
function found(der: Uint8Array, logs: readonly TransparencyLog[] = [log.log], by = issuer) {
  const answer = verifyScts(decodeCertificate(der), decodeCertificate(by.der), logs)
  return answer.kind === 'promised' ? Object.fromEntries(answer.logs) : `${answer.code}: ${answer.detail}`
}

/** Puts the promises, which come last, before the others; where there are none, nothing is changed. */
function promisesFirst({ extensions }: { readonly extensions: Uint8Array }): { extensions: Uint8Array } {
  const [list] = itemsOf(decodeDer(extensions, 'it'), 'it')
  const all = list === undefined ? [] : itemsOf(list, 'it').map(({ bytes }) => bytes)
  const promises = all.filter(bytes => Buffer.from(bytes).includes(Buffer.from(oid('1.3.6.1.4.1.11129.2.4.2'))))
  const others = all.filter(bytes => !promises.includes(bytes))
  return { extensions: tagged(3, sequence(...promises, ...others)) }
}

/** A signer's certificate with this in place of the promises. */
const withValue = (value: Uint8Array) =>
  makeCertificate({ subject: '', by: issuer, extensions: [...SIGNER, extension('1.3.6.1.4.1.11129.2.4.2', value)] }).der

/** A promise of the log over a certificate that it is not in: it is decoded, and does not verify. */
const stray = log.promise(Buffer.from('another certificate'), issuer.keys.publicKey)

t.test('proves what a log promised, and when', async t => {
  t.strictSame(found(certified(log).der), { [log.log.id]: NOW })
})

t.test('proves the promises in every recorded certificate', async t => {
  const { authorities, certificateLogs } = readTrust()
  const by = decodeCertificate(Buffer.from(authorities[0]?.chain[0] ?? '', 'base64'))
  for (const { image, certificate } of readCertificates()) {
    const answer = verifyScts(decodeCertificate(certificate), by, certificateLogs)
    t.match(answer, { kind: 'promised' }, image)
  }
})

t.test('counts each log once, from its first promise on', async t => {
  const keys = makeKeys()
  const [first, second] = [makeLog({ keys, at: 5 }), makeLog({ keys, at: 7 })]
  for (const logs of [
    [first, second],
    [second, first],
  ])
    t.strictSame(found(certified(...logs).der, [first.log]), { [first.log.id]: 5 })
  t.strictSame(found(certified(log, other).der, [other.log, log.log]), { [log.log.id]: NOW, [other.log.id]: NOW + 1 })
})

t.test('the promises may stand anywhere among the extensions, which are signed in their order', async t => {
  const first = makeCertificate({ subject: '', by: issuer, extensions: SIGNER, logs: [log], change: promisesFirst })
  t.strictSame(found(first.der), { [log.log.id]: NOW })
  const turned = makeCertificate({ subject: '', by: issuer, extensions: SIGNER.toReversed(), logs: [log] })
  t.strictSame(found(turned.der), { [log.log.id]: NOW })
})

t.test('logs sign with ECDSA, RSA or Ed25519', async t => {
  const rsa: Keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pkcs1 = (message: Uint8Array, key: Keys['privateKey']) =>
    sign('sha256', message, { key, padding: constants.RSA_PKCS1_PADDING })
  for (const made of [
    makeLog({ keys: makeKeys('P-384'), algorithm: 0x0503, sign: (message, key) => sign('sha384', message, key) }),
    makeLog({ keys: makeKeys('P-384') }),
    makeLog({ keys: rsa, algorithm: 0x0401, sign: pkcs1 }),
    makeLog({
      keys: generateKeyPairSync('ed25519'),
      algorithm: 0x0807,
      sign: (message, key) => sign(null, message, key),
    }),
  ])
    t.strictSame(found(certified(made).der, [made.log]), { [made.log.id]: NOW })
})

t.test('sct.missing, sct.untrusted: no promise, or none by a known log', async t => {
  t.match(found(certified().der), /^sct\.missing: expected a promise by a known certificate log in .*, got none$/)
  t.match(found(certified(other).der), `sct.untrusted: `)
  t.match(found(certified(other).der), new RegExp(`got one by log ${other.log.id}$`))
  t.match(found(certified(other, makeLog()).der), /got one by log .* and 1 more$/)
  t.match(found(certified(log).der, []), /^sct\.untrusted/)
  t.match(found(withValue(octets(counted(2)))), /^sct\.missing/)
})

t.test('a promise by an unknown log, or of a later version, does no harm', async t => {
  t.strictSame(found(certified(other, log).der), { [log.log.id]: NOW })
  t.strictSame(found(certified(makeLog({ version: 1 }), log).der), { [log.log.id]: NOW })
  const broken = makeLog({ sign: message => message.subarray(0, 8) })
  t.strictSame(found(certified(broken, log).der), { [log.log.id]: NOW })
})

t.test('sct.invalid: one that names a known log and is not by it, whatever else is there', async t => {
  const keys = makeKeys()
  const known = makeLog({ keys })
  const impostor = makeLog({ keys: { publicKey: keys.publicKey, privateKey: makeKeys().privateKey } })
  for (const der of [certified(impostor).der, certified(impostor, log).der, certified(log, impostor).der])
    t.match(found(der, [known.log, log.log]), /^sct\.invalid: .*does not verify with its key/)
})

t.test('sct.invalid: a promise of another certificate, or by another issuer', async t => {
  t.match(found(withValue(octets(counted(2, counted(2, stray))))), /^sct\.invalid/)
  const again = makeCertificate({ subject: 'authority', extensions: AUTHORITY })
  t.match(found(certified(log).der, [log.log], again), /^sct\.invalid/)
  const elsewhere = makeCertificate({ subject: '', by: again, extensions: SIGNER, logs: [log] })
  t.match(found(elsewhere.der, [log.log], issuer), /^sct\.invalid/)
})

t.test('sct.invalid: an algorithm that no log may use, and that of another key', async t => {
  for (const algorithm of [0x0203, 0x0103, 0x0400, 0x0402, 0x0808, 0x0000])
    t.match(found(certified(makeLog({ keys: log.keys, algorithm })).der), /^sct\.invalid/, String(algorithm))
})

t.test('time and extensions are signed', async t => {
  const keys = makeKeys()
  const extensions = hex('0000050000000003')
  const made = makeLog({ keys, extensions })
  t.strictSame(found(certified(made).der, [made.log]), { [made.log.id]: NOW })
  const change = (from: Uint8Array, to: Uint8Array): MadeLog => ({
    ...made,
    promise: (tbs, key) => {
      const sct = Buffer.from(made.promise(tbs, key)).toString('hex')
      return hex(sct.replace(Buffer.from(from).toString('hex'), Buffer.from(to).toString('hex')))
    },
  })
  const time = hex(NOW.toString(16).padStart(16, '0'))
  const later = hex((NOW + 1).toString(16).padStart(16, '0'))
  for (const changed of [
    change(time, later),
    change(counted(2, extensions), counted(2)),
    change(extensions, hex('0000050000000004')),
  ])
    t.match(found(certified(changed).der, [made.log]), /^sct\.invalid/)
})

t.test('sct.untrusted: the key of the log must have been in use when it promised, both ends included', async t => {
  const at = (validFor: TransparencyLog['validFor']) => found(certified(log).der, [{ ...log.log, validFor }])
  for (const validFor of [
    { from: NOW, until: undefined },
    { from: undefined, until: NOW },
    { from: NOW, until: NOW },
  ])
    t.strictSame(at(validFor), { [log.log.id]: NOW })
  t.match(
    at({ from: NOW + 1, until: undefined }),
    /^sct\.untrusted: expected .* in use at 2026-06-01T00:00:00\.000Z, got one by "https:\/\/log\.example\.test", whose key was in use from/,
  )
  t.match(at({ from: undefined, until: NOW - 1 }), /^sct\.untrusted/)
  const past = { ...log.log, validFor: { from: undefined, until: NOW - 1 } }
  t.strictSame(
    found(certified(log, other).der, [past, other.log]),
    { [other.log.id]: NOW + 1 },
    'another one may have been',
  )
  t.strictSame(found(certified(log).der, [past, log.log]), { [log.log.id]: NOW }, 'or the same one at another time')
})

t.test('limit.exceeded: at most so many promises', async t => {
  t.strictSame(found(certified(...Array(MOST_SCTS).fill(log)).der), { [log.log.id]: NOW })
  t.match(found(certified(...Array(MOST_SCTS + 1).fill(log)).der), /^limit\.exceeded: expected at most 8 promises/)
  t.match(found(certified(...Array(MOST_SCTS + 1).fill(makeLog({ version: 1 }))).der), /^limit\.exceeded/)
})

t.test('sct.invalid: a list that is cut, or holds more than it says', async t => {
  const sct = log.promise(Buffer.from('a certificate'), issuer.keys.publicKey)
  for (const value of [
    hex(''),
    hex('0500'),
    octets(),
    octets(hex('00')),
    octets(hex('0001')),
    octets(counted(2, hex('00'))),
    octets(counted(2, counted(2, sct)), hex('00')),
    octets(counted(2, counted(2, sct), hex('00'))),
    octets(counted(2, counted(2, sct, hex('00')))),
    octets(counted(2, counted(2, sct.subarray(0, -1)))),
    octets(counted(2, counted(2))),
    Buffer.concat([octets(counted(2, counted(2, sct))), hex('0500')]),
  ])
    t.match(found(withValue(value)), /^sct\.invalid/, Buffer.from(value.subarray(0, 8)).toString('hex'))
  t.match(found(certified(makeLog({ keys: log.keys, at: 2n ** 53n })).der), /^sct\.invalid: .*time that exists/)
  t.match(found(certified(makeLog({ keys: log.keys, at: 2n ** 53n - 1n })).der), { [log.log.id]: 2 ** 53 - 1 })
})

t.test('any bytes in place of the promises are refused, and nothing is thrown', async t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
      const list = octets(counted(2, counted(2, bytes)))
      return [bytes, octets(bytes), list].every(value => {
        const answer = found(withValue(value))
        return typeof answer === 'string' && answer.startsWith('sct.')
      })
    }),
    { numRuns: 100 },
  )
})
