/** What is written in an X.509 certificate (RFC 5280, section 4.1), read strictly: what two readers could read differently is refused. */
import { InputError } from '#core/domain/input-error.ts'
import { bitsOf, contextTag, type Der, decodeDer, integerOf, Parts, TAG, timeOf } from '#core/verify/der.ts'
import { type AlternativeName, decodeNames } from './alternative-name.ts'
import { decodeExtensions, type Extension, OID } from './extensions.ts'
import { checkAlgorithm } from './signature-algorithm.ts'
import { decodeBasicConstraints, decodeExtendedKeyUsage, decodeKeyUsage, type KeyUsage } from './usage.ts'

export type CertificateFields = {
  /** The SubjectPublicKeyInfo in DER, not looked into. */
  readonly spki: Uint8Array
  /** Both ends included, in milliseconds since 1970. */
  readonly validity: { readonly from: number; readonly until: number }
  /** Names in DER, to be compared byte for byte. */
  readonly subject: Uint8Array
  readonly issuer: Uint8Array
  /** Hex digits, two to the octet. */
  readonly serial: string
  readonly isCa: boolean
  /** How many authorities may stand between this one and a signer; undefined: any number. */
  readonly pathLength: number | undefined
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined
  /** Object identifiers; never empty. */
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly isExtendedKeyUsageCritical: boolean
  readonly names: readonly AlternativeName[]
  /** By object identifier, in the order of the certificate. */
  readonly extensions: ReadonlyMap<string, Extension>
  /** Those that must be understood (section 4.2) and are not: a path that holds one is none. */
  readonly unknownCritical: readonly string[]
}

/** Section 4.1.2.2: more octets are no serial number. */
const SERIAL_OCTETS = 20

/** Octets of a time to the second without a fraction, which is how section 4.1.2.5 has it. */
const TIME_OCTETS: ReadonlyMap<number, number> = new Map([
  [TAG.utcTime, 'YYMMDDHHMMSSZ'.length],
  [TAG.generalizedTime, 'YYYYMMDDHHMMSSZ'.length],
])

/** What is read here and heeded by whoever verifies. Constraints on names and policies are not, so whom they bind is not believed. */
const KNOWN: ReadonlySet<string> = new Set([
  OID.basicConstraints,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.subjectAlternativeName,
])

/** Decodes one certificate with nothing behind it; throws an InputError. */
export function decodeFields(der: Uint8Array): CertificateFields {
  const parts = new Parts(decodeDer(der, 'the certificate', TAG.sequence), 'the certificate')
  const signed = parts.take('the signed part', TAG.sequence)
  const algorithm = parts.take('the signature algorithm', TAG.sequence)
  bitsOf(parts.take('the signature', TAG.bitString), 'the signature of the certificate')
  parts.end()
  checkAlgorithm(algorithm)
  return decodeSigned(new Parts(signed, 'the signed part of the certificate'), algorithm)
}

/** The fields in their order. Unique identifiers of issuer and subject would stand before the extensions; nobody may write them. */
function decodeSigned(parts: Parts, algorithm: Der): CertificateFields {
  const version = decodeWrapped(parts.take('the version', contextTag(0, 'constructed')), 'the version')
  if (integerOf(version, 'the version') !== 2n) throw new InputError('expected a certificate of version 3')
  const serial = decodeSerial(parts.take('the serial number'))
  // Section 4.1.1.2. Only this one is signed.
  if (!Buffer.from(parts.take('the signature algorithm').bytes).equals(algorithm.bytes))
    throw new InputError('expected one signature algorithm within and beside what is signed, got two')
  const issuer = parts.take('the issuer', TAG.sequence)
  // Section 4.1.2.4. A signer of Fulcio's has no name: whatever it signed would be issued by it, and so would this.
  if (issuer.content.length === 0) throw new InputError('expected an issuer with a name')
  const validity = decodeValidity(parts.take('the validity', TAG.sequence))
  const subject = parts.take('the subject', TAG.sequence)
  const spki = parts.take('the public key', TAG.sequence).bytes
  const list = decodeWrapped(parts.take('the extensions', contextTag(3, 'constructed')), 'the extensions')
  parts.end()
  return {
    spki,
    validity,
    subject: subject.bytes,
    issuer: issuer.bytes,
    serial,
    ...decodeKnown(decodeExtensions(list)),
  }
}

/** What an explicit tag is around. */
function decodeWrapped(value: Der, what: string): Der {
  return decodeDer(value.content, what)
}

function decodeSerial(value: Der): string {
  const serial = integerOf(value, 'the serial number')
  if (serial <= 0n || serial >= 1n << BigInt(8 * SERIAL_OCTETS))
    throw new InputError(`expected a serial number above zero of at most ${SERIAL_OCTETS} octets`)
  return Buffer.from(value.content).toString('hex').replace(/^00/, '')
}

function decodeValidity(value: Der): CertificateFields['validity'] {
  const parts = new Parts(value, 'the validity')
  const from = decodeTime(parts.take('the beginning'), 'the beginning of the validity')
  const until = decodeTime(parts.take('the end'), 'the end of the validity')
  parts.end()
  if (from > until) throw new InputError('expected a validity that ends after it has begun')
  return { from, until }
}

function decodeTime(value: Der, what: string): number {
  if (value.content.length !== TIME_OCTETS.get(value.tag))
    throw new InputError(`expected ${what} to be a time to the second`)
  return timeOf(value, what)
}

function decodeKnown(extensions: ReadonlyMap<string, Extension>) {
  const extendedKeyUsage = extensions.get(OID.extendedKeyUsage)
  return {
    extensions,
    ...decodeBasicConstraints(extensions.get(OID.basicConstraints)?.value),
    keyUsage: decodeKeyUsage(extensions.get(OID.keyUsage)?.value),
    extendedKeyUsage: decodeExtendedKeyUsage(extendedKeyUsage?.value),
    isExtendedKeyUsageCritical: extendedKeyUsage?.critical ?? false,
    names: decodeNames(extensions.get(OID.subjectAlternativeName)?.value),
    unknownCritical: [...extensions].flatMap(([oid, { critical }]) => (critical && !KNOWN.has(oid) ? [oid] : [])),
  }
}
