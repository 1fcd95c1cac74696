/** Timestamp authorities made on the spot: a root, certificates below it, and the trust root that names them. */
import 'reflect-metadata'
import { KeyObject, randomBytes, webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { CertificateAuthority, TrustRoot, Validity } from '#core/domain/trust-root.ts'
import { decodeDer, itemsOf } from '#core/verify/der.ts'

export type MadeCertificate = {
  readonly der: Uint8Array
  /** The name of who issued it, in DER. */
  readonly issuer: Uint8Array
  /** Hex digits as they are encoded. */
  readonly serial: string
}

export type Issuer = MadeCertificate & { readonly name: string; readonly signingKey: webcrypto.CryptoKey }

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'

type Order = {
  readonly subject?: string
  readonly serial?: string
  readonly from?: string
  readonly until?: string
  readonly extensions?: readonly Extension[]
}

export const BASIC = new BasicConstraintsExtension(false, undefined, true)
export const SIGNING = new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true)
export const STAMPING = new ExtendedKeyUsageExtension([TIME_STAMPING], true)

/** What a certificate has that stamps. */
export const STAMPER: readonly Extension[] = [BASIC, SIGNING, STAMPING]

const AUTHORITY: readonly Extension[] = [
  new BasicConstraintsExtension(true, undefined, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
]

/** A certificate for the key, under the issuer. */
export async function issue(publicKey: KeyObject, issuer: Issuer, order: Order = {}): Promise<MadeCertificate> {
  const { subject = 'CN=tsa', serial = serialNumber(), extensions = STAMPER } = order
  const made = await X509CertificateGenerator.create({
    serialNumber: serial,
    subject,
    issuer: issuer.name,
    ...lifeOf(order),
    publicKey: publicKey.export({ format: 'der', type: 'spki' }),
    signingKey: issuer.signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [...extensions],
  })
  return madeOf(new Uint8Array(made.rawData))
}

/** An authority: of itself, or under another one. */
export async function makeIssuer(name: string, above?: Issuer, order: Order = {}): Promise<Issuer> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const publicKey = KeyObject.from(keys.publicKey)
  const self = { name, signingKey: keys.privateKey }
  const made = await issue(publicKey, above ?? ({ ...self } as Issuer), {
    subject: name,
    extensions: AUTHORITY,
    ...order,
  })
  return { ...made, ...self }
}

function lifeOf({ from = '2026-01-01', until = '2030-01-01' }: Order): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(from), notAfter: new Date(until) }
}

function madeOf(der: Uint8Array): MadeCertificate {
  const [signed] = itemsOf(decodeDer(der, 'made'), 'made')
  const fields = signed === undefined ? [] : itemsOf(signed, 'made')
  const [, serial, , issuer] = fields
  if (serial === undefined || issuer === undefined) throw new TypeError('expected a certificate')
  return { der, issuer: issuer.bytes, serial: Buffer.from(serial.content).toString('hex') }
}

function serialNumber(): string {
  return `40${randomBytes(15).toString('hex')}`
}

/** Trusts authorities with these chains, the one that stamps (or issues) first. */
export function trustOf(...chains: readonly (readonly MadeCertificate[])[]): TrustRoot {
  return trustRoot(chains.map((chain, index) => authorityOf(chain, `authority ${index}`)))
}

export function authorityOf(
  chain: readonly MadeCertificate[],
  name: string,
  validFor: Validity = ALWAYS,
): CertificateAuthority {
  return { name, chain: chain.map(({ der }) => Buffer.from(der).toString('base64')), validFor }
}

export function trustRoot(timestampAuthorities: readonly CertificateAuthority[]): TrustRoot {
  return { name: 'made', version: '', authorities: [], timestampAuthorities, logs: [], certificateLogs: [] }
}

const ALWAYS: Validity = { from: undefined, until: undefined }
