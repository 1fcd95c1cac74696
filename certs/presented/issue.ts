/** A certification authority of our own and a serving certificate under it, made on the spot and kept by nobody else. */
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { ServingCertificate } from './serving-certificate.ts'

/** ECDSA P-256 with SHA-256: every TLS stack that an API server may have knows it. */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** How far the clock of the API server may be behind ours without taking the certificate for one of the future. */
const CLOCK_SKEW_MS = 5 * 60 * 1000

export type Issued = ServingCertificate & {
  /** What the webhook configuration carries as its caBundle. */
  readonly ca: string
}

type Life = { readonly notBefore: Date; readonly notAfter: Date }

/**
 * Issues both, valid from now for `lifeMs`. The key of the authority is forgotten on return, so nothing else can ever
 * be signed with it: whoever trusts the authority trusts this one certificate.
 */
export async function issueServingCertificate(hosts: readonly string[], lifeMs: number, now: Date): Promise<Issued> {
  const life = { notBefore: new Date(now.getTime() - CLOCK_SKEW_MS), notAfter: new Date(now.getTime() + lifeMs) }
  const caKeys = await makeKeys()
  const keys = await makeKeys()
  const ca = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: ['shedu serving CA'] }],
    ...life,
    signingAlgorithm: ALGORITHM,
    keys: caKeys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  })
  const leaf = await issueLeaf(hosts, life, caKeys, keys)
  return { ca: `${ca.toString('pem')}\n`, cert: `${leaf}\n`, key: await privateKeyPem(keys), notAfter: life.notAfter }
}

async function issueLeaf(
  hosts: readonly string[],
  life: Life,
  caKeys: CryptoKeyPair,
  keys: CryptoKeyPair,
): Promise<string> {
  const leaf = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: ['shedu webhook'] }],
    issuer: [{ CN: ['shedu serving CA'] }],
    ...life,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(hosts.map(nameOf)),
      await AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return leaf.toString('pem')
}

type CryptoKeyPair = webcrypto.CryptoKeyPair

function makeKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

function nameOf(host: string): { type: 'ip' | 'dns'; value: string } {
  return { type: isIP(host) === 0 ? 'dns' : 'ip', value: host }
}

/** RFC 5280, 4.1.2.2: positive, at most 20 octets. A first octet of 01 to 7f keeps the sign bit clear and the length fixed. */
function serialNumber(): string {
  const octets = randomBytes(16)
  octets[0] = ((octets[0] as number) & 0x7f) | 0x01
  return octets.toString('hex')
}

async function privateKeyPem(keys: CryptoKeyPair): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')}\n`
}
