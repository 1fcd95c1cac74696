/** Certification authorities of our own, made for one test and forgotten with it. */
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

const HOUR_MS = 60 * 60 * 1000

/** Both in PEM; the key is an unencrypted PKCS#8. */
export type Pair = { readonly cert: string; readonly key: string }

type Holder = {
  readonly commonName: string
  /** Kubernetes reads the groups of a user from here. */
  readonly organization?: string
}

/** What a certificate is for, and the extensions that say so. */
const PURPOSES = {
  /** Serves on the loopback address and is a client to others. */
  loopback: (): readonly Extension[] => [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    new SubjectAlternativeNameExtension([
      { type: 'ip', value: '127.0.0.1' },
      { type: 'dns', value: 'localhost' },
    ]),
  ],
  /** RFC 3161 §2.3: this purpose alone, and critical. */
  'time-stamping': (): readonly Extension[] => [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.timeStamping], true),
  ],
  /** The authority below a root that issues to whoever signs code; there is none below it. */
  'code-signing authority': (): readonly Extension[] => [
    new BasicConstraintsExtension(true, 0, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.codeSigning]),
  ],
} as const

export type Authority = Pair & {
  readonly issue: (holder: Holder, purpose: keyof typeof PURPOSES) => Promise<Pair>
}

/** Makes a root authority that is valid for a day. */
export async function makeAuthority(commonName: string): Promise<Authority> {
  const keys = await makeKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...serialAndLife(),
    name: [{ CN: [commonName] }],
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const issue: Authority['issue'] = (holder, purpose) => issueUnder(commonName, keys, holder, PURPOSES[purpose]())
  return { cert: pemOf('CERTIFICATE', certificate.rawData), key: await keyPem(keys), issue }
}

/** A key pair in PEM, for what signs without a certificate. */
export async function makeKeyPair(): Promise<{ readonly publicKey: string; readonly privateKey: string }> {
  const keys = await makeKeys()
  const spki = await webcrypto.subtle.exportKey('spki', keys.publicKey)
  return { publicKey: pemOf('PUBLIC KEY', spki), privateKey: await keyPem(keys) }
}

async function issueUnder(
  issuer: string,
  issuing: webcrypto.CryptoKeyPair,
  { commonName, organization }: Holder,
  extensions: readonly Extension[],
): Promise<Pair> {
  const keys = await makeKeys()
  const certificate = await X509CertificateGenerator.create({
    ...serialAndLife(),
    subject: [{ CN: [commonName] }, ...(organization === undefined ? [] : [{ O: [organization] }])],
    issuer: [{ CN: [issuer] }],
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: issuing.privateKey,
    extensions: [
      ...extensions,
      await AuthorityKeyIdentifierExtension.create(issuing.publicKey),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { cert: pemOf('CERTIFICATE', certificate.rawData), key: await keyPem(keys) }
}

function serialAndLife() {
  const now = Date.now()
  const life = { notBefore: new Date(now - HOUR_MS), notAfter: new Date(now + 24 * HOUR_MS) }
  // The first bit of the serial number is its sign, and RFC 5280 §4.1.2.2 wants it positive and not zero.
  const [first = 0, ...others] = randomBytes(16)
  const serial = Buffer.from([(first & 0x7f) | 0x40, ...others])
  return { ...life, serialNumber: serial.toString('hex') }
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function keyPem({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  return pemOf('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', privateKey))
}

/** With a line break at its end: files of several are made by writing them one after the other. */
function pemOf(label: string, bytes: ArrayBuffer): string {
  return `${PemConverter.encode(bytes, label)}\n`
}
