/** Certificate extensions: those of RFC 5280, and those of Fulcio (its docs/oid-info.md). */
import type { KeyObject } from 'node:crypto'
import { createHash } from 'node:crypto'
import { bits, integer, octets, oid, sequence, tagged, taggedPrimitive, utf8, yes } from './der.ts'
import { spkiOf } from './key-pair.ts'

export type Extension = { readonly id: string; readonly critical: boolean; readonly value: Uint8Array }

export const ID = {
  subjectKey: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKey: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  issuerV1: '1.3.6.1.4.1.57264.1.1',
  issuerV2: '1.3.6.1.4.1.57264.1.8',
  sctList: '1.3.6.1.4.1.11129.2.4.2',
} as const

/** What Fulcio calls the claims of a CI job, and the last arc of the OID that each stands in. */
export const CLAIMS = {
  buildSignerURI: 9,
  buildSignerDigest: 10,
  runnerEnvironment: 11,
  sourceRepositoryURI: 12,
  sourceRepositoryDigest: 13,
  sourceRepositoryRef: 14,
  sourceRepositoryIdentifier: 15,
  sourceRepositoryOwnerURI: 16,
  sourceRepositoryOwnerIdentifier: 17,
  buildConfigURI: 18,
  buildConfigDigest: 19,
  buildTrigger: 20,
  runInvocationURI: 21,
  sourceRepositoryVisibilityAtSigning: 22,
} as const
export type Claim = keyof typeof CLAIMS

/** The named bits that occur here, as the one byte of the bit string and what is unused of it. */
const USAGES = {
  digitalSignature: [0x80, 7],
  keyEncipherment: [0x20, 5],
  certSign: [0x06, 1],
  crlSign: [0x02, 1],
} as const

export function keyUsage(usage: keyof typeof USAGES): Extension {
  const [byte, unused] = USAGES[usage]
  return { id: ID.keyUsage, critical: true, value: bits(Buffer.from([byte]), unused) }
}

const PURPOSES = { serverAuth: 1, codeSigning: 3, timeStamping: 8 } as const

export function extendedKeyUsage(purpose: keyof typeof PURPOSES, critical = false): Extension {
  const value = sequence(oid(`1.3.6.1.5.5.7.3.${PURPOSES[purpose]}`))
  return { id: ID.extendedKeyUsage, critical, value }
}

export function basicConstraints(isCa: boolean, pathLength?: number): Extension {
  const parts = [...(isCa ? [yes()] : []), ...(pathLength === undefined ? [] : [integer(pathLength)])]
  return { id: ID.basicConstraints, critical: true, value: sequence(...parts) }
}

export function subjectKey(key: KeyObject): Extension {
  return { id: ID.subjectKey, critical: false, value: octets(keyIdOf(key)) }
}

export function authorityKey(key: KeyObject): Extension {
  return { id: ID.authorityKey, critical: false, value: sequence(taggedPrimitive(0, keyIdOf(key))) }
}

/** Critical, because the subject is empty (RFC 5280, section 4.2.1.6). */
export function subjectAltName(...names: readonly Uint8Array[]): Extension {
  return { id: ID.subjectAltName, critical: true, value: sequence(...names) }
}

/** A URI, or an address where there is an @ and no scheme. */
export function generalName(subject: string): Uint8Array {
  const isAddress = subject.includes('@') && !subject.includes('://')
  return taggedPrimitive(isAddress ? 1 : 6, Buffer.from(subject))
}

/** How Fulcio writes a user name that is no address: otherName 1.3.6.1.4.1.57264.1.7. */
export function userName(name: string): Uint8Array {
  return tagged(0, oid('1.3.6.1.4.1.57264.1.7'), tagged(0, utf8(name)))
}

/** The older form: the bare text, no DER string at all. */
export function issuerV1(issuer: string): Extension {
  return { id: ID.issuerV1, critical: false, value: Buffer.from(issuer) }
}

export function issuerV2(issuer: string): Extension {
  return { id: ID.issuerV2, critical: false, value: utf8(issuer) }
}

export function claim(name: Claim, text: string): Extension {
  return { id: `1.3.6.1.4.1.57264.1.${CLAIMS[name]}`, critical: false, value: utf8(text) }
}

/** RFC 5280, section 4.2.1.2, method 1: SHA-1 of the bits of the key. It names a key and protects nothing. */
function keyIdOf(key: KeyObject): Uint8Array {
  return createHash('sha1').update(keyBitsOf(key)).digest()
}

/** Of an EC key the point, which ends the SubjectPublicKeyInfo; of any other key all of it will do. */
function keyBitsOf(key: KeyObject): Uint8Array {
  const spki = spkiOf(key)
  const bytes = { prime256v1: 65, secp384r1: 97 }[key.asymmetricKeyDetails?.namedCurve ?? '']
  return bytes === undefined ? spki : spki.subarray(-bytes)
}
