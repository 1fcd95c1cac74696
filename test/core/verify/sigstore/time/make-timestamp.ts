/**
 * Timestamps made on the spot, each part of them in the hands of the test: a part that is named in the changes takes the
 * place of the right one, and `undefined` leaves it out. What is made of the changed parts is digested and signed as it is.
 */
import { constants, createHash, generateKeyPairSync, type KeyObject, type SignKeyObjectInput, sign } from 'node:crypto'
import { encodeDer, TAG } from '#core/verify/der.ts'
import type { MadeCertificate } from './make-authority.ts'

type Part = Uint8Array | undefined

/** Parts by name, in the order in which they are written. */
type Parts = Readonly<Record<string, Part>>

export type Changes = {
  readonly info?: Parts
  readonly attributes?: Parts
  readonly signer?: Parts
  readonly data?: Parts
  readonly response?: Parts
  /** The hash of imprint, content and attributes. */
  readonly hash?: Hash
  readonly scheme?: SchemeName
  /** DER of the certificates sent along. */
  readonly certificates?: readonly Uint8Array[]
}

type Hash = 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512'

export type Stamper = MadeCertificate & { readonly key: KeyObject }

export const T = {
  seq: (...parts: readonly Part[]) => encodeDer(TAG.sequence, ...given(parts)),
  set: (...parts: readonly Part[]) => encodeDer(TAG.set, ...given(parts)),
  octets: (bytes: Uint8Array) => encodeDer(TAG.octetString, bytes),
  explicit: (number: number, ...parts: readonly Part[]) => encodeDer(0xa0 | number, ...given(parts)),
  nothing: () => encodeDer(TAG.null),
  time: (text: string) => encodeDer(TAG.generalizedTime, Buffer.from(text)),
  int: (value: number) => encodeDer(TAG.integer, Buffer.of(value)),
  bool: (value: boolean) => encodeDer(TAG.boolean, Buffer.of(value ? 0xff : 0)),
  oid,
}

function given(parts: readonly Part[]): readonly Uint8Array[] {
  return parts.filter(part => part !== undefined)
}

function oid(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  return encodeDer(TAG.oid, Buffer.from([first * 40 + second, ...rest].flatMap(base128)))
}

function base128(arc: number): readonly number[] {
  const digits = [arc & 0x7f]
  for (let left = arc >>> 7; left > 0; left >>>= 7) digits.unshift(0x80 | (left & 0x7f))
  return digits
}

const HASHES: Readonly<Record<Hash, string>> = {
  sha1: '1.3.14.3.2.26',
  sha224: '2.16.840.1.101.3.4.2.4',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
}

export function hashAlgorithm(hash: Hash): Uint8Array {
  return T.seq(T.oid(HASHES[hash]))
}

export const TYPE = {
  signedData: '1.2.840.113549.1.7.2',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
}

function pssParameters(hash: Hash, salt: number): Uint8Array {
  const mask = T.seq(T.oid('1.2.840.113549.1.1.8'), hashAlgorithm(hash))
  return T.seq(T.explicit(0, hashAlgorithm(hash)), T.explicit(1, mask), T.explicit(2, T.int(salt)))
}

type Scheme = {
  readonly algorithm: Uint8Array
  readonly hash: Hash | null
  readonly options?: Omit<SignKeyObjectInput, 'key'>
}

function pss(hash: Hash, salt: number): Scheme {
  const options = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: salt }
  return { algorithm: T.seq(T.oid('1.2.840.113549.1.1.10'), pssParameters(hash, salt)), hash, options }
}

export const SCHEMES = {
  'ecdsa-sha256': { algorithm: T.seq(T.oid('1.2.840.10045.4.3.2')), hash: 'sha256' },
  'ecdsa-sha384': { algorithm: T.seq(T.oid('1.2.840.10045.4.3.3')), hash: 'sha384' },
  'ecdsa-sha512': { algorithm: T.seq(T.oid('1.2.840.10045.4.3.4')), hash: 'sha512' },
  'ecdsa-sha1': { algorithm: T.seq(T.oid('1.2.840.10045.4.1')), hash: 'sha1' },
  'rsa-sha256': { algorithm: T.seq(T.oid('1.2.840.113549.1.1.11'), T.nothing()), hash: 'sha256' },
  'rsa-sha384': { algorithm: T.seq(T.oid('1.2.840.113549.1.1.12'), T.nothing()), hash: 'sha384' },
  'rsa-sha512': { algorithm: T.seq(T.oid('1.2.840.113549.1.1.13'), T.nothing()), hash: 'sha512' },
  'rsa-sha1': { algorithm: T.seq(T.oid('1.2.840.113549.1.1.5'), T.nothing()), hash: 'sha1' },
  /** rsaEncryption, over the hash that the content is digested with. */
  'rsa-plain': { algorithm: T.seq(T.oid('1.2.840.113549.1.1.1'), T.nothing()), hash: 'sha256' },
  'pss-sha256': pss('sha256', 32),
  'pss-sha384': pss('sha384', 48),
  'pss-sha512': pss('sha512', 64),
  'pss-sha1': pss('sha1', 20),
  'pss-no-salt': pss('sha256', 0),
  ed25519: { algorithm: T.seq(T.oid('1.3.101.112')), hash: null },
} as const satisfies Readonly<Record<string, Scheme>>

export type SchemeName = keyof typeof SCHEMES

/** A number, which the types of Node take for text. */
function asTyped(saltLength: number): string {
  return saltLength as unknown as string
}

export const KEYS = {
  p256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  p521: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  pss: () =>
    generateKeyPairSync('rsa-pss', {
      modulusLength: 2048,
      hashAlgorithm: 'sha256',
      mgf1HashAlgorithm: 'sha256',
      saltLength: asTyped(20),
    }),
  pss384: () =>
    generateKeyPairSync('rsa-pss', {
      modulusLength: 2048,
      hashAlgorithm: 'sha384',
      mgf1HashAlgorithm: 'sha384',
      saltLength: asTyped(48),
    }),
  ed25519: () => generateKeyPairSync('ed25519'),
}

/** The moment of what is made here, and of everything that the certificates are made around. */
export const AT = Date.parse('2026-11-21T09:52:49Z')

export function attribute(type: string, ...values: readonly Uint8Array[]): Uint8Array {
  return T.seq(T.oid(type), T.set(...values))
}

/** ESSCertIDv2 over the certificate, or ESSCertID where the hash is SHA-1. */
export function essCertId(der: Uint8Array, hash: Hash = 'sha256', ...issued: readonly Uint8Array[]): Uint8Array {
  const digest = T.octets(createHash(hash).update(der).digest())
  return T.seq(hash === 'sha1' || hash === 'sha256' ? undefined : hashAlgorithm(hash), digest, ...issued)
}

/** IssuerSerial. */
export function issuerSerial({ issuer, serial }: Pick<MadeCertificate, 'issuer' | 'serial'>): Uint8Array {
  return T.seq(T.seq(T.explicit(4, issuer)), encodeDer(TAG.integer, Buffer.from(serial, 'hex')))
}

/** issuerAndSerialNumber. */
export function nameByNumber({ issuer, serial }: Pick<MadeCertificate, 'issuer' | 'serial'>): Uint8Array {
  return T.seq(issuer, encodeDer(TAG.integer, Buffer.from(serial, 'hex')))
}

/** A response of `stamper` about `signature`, right in everything that is not changed. */
export function makeTimestamp(signature: Uint8Array, stamper: Stamper, changes: Changes = {}): Buffer {
  const { hash = 'sha256', response, certificates } = changes
  const content = sequence(infoOf(signature, hash), changes.info)
  const data = {
    version: T.int(3),
    digests: T.set(hashAlgorithm(hash)),
    content: T.seq(T.oid(TYPE.tstInfo), T.explicit(0, T.octets(content))),
    certificates: certificates === undefined ? undefined : T.explicit(0, ...certificates),
    lists: undefined,
    signers: T.set(makeSigner(content, stamper, changes)),
  }
  const token = T.seq(T.oid(TYPE.signedData), T.explicit(0, sequence(data, changes.data)))
  return Buffer.from(sequence({ status: T.seq(T.int(0)), token }, response))
}

function infoOf(signature: Uint8Array, hash: Hash): Parts {
  return {
    version: T.int(1),
    policy: T.oid('1.3.6.1.4.1.57264.2'),
    imprint: T.seq(hashAlgorithm(hash), T.octets(createHash(hash).update(signature).digest())),
    serial: T.int(7),
    time: T.time('20261121095249Z'),
    accuracy: undefined,
    ordering: undefined,
    nonce: undefined,
    authority: undefined,
    extensions: undefined,
  }
}

/** SignerInfo about these bytes. */
export function makeSigner(content: Uint8Array, stamper: Stamper, changes: Changes = {}): Uint8Array {
  const { hash = 'sha256', scheme = 'ecdsa-sha256' } = changes
  const attributes = {
    contentType: attribute(TYPE.contentType, T.oid(TYPE.tstInfo)),
    signingTime: attribute(TYPE.signingTime, T.time('20261121095249Z')),
    messageDigest: attribute(TYPE.messageDigest, T.octets(createHash(hash).update(content).digest())),
    signingCertificate: attribute(TYPE.signingCertificateV2, T.seq(T.seq(essCertId(stamper.der)))),
    ...changes.attributes,
  }
  const signed = given(Object.values(attributes))
  const { algorithm, hash: signedHash, options = {} } = SCHEMES[scheme] as Scheme
  const signer = {
    version: T.int(1),
    name: nameByNumber(stamper),
    digest: hashAlgorithm(hash),
    attributes: T.explicit(0, ...signed),
    algorithm,
    signature: T.octets(sign(signedHash, T.set(...signed), { key: stamper.key, ...options })),
    unsigned: undefined,
  }
  return sequence(signer, changes.signer)
}

function sequence(parts: Parts, changes: Parts = {}): Uint8Array {
  return T.seq(...Object.values({ ...parts, ...changes }))
}
