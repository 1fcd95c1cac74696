import { randomBytes } from 'node:crypto'
import {
  CertificateChoices,
  CertificateSet,
  CMSVersion,
  ContentInfo,
  EncapsulatedContent,
  EncapsulatedContentInfo,
  SignedData,
} from '@peculiar/asn1-cms'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import { TimeStampResp } from '@peculiar/asn1-tsp'
import { Certificate } from '@peculiar/asn1-x509'
import fc from 'fast-check'
import t from 'tap'
import { encodeDer } from '#core/verify/der.ts'
import { TIMESTAMP_BYTES } from '#core/verify/sigstore/material.ts'
import { verifyTimestamp } from '#core/verify/sigstore/time/verify-timestamp.ts'
import { irrelevantOnes, wrongOnes } from './change-timestamp.ts'
import { issue, makeIssuer, trustOf } from './make-authority.ts'
import {
  AT,
  type Changes,
  KEYS,
  makeSigner,
  makeTimestamp,
  nameByNumber,
  SCHEMES,
  type SchemeName,
  type Stamper,
  T,
  TYPE,
} from './make-timestamp.ts'

const SIGNATURE = randomBytes(70)

const ROOT = await makeIssuer('CN=root')

async function makeStamper(name: keyof typeof KEYS): Promise<Stamper> {
  const { publicKey, privateKey } = KEYS[name]()
  return { ...(await issue(publicKey, ROOT)), key: privateKey }
}

const STAMPERS = {
  p256: await makeStamper('p256'),
  p384: await makeStamper('p384'),
  p521: await makeStamper('p521'),
  rsa: await makeStamper('rsa'),
  pss: await makeStamper('pss'),
  pss384: await makeStamper('pss384'),
  ed25519: await makeStamper('ed25519'),
}

const TSA = STAMPERS.p256
const TRUST = trustOf([TSA, ROOT])
const STAMPED = { kind: 'stamped', authority: 'authority 0', at: AT }

function verify(changes: Changes, stamper: Stamper = TSA, trust = TRUST) {
  return verifyTimestamp(makeTimestamp(SIGNATURE, stamper, changes), SIGNATURE, trust)
}

t.test('a timestamp is of its signature, whoever made it and by whatever algorithm', async t => {
  const kinds: readonly (readonly [keyof typeof STAMPERS, SchemeName, Changes['hash']])[] = [
    ['p256', 'ecdsa-sha256', 'sha256'],
    ['p256', 'ecdsa-sha512', 'sha384'],
    ['p384', 'ecdsa-sha384', 'sha384'],
    ['p521', 'ecdsa-sha512', 'sha512'],
    ['rsa', 'rsa-sha256', 'sha256'],
    ['rsa', 'rsa-sha384', 'sha256'],
    ['rsa', 'rsa-sha512', 'sha512'],
    ['rsa', 'rsa-plain', 'sha256'],
    ['rsa', 'pss-sha256', 'sha256'],
    ['rsa', 'pss-sha384', 'sha384'],
    ['rsa', 'pss-sha512', 'sha512'],
    ['pss', 'pss-sha256', 'sha256'],
    ['pss384', 'pss-sha384', 'sha384'],
    ['ed25519', 'ed25519', 'sha512'],
  ]
  for (const [key, scheme, hash = 'sha256'] of kinds) {
    const stamper = STAMPERS[key]
    t.strictSame(verify({ scheme, hash }, stamper, trustOf([stamper, ROOT])), STAMPED, `${key} ${scheme} ${hash}`)
  }
})

t.test('refuses other algorithms, and those that the key is not for', async t => {
  const kinds: readonly (readonly [keyof typeof STAMPERS, Changes, RegExp])[] = [
    [
      'p256',
      { scheme: 'ecdsa-sha1' },
      /^expected the signature algorithm of the timestamp to be ECDSA.*, got 1\.2\.840\.10045\.4\.1$/,
    ],
    ['rsa', { scheme: 'rsa-sha1' }, /got 1\.2\.840\.113549\.1\.1\.5$/],
    ['rsa', { scheme: 'pss-sha1' }, /^expected PSS over SHA-2/],
    ['rsa', { scheme: 'pss-no-salt' }, /^expected PSS with a salt as long as its hash, got 0$/],
    [
      'p256',
      { hash: 'sha1' },
      /^expected the digest algorithm of the signer of the timestamp to be SHA-256, -384 or -512, got 1\.3\.14\.3\.2\.26$/,
    ],
    ['p256', { hash: 'sha224' }, /^expected the digest algorithm/],
    [
      'p256',
      { signer: { algorithm: SCHEMES['rsa-sha256'].algorithm } },
      /^expected the signature of the timestamp to verify/,
    ],
    [
      'p256',
      { signer: { algorithm: SCHEMES.ed25519.algorithm } },
      /^expected the signature of the timestamp to verify/,
    ],
    ['rsa', { signer: { algorithm: SCHEMES['ecdsa-sha256'].algorithm } }, /to verify/],
    ['rsa', { scheme: 'rsa-sha256', signer: { algorithm: SCHEMES['pss-sha256'].algorithm } }, /to verify/],
    ['rsa', { scheme: 'pss-sha256', signer: { algorithm: SCHEMES['rsa-sha256'].algorithm } }, /to verify/],
    ['pss', { scheme: 'pss-sha256', signer: { algorithm: SCHEMES['rsa-sha256'].algorithm } }, /to verify/],
    ['pss', { scheme: 'pss-sha256', signer: { algorithm: SCHEMES['pss-sha384'].algorithm } }, /to verify/],
    ['pss384', { scheme: 'pss-sha384', signer: { algorithm: SCHEMES['pss-sha256'].algorithm } }, /to verify/],
    ['ed25519', { scheme: 'ed25519', signer: { algorithm: SCHEMES['ecdsa-sha256'].algorithm } }, /to verify/],
    [
      'p256',
      { signer: { algorithm: T.seq(T.oid('1.2.840.10045.4.3.2'), T.int(1)) } },
      /^expected no parameters beside the signature algorithm/,
    ],
    [
      'p256',
      { signer: { algorithm: T.seq(T.oid('1.2.840.10045.4.3.2'), T.nothing(), T.nothing()) } },
      /^expected nothing more in the signature algorithm/,
    ],
    [
      'p256',
      { signer: { algorithm: T.seq(T.oid('1.2.840.113549.1.1.10')) } },
      /^expected the parameters of PSS to be sequence, got nothing$/,
    ],
  ]
  for (const [key, changes, detail] of kinds) {
    const stamper = STAMPERS[key]
    t.match(verify(changes, stamper, trustOf([stamper, ROOT])), { code: 'time.invalid', detail }, String(detail))
  }
})

const OTHER = await makeStamper('p256')
const CAST = { tsa: TSA, other: OTHER, root: ROOT, signature: SIGNATURE }

for (const [name, [changes, detail]] of Object.entries(wrongOnes(CAST)))
  t.test(`refuses ${name}`, async t => {
    const answer = verify(changes)
    t.match(answer, { kind: 'refusal', code: 'time.invalid' })
    t.match('detail' in answer ? answer.detail : '', detail)
  })

t.test('what does not count does not count', async t => {
  for (const [name, changes] of Object.entries(irrelevantOnes(CAST))) t.strictSame(verify(changes), STAMPED, name)
})

t.test('two signers are refused, whichever of them is the authority', async t => {
  const content = T.seq()
  const [first, second] = [makeSigner(content, TSA), makeSigner(content, OTHER)]
  for (const signers of [T.set(first, second), T.set(second, first), T.set(first, first)])
    t.match(verify({ data: { signers } }), {
      code: 'time.invalid',
      detail: 'expected one signer of the timestamp token, got 2',
    })
})

t.test('the time may have a fraction, which is cut off below milliseconds', async t => {
  const at = (time: string) => {
    const answer = verify({ info: { time: T.time(time) } })
    return answer.kind === 'stamped' ? answer.at - AT : answer.detail
  }
  t.equal(at('20261121095249Z'), 0)
  t.equal(at('20261121095249.1Z'), 100)
  t.equal(at('20261121095249.12Z'), 120)
  t.equal(at('20261121095249.123Z'), 123)
  t.equal(at('20261121095249.1239Z'), 123)
  t.equal(at('20261121095249.12345Z'), 123)
  t.equal(at('20261121095249.123456Z'), 123)
  t.equal(at('20261121095249.000001Z'), 0)
  t.type(at('20261121095249.Z'), 'string')
  t.type(at('20261121095249,5Z'), 'string')
})

t.test('a timestamp as another encoder writes it is one too', async t => {
  const made = makeTimestamp(SIGNATURE, TSA, { certificates: [TSA.der] })
  const response = AsnConvert.parse(made, TimeStampResp)
  t.equal(response.status.status, 0)
  const token = AsnConvert.parse(AsnConvert.serialize(response.timeStampToken as object), ContentInfo)
  const data = AsnConvert.parse(token.content, SignedData)
  t.equal(data.signerInfos.length, 1)
  const again = new SignedData({
    version: CMSVersion.v3,
    digestAlgorithms: data.digestAlgorithms,
    encapContentInfo: new EncapsulatedContentInfo({
      eContentType: TYPE.tstInfo,
      eContent: new EncapsulatedContent({
        single: new OctetString(data.encapContentInfo.eContent?.single?.buffer ?? new ArrayBuffer(0)),
      }),
    }),
    certificates: new CertificateSet([new CertificateChoices({ certificate: AsnConvert.parse(TSA.der, Certificate) })]),
    signerInfos: data.signerInfos,
  })
  token.content = AsnConvert.serialize(again)
  const bytes = T.seq(T.seq(T.int(0)), new Uint8Array(AsnConvert.serialize(token)))
  t.strictSame(verifyTimestamp(bytes, SIGNATURE, TRUST), STAMPED)
})

t.test('reads a response that is as long as it may be, and none that is longer', async t => {
  const padded = (bytes: number) => {
    const more = (length: number) => ({ signer: { unsigned: T.explicit(1, T.octets(Buffer.alloc(length))) } })
    const around = makeTimestamp(SIGNATURE, TSA, more(TIMESTAMP_BYTES / 2)).length - TIMESTAMP_BYTES / 2
    return makeTimestamp(SIGNATURE, TSA, more(bytes - around))
  }
  // The signature of ECDSA has one of three lengths.
  const largest = tries(
    () => padded(TIMESTAMP_BYTES),
    bytes => bytes.length === TIMESTAMP_BYTES,
  )
  t.strictSame(verifyTimestamp(largest, SIGNATURE, TRUST), STAMPED)
  const larger = tries(
    () => padded(TIMESTAMP_BYTES + 1),
    bytes => bytes.length === TIMESTAMP_BYTES + 1,
  )
  t.match(verifyTimestamp(larger, SIGNATURE, TRUST), {
    code: 'limit.exceeded',
    detail: 'expected at most 32768 bytes of the timestamp response, got 32769',
  })
})

function tries<T>(make: () => T, isRight: (made: T) => boolean): T {
  for (;;) {
    const made = make()
    if (isRight(made)) return made
  }
}

t.test('whatever the bytes are, the answer is a refusal', async t => {
  const made = makeTimestamp(SIGNATURE, TSA)
  const refuses = (bytes: Uint8Array) => verifyTimestamp(bytes, SIGNATURE, TRUST).kind === 'refusal'
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), refuses))
  const cuts = fc.record({
    at: fc.nat(made.length - 1),
    length: fc.integer({ min: 1, max: 40 }),
    put: fc.uint8Array({ maxLength: 40 }),
  })
  fc.assert(
    fc.property(cuts, ({ at, length, put }) => {
      const bytes = Buffer.concat([made.subarray(0, at), put, made.subarray(at + length)])
      return bytes.equals(made) || isStatus(bytes, made) || refuses(bytes)
    }),
    { numRuns: 500 },
  )
})

/** Granted with changes: the one byte that may be another. */
function isStatus(bytes: Buffer, made: Buffer): boolean {
  const at = made.indexOf(T.seq(T.int(0))) + 4
  return bytes.length === made.length && bytes[at] === 1 && bytes.subarray(at + 1).equals(made.subarray(at + 1))
}

t.test('a signer may be named by what its certificate calls its key', async t => {
  t.match(verify({ signer: { version: T.int(3), name: encodeDer(0x80, Buffer.alloc(20)) } }), {
    code: 'time.untrusted',
    detail: `expected a timestamp by an authority of the trust root "made", got one by a certificate with the key ${'00'.repeat(20)}`,
  })
  t.match(verify({ signer: { name: nameByNumber(OTHER) } }), { code: 'time.untrusted', detail: /with the number 40/ })
})
