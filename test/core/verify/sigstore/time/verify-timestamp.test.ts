import { createHash, randomBytes, sign } from 'node:crypto'
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
import { encodeDer, TAG } from '#core/verify/der.ts'
import { TIMESTAMP_BYTES } from '#core/verify/sigstore/material.ts'
import { verifyTimestamp } from '#core/verify/sigstore/time/verify-timestamp.ts'
import { issue, makeIssuer, trustOf } from './make-authority.ts'
import {
  AT,
  attribute,
  type Changes,
  essCertId,
  hashAlgorithm,
  issuerSerial,
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

const SIGNED_TYPE = { tag: TYPE.contentType, value: T.oid(TYPE.tstInfo) }
const OTHER = await makeStamper('p256')
const IMPRINT = createHash('sha256').update(SIGNATURE).digest()

/** Each is wrong in one thing only. */
const WRONG: Readonly<Record<string, readonly [Changes, string | RegExp]>> = {
  'status rejection': [
    { response: { status: T.seq(T.int(2)) } },
    'expected a timestamp that was granted, got status 2',
  ],
  'status waiting': [{ response: { status: T.seq(T.int(3)) } }, 'expected a timestamp that was granted, got status 3'],
  'status below zero': [
    { response: { status: T.seq(T.int(0xff)) } },
    'expected a timestamp that was granted, got status -1',
  ],
  'a reason for failure beside a grant': [
    { response: { status: T.seq(T.int(0), encodeDer(TAG.bitString, Buffer.of(7, 0x80))) } },
    'expected nothing more in the status of the timestamp response',
  ],
  'no token': [{ response: { token: undefined } }, 'expected the token of the timestamp response, got nothing'],
  'something behind the token': [
    { response: { more: T.nothing() } },
    'expected nothing more in the timestamp response',
  ],
  'a token of another type': [
    { response: { token: T.seq(T.oid('1.2.840.113549.1.7.1'), T.explicit(0, T.octets(SIGNATURE))) } },
    /^expected content of the type 1\.2\.840\.113549\.1\.7\.2/,
  ],
  'a token of version 1': [{ data: { version: T.int(1) } }, 'expected the timestamp token to be of version 3'],
  'content of another type': [
    { data: { content: T.seq(T.oid('1.2.840.113549.1.7.1'), T.explicit(0, T.octets(Buffer.of(5, 0)))) } },
    /^expected content of the type 1\.2\.840\.113549\.1\.9\.16\.1\.4 in the timestamp token, got 1\.2\.840\.113549\.1\.7\.1$/,
  ],
  'no content': [{ data: { content: T.seq(T.oid(TYPE.tstInfo)) } }, /^expected the content of the timestamp token/],
  'digest algorithms without the signer’s': [
    { data: { digests: T.set(hashAlgorithm('sha512')) } },
    'expected the digest algorithms of the timestamp token to hold that of its signer',
  ],
  'no digest algorithms': [
    { data: { digests: T.set() } },
    /^expected the digest algorithms of the timestamp token to hold/,
  ],
  'lists of revoked certificates': [
    { data: { lists: T.explicit(1) } },
    /^expected the signers of the timestamp token to be set/,
  ],
  'no signer': [{ data: { signers: T.set() } }, 'expected one signer of the timestamp token, got 0'],
  'something behind the signers': [{ data: { more: T.nothing() } }, 'expected nothing more in the timestamp token'],
  'a signer of version 3, named by number': [
    { signer: { version: T.int(3) } },
    /^expected the signer of the timestamp to be named/,
  ],
  'a signer without signed attributes': [
    { signer: { attributes: undefined } },
    /^expected the signed attributes of the signer/,
  ],
  'a signature that is cut': [
    { signer: { signature: T.octets(Buffer.of(0x30, 0)) } },
    /^expected the signature of the timestamp to verify/,
  ],
  'an empty signature': [
    { signer: { signature: T.octets(Buffer.of()) } },
    /^expected the signature of the timestamp to verify/,
  ],
  'a signature by another key': [
    { signer: { signature: T.octets(sign('sha256', SIGNATURE, OTHER.key)) } },
    /^expected the signature of the timestamp to verify/,
  ],
  'something behind the signer': [
    { signer: { more: T.nothing() } },
    'expected nothing more in the signer of the timestamp',
  ],
  'no signed type': [
    { attributes: { contentType: undefined } },
    'expected the signed type of the content to be oid, got nothing',
  ],
  'another signed type': [
    { attributes: { contentType: attribute(TYPE.contentType, T.oid('1.2.840.113549.1.7.1')) } },
    /^expected the content to be signed as 1\.2\.840\.113549\.1\.9\.16\.1\.4, got 1\.2\.840\.113549\.1\.7\.1$/,
  ],
  'two signed types in one': [
    { attributes: { contentType: attribute(TYPE.contentType, SIGNED_TYPE.value, SIGNED_TYPE.value) } },
    'expected the signed type of the content to be oid, got nothing',
  ],
  'a signed attribute twice': [
    { attributes: { again: attribute(TYPE.contentType, SIGNED_TYPE.value) } },
    'expected the signed attribute 1.2.840.113549.1.9.3 once, got it twice',
  ],
  'no signed digest': [
    { attributes: { messageDigest: undefined } },
    'expected the signed digest of the content to be octetString, got nothing',
  ],
  'the digest of other content': [
    { attributes: { messageDigest: attribute(TYPE.messageDigest, T.octets(IMPRINT)) } },
    'expected the timestamp to hold what was signed, got other content',
  ],
  'a digest that is cut': [
    { attributes: { messageDigest: attribute(TYPE.messageDigest, T.octets(Buffer.of())) } },
    'expected the timestamp to hold what was signed, got other content',
  ],
  'the name of another certificate': [
    { attributes: { signingCertificate: attribute(TYPE.signingCertificateV2, T.seq(T.seq(essCertId(OTHER.der)))) } },
    'expected the timestamp to name the certificate of its signer, got the name of another',
  ],
  'the name of another certificate first': [
    {
      attributes: {
        signingCertificate: attribute(TYPE.signingCertificateV2, T.seq(T.seq(essCertId(ROOT.der), essCertId(TSA.der)))),
      },
    },
    'expected the timestamp to name the certificate of its signer, got the name of another',
  ],
  'the name of another certificate, in the first version': [
    { attributes: { older: attribute(TYPE.signingCertificate, T.seq(T.seq(essCertId(OTHER.der, 'sha1')))) } },
    'expected the timestamp to name the certificate of its signer, got the name of another',
  ],
  'the right hash and another number': [
    {
      attributes: {
        signingCertificate: attribute(
          TYPE.signingCertificateV2,
          T.seq(T.seq(essCertId(TSA.der, 'sha256', issuerSerial(OTHER)))),
        ),
      },
    },
    'expected the timestamp to name the certificate of its signer, got the name of another',
  ],
  'no certificate named in the name': [
    { attributes: { signingCertificate: attribute(TYPE.signingCertificateV2, T.seq(T.seq())) } },
    'expected the signing certificate of the timestamp to be sequence, got nothing',
  ],
  'two names in one': [
    {
      attributes: {
        signingCertificate: attribute(
          TYPE.signingCertificateV2,
          T.seq(T.seq(essCertId(TSA.der))),
          T.seq(T.seq(essCertId(TSA.der))),
        ),
      },
    },
    'expected the signing certificate of the timestamp once, got it 2 times',
  ],
  'a name by SHA-1 in the second version': [
    {
      attributes: {
        signingCertificate: attribute(
          TYPE.signingCertificateV2,
          T.seq(T.seq(T.seq(hashAlgorithm('sha1'), T.octets(Buffer.alloc(20))))),
        ),
      },
    },
    /^expected the hash of the signing certificate of the timestamp to be SHA-256/,
  ],
  'version 2': [{ info: { version: T.int(2) } }, 'expected a timestamp of version 1'],
  'no policy': [{ info: { policy: undefined } }, /^expected the policy of the timestamp to be oid/],
  'the imprint of something else': [
    { info: { imprint: T.seq(hashAlgorithm('sha256'), T.octets(Buffer.alloc(32))) } },
    'expected a timestamp of this signature, got one of something else',
  ],
  'the imprint under another hash': [
    { info: { imprint: T.seq(hashAlgorithm('sha384'), T.octets(IMPRINT)) } },
    'expected a timestamp of this signature, got one of something else',
  ],
  'an imprint by SHA-1': [
    { info: { imprint: T.seq(hashAlgorithm('sha1'), T.octets(createHash('sha1').update(SIGNATURE).digest())) } },
    'expected the hash of the imprint of the timestamp to be SHA-256, -384 or -512, got 1.3.14.3.2.26',
  ],
  'the beginning of the imprint': [
    { info: { imprint: T.seq(hashAlgorithm('sha256'), T.octets(IMPRINT.subarray(0, 31))) } },
    'expected a timestamp of this signature, got one of something else',
  ],
  'no serial number': [{ info: { serial: undefined } }, /^expected the serial number of the timestamp to be integer/],
  'a time of two digits’ years': [
    { info: { time: encodeDer(TAG.utcTime, Buffer.from('261121095249Z')) } },
    /^expected the time of the content of the timestamp to be generalizedTime/,
  ],
  'a time without seconds': [
    { info: { time: T.time('202611210952Z') } },
    /^expected the time of the timestamp to be a time/,
  ],
  'a time of another zone': [
    { info: { time: T.time('20261121095249+0100') } },
    /^expected the time of the timestamp to be a time/,
  ],
  'a time that ends in a zero': [
    { info: { time: T.time('20261121095249.50Z') } },
    /^expected the time of the timestamp to be a time/,
  ],
  'a time that does not exist': [
    { info: { time: T.time('20260230000000Z') } },
    /^expected the time of the timestamp to be a time that exists/,
  ],
  'an accuracy of something': [
    { info: { accuracy: T.seq(T.octets(Buffer.of(1))) } },
    'expected nothing more in the accuracy of the timestamp',
  ],
  'an ordering that is neither': [
    { info: { ordering: encodeDer(TAG.boolean, Buffer.of(1)) } },
    'expected the ordering of the timestamp to be 00 or ff',
  ],
  'an extension that must be understood': [
    { info: { extensions: T.explicit(1, T.seq(T.oid('1.2.3'), T.bool(true), T.octets(Buffer.of(5, 0)))) } },
    'expected no critical extension in the timestamp, got 1.2.3',
  ],
  'something behind the extensions': [
    { info: { more: T.nothing() } },
    'expected nothing more in the content of the timestamp',
  ],
}

for (const [name, [changes, detail]] of Object.entries(WRONG))
  t.test(`refuses ${name}`, async t => {
    const answer = verify(changes)
    t.match(answer, { kind: 'refusal', code: 'time.invalid' })
    t.match('detail' in answer ? answer.detail : '', detail)
  })

/** Each is another in one thing that does not count. */
const IRRELEVANT: Readonly<Record<string, Changes>> = {
  'granted with changes': { response: { status: T.seq(T.int(1)) } },
  'words beside the status': {
    response: { status: T.seq(T.int(0), T.seq(encodeDer(TAG.utf8String, Buffer.from('hello')))) },
  },
  'NULL beside the hash': { signer: { digest: T.seq(T.oid('2.16.840.1.101.3.4.2.1'), T.nothing()) } },
  'more digest algorithms': { data: { digests: T.set(hashAlgorithm('sha1'), hashAlgorithm('sha256')) } },
  'attributes that are not signed': { signer: { unsigned: T.explicit(1, attribute('1.2.3', T.nothing())) } },
  'an attribute that is not known': { attributes: { other: attribute('1.2.3', T.nothing()) } },
  'no signed time': { attributes: { signingTime: undefined } },
  'another signed time': { attributes: { signingTime: attribute(TYPE.signingTime, T.time('20300101000000Z')) } },
  'no name of the certificate': { attributes: { signingCertificate: undefined } },
  'a name with issuer and number': {
    attributes: {
      signingCertificate: attribute(
        TYPE.signingCertificateV2,
        T.seq(T.seq(essCertId(TSA.der, 'sha256', issuerSerial(TSA)))),
      ),
    },
  },
  'a name by SHA-512': {
    attributes: {
      signingCertificate: attribute(TYPE.signingCertificateV2, T.seq(T.seq(essCertId(TSA.der, 'sha512')))),
    },
  },
  'a name by SHA-256, which is the default': {
    attributes: {
      signingCertificate: attribute(
        TYPE.signingCertificateV2,
        T.seq(T.seq(T.seq(hashAlgorithm('sha256'), T.octets(createHash('sha256').update(TSA.der).digest())))),
      ),
    },
  },
  'a name in the first version': {
    attributes: { signingCertificate: attribute(TYPE.signingCertificate, T.seq(T.seq(essCertId(TSA.der, 'sha1')))) },
  },
  'the names of the chain, and policies': {
    attributes: {
      signingCertificate: attribute(
        TYPE.signingCertificateV2,
        T.seq(T.seq(essCertId(TSA.der), essCertId(ROOT.der)), T.seq(T.seq(T.oid('1.2.3')))),
      ),
    },
  },
  'another policy': { info: { policy: T.oid('2.5.29.32.0') } },
  'another serial number': { info: { serial: encodeDer(TAG.integer, Buffer.alloc(64, 1)) } },
  accuracy: { info: { accuracy: T.seq(T.int(1), encodeDer(0x80, Buffer.of(5)), encodeDer(0x81, Buffer.of(5))) } },
  'no accuracy within': { info: { accuracy: T.seq() } },
  ordering: { info: { ordering: T.bool(true) } },
  'no ordering, said aloud': { info: { ordering: T.bool(false) } },
  nonce: { info: { nonce: T.int(3) } },
  'the name of the authority': { info: { authority: T.explicit(0, T.explicit(4, ROOT.issuer)) } },
  'an extension that need not be understood': {
    info: { extensions: T.explicit(1, T.seq(T.oid('1.2.3'), T.octets(Buffer.of(5, 0)))) },
  },
}

t.test('what does not count does not count', async t => {
  for (const [name, changes] of Object.entries(IRRELEVANT)) t.strictSame(verify(changes), STAMPED, name)
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
