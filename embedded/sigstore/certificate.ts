/** Writes X.509 certificates (RFC 5280) of whatever content, wrong ones included: nothing is checked here. */
import type { KeyObject } from 'node:crypto'
import { randomBytes, sign } from 'node:crypto'
import { bits, integer, octets, oid, sequence, setOf, tagged, utcTime, utf8, yes } from './der.ts'
import type { Extension } from './extensions.ts'
import { spkiOf } from './key-pair.ts'

export type Name = { readonly organization: string; readonly commonName: string }
export type Life = { readonly notBefore: Date; readonly notAfter: Date }

export type CertificateContent = Life & {
  readonly serial: Uint8Array
  readonly issuer: Name
  /** Left out by Fulcio: who it is stands in the subject alternative name. */
  readonly subject: Name | undefined
  readonly publicKey: KeyObject
  readonly extensions: readonly Extension[]
}

/** 160 random bits less the sign, as RFC 5280, section 4.1.2.2, allows at most. */
export function makeSerial(): Uint8Array {
  const serial = randomBytes(20)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial
}

/** The part that is signed; `signer` says which algorithm it names. */
export function encodeTbs(content: CertificateContent, signer: KeyObject): Uint8Array {
  const { serial, issuer, subject, notBefore, notAfter, publicKey, extensions } = content
  return sequence(
    tagged(0, integer(2)),
    integer(serial),
    algorithmOf(signer),
    encodeName(issuer),
    sequence(utcTime(notBefore), utcTime(notAfter)),
    subject === undefined ? sequence() : encodeName(subject),
    spkiOf(publicKey),
    tagged(3, sequence(...extensions.map(encodeExtension))),
  )
}

export function encodeCertificate(content: CertificateContent, signer: KeyObject): Uint8Array {
  const tbs = encodeTbs(content, signer)
  return sequence(tbs, algorithmOf(signer), bits(sign(hashOf(signer), tbs, signer)))
}

export function encodeName({ organization, commonName }: Name): Uint8Array {
  return sequence(
    setOf([sequence(oid('2.5.4.10'), utf8(organization))]),
    setOf([sequence(oid('2.5.4.3'), utf8(commonName))]),
  )
}

/** As cosign writes it into annotations and log entries. */
export function encodePem(label: 'CERTIFICATE' | 'PUBLIC KEY', der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function encodeExtension({ id, critical, value }: Extension): Uint8Array {
  return critical ? sequence(oid(id), yes(), octets(value)) : sequence(oid(id), octets(value))
}

function isP384(key: KeyObject): boolean {
  return key.asymmetricKeyDetails?.namedCurve === 'secp384r1'
}

function hashOf(signer: KeyObject): string {
  return isP384(signer) ? 'sha384' : 'sha256'
}

/** RFC 5758, section 3.2: ecdsa-with-SHA256 or -SHA384. */
function algorithmOf(signer: KeyObject): Uint8Array {
  return sequence(oid(isP384(signer) ? '1.2.840.10045.4.3.3' : '1.2.840.10045.4.3.2'))
}
