/** Trust roots made on the spot: as JSON that a test changes in one place before it is parsed. */
import { createHash, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { issueServingCertificate } from '#certs/presented/issue.ts'

export type Json = { [key: string]: unknown }

const KEYS = {
  p256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  p521: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  k256: () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
  ed25519: () => generateKeyPairSync('ed25519'),
  rsa2048: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  rsa3072: () => generateKeyPairSync('rsa', { modulusLength: 3072 }),
}

export type KeyName = keyof typeof KEYS

const made = new Map<KeyName, KeyObject>()

/** One key of each kind for all tests of a file: they take long to make. */
export function publicKey(name: KeyName): KeyObject {
  const key = made.get(name) ?? KEYS[name]().publicKey
  made.set(name, key)
  return key
}

export function spki(name: KeyName): Buffer {
  return publicKey(name).export({ format: 'der', type: 'spki' })
}

/** A log as Sigstore's public instance writes it down. */
export function makeLog(key: KeyName = 'p256', keyDetails = 'PKIX_ECDSA_P256_SHA_256'): Json {
  return {
    baseUrl: `https://${key}.log.example`,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: spki(key).toString('base64'),
      keyDetails,
      validFor: { start: '2021-01-12T11:53:27.000Z' },
    },
    logId: { keyId: createHash('sha256').update(spki(key)).digest('base64') },
  }
}

const { ca } = await issueServingCertificate(['authority.example'], 1000, new Date('2026-11-21T10:00:00Z'))
export const CERTIFICATE = new X509Certificate(ca).raw.toString('base64')

export function makeAuthority(): Json {
  return {
    subject: { organization: 'example', commonName: 'root' },
    uri: 'https://authority.example',
    certChain: { certificates: [{ rawBytes: CERTIFICATE }] },
    validFor: { start: '2021-03-07T03:20:29.000Z', end: '2022-12-31T23:59:59.999Z' },
  }
}

export function makeTrustedRoot(members: Json = {}): Json {
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [makeLog()],
    certificateAuthorities: [makeAuthority()],
    ctlogs: [makeLog('p384', 'PKIX_ECDSA_P384_SHA_384')],
    timestampAuthorities: [makeAuthority()],
    ...members,
  }
}

export function toBytes(json: unknown): Buffer {
  return Buffer.from(JSON.stringify(json))
}
