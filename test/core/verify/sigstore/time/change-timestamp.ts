/** Timestamps that are others in one thing. */
import { createHash, sign } from 'node:crypto'
import { encodeDer, TAG } from '#core/verify/der.ts'
import {
  attribute,
  type Changes,
  essCertId,
  hashAlgorithm,
  issuerSerial,
  type Stamper,
  T,
  TYPE,
} from './make-timestamp.ts'

/** Who stamps, another whom the same root has certified, the root, and what is stamped. */
type Cast = {
  readonly tsa: Stamper
  readonly other: Stamper
  readonly root: { readonly der: Uint8Array; readonly issuer: Uint8Array }
  readonly signature: Uint8Array
}

const SIGNED_TYPE = { tag: TYPE.contentType, value: T.oid(TYPE.tstInfo) }

/** Each is wrong in one thing only, and refused for it. */
export function wrongOnes({
  tsa,
  other,
  root,
  signature,
}: Cast): Readonly<Record<string, readonly [Changes, string | RegExp]>> {
  const imprint = createHash('sha256').update(signature).digest()
  return {
    'status rejection': [
      { response: { status: T.seq(T.int(2)) } },
      'expected a timestamp that was granted, got status 2',
    ],
    'status waiting': [
      { response: { status: T.seq(T.int(3)) } },
      'expected a timestamp that was granted, got status 3',
    ],
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
      { response: { token: T.seq(T.oid('1.2.840.113549.1.7.1'), T.explicit(0, T.octets(signature))) } },
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
      { signer: { signature: T.octets(sign('sha256', signature, other.key)) } },
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
      { attributes: { messageDigest: attribute(TYPE.messageDigest, T.octets(imprint)) } },
      'expected the timestamp to hold what was signed, got other content',
    ],
    'a digest that is cut': [
      { attributes: { messageDigest: attribute(TYPE.messageDigest, T.octets(Buffer.of())) } },
      'expected the timestamp to hold what was signed, got other content',
    ],
    'the name of another certificate': [
      { attributes: { signingCertificate: attribute(TYPE.signingCertificateV2, T.seq(T.seq(essCertId(other.der)))) } },
      'expected the timestamp to name the certificate of its signer, got the name of another',
    ],
    'the name of another certificate first': [
      {
        attributes: {
          signingCertificate: attribute(
            TYPE.signingCertificateV2,
            T.seq(T.seq(essCertId(root.der), essCertId(tsa.der))),
          ),
        },
      },
      'expected the timestamp to name the certificate of its signer, got the name of another',
    ],
    'the name of another certificate, in the first version': [
      { attributes: { older: attribute(TYPE.signingCertificate, T.seq(T.seq(essCertId(other.der, 'sha1')))) } },
      'expected the timestamp to name the certificate of its signer, got the name of another',
    ],
    'the right hash and another number': [
      {
        attributes: {
          signingCertificate: attribute(
            TYPE.signingCertificateV2,
            T.seq(T.seq(essCertId(tsa.der, 'sha256', issuerSerial(other)))),
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
            T.seq(T.seq(essCertId(tsa.der))),
            T.seq(T.seq(essCertId(tsa.der))),
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
      { info: { imprint: T.seq(hashAlgorithm('sha384'), T.octets(imprint)) } },
      'expected a timestamp of this signature, got one of something else',
    ],
    'an imprint by SHA-1': [
      { info: { imprint: T.seq(hashAlgorithm('sha1'), T.octets(createHash('sha1').update(signature).digest())) } },
      'expected the hash of the imprint of the timestamp to be SHA-256, -384 or -512, got 1.3.14.3.2.26',
    ],
    'the beginning of the imprint': [
      { info: { imprint: T.seq(hashAlgorithm('sha256'), T.octets(imprint.subarray(0, 31))) } },
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
}

/** Each is another in one thing that does not count. */
export function irrelevantOnes({ tsa, root }: Cast): Readonly<Record<string, Changes>> {
  return {
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
          T.seq(T.seq(essCertId(tsa.der, 'sha256', issuerSerial(tsa)))),
        ),
      },
    },
    'a name by SHA-512': {
      attributes: {
        signingCertificate: attribute(TYPE.signingCertificateV2, T.seq(T.seq(essCertId(tsa.der, 'sha512')))),
      },
    },
    'a name by SHA-256, which is the default': {
      attributes: {
        signingCertificate: attribute(
          TYPE.signingCertificateV2,
          T.seq(T.seq(T.seq(hashAlgorithm('sha256'), T.octets(createHash('sha256').update(tsa.der).digest())))),
        ),
      },
    },
    'a name in the first version': {
      attributes: { signingCertificate: attribute(TYPE.signingCertificate, T.seq(T.seq(essCertId(tsa.der, 'sha1')))) },
    },
    'the names of the chain, and policies': {
      attributes: {
        signingCertificate: attribute(
          TYPE.signingCertificateV2,
          T.seq(T.seq(essCertId(tsa.der), essCertId(root.der)), T.seq(T.seq(T.oid('1.2.3')))),
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
    'the name of the authority': { info: { authority: T.explicit(0, T.explicit(4, root.issuer)) } },
    'an extension that need not be understood': {
      info: { extensions: T.explicit(1, T.seq(T.oid('1.2.3'), T.octets(Buffer.of(5, 0)))) },
    },
  }
}
