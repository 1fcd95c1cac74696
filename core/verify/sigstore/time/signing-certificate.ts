/**
 * By which certificate the signer says to have signed (RFC 2634, section 5.4, and RFC 5035). It signs the hash of the
 * certificate, so that nobody can put another one with the same key, or the same issuer and number, in its place.
 */
import { createHash } from 'node:crypto'
import { InputError } from '#core/domain/input-error.ts'
import { contextTag, type Der, expectTag, itemsOf, Parts, TAG } from '#core/verify/der.ts'
import { type Certificate, isSame } from '../certificate/certificate.ts'
import { decodeHash } from './algorithm.ts'
import { decodeSerial, type SignerInfo } from './signer-info.ts'

export type NamedCertificate = {
  readonly hash: string
  readonly value: Uint8Array
  readonly issued: { readonly issuer: Uint8Array; readonly serial: string } | undefined
}

/** signingCertificate and signingCertificateV2. */
const ATTRIBUTES: readonly { readonly oid: string; readonly version: 1 | 2 }[] = [
  { oid: '1.2.840.113549.1.9.16.2.12', version: 1 },
  { oid: '1.2.840.113549.1.9.16.2.47', version: 2 },
]

const WHAT = 'the signing certificate of the timestamp'

/** What each of the attributes that are there names; all must name the same. Throws an InputError. */
export function decodeSigningCertificates({ attributes }: SignerInfo): readonly NamedCertificate[] {
  return ATTRIBUTES.flatMap(({ oid, version }) => {
    const values = attributes.get(oid)
    if (values === undefined) return []
    const [value, ...more] = values
    if (more.length > 0) throw new InputError(`expected ${WHAT} once, got it ${values.length} times`)
    return [decodeFirst(expectTag(value, TAG.sequence, WHAT), version)]
  })
}

/** The one that this names, or nothing. */
export function namedCertificate(certificate: Certificate, named: NamedCertificate): Certificate | undefined {
  const { hash, value, issued } = named
  if (!isSame(createHash(hash).update(certificate.der).digest(), value)) return undefined
  const isIssued =
    issued === undefined || (isSame(issued.issuer, certificate.issuer) && issued.serial === certificate.serial)
  return isIssued ? certificate : undefined
}

/** The first is the signer's. Those behind it would narrow the path to the root, which the trust root names already. */
function decodeFirst(value: Der, version: 1 | 2): NamedCertificate {
  const parts = new Parts(value, WHAT)
  const [first] = itemsOf(parts.take('the certificates', TAG.sequence), WHAT)
  parts.takeIf(TAG.sequence)
  parts.end()
  const fields = new Parts(expectTag(first, TAG.sequence, WHAT), WHAT)
  // In the first version always SHA-1. It only picks among certificates that the trust root answers for.
  const algorithm = version === 2 ? fields.takeIf(TAG.sequence) : undefined
  const { content } = fields.take('the hash', TAG.octetString)
  const issued = fields.takeIf(TAG.sequence)
  fields.end()
  return {
    hash: algorithm === undefined ? DEFAULT_HASHES[version] : decodeHash(algorithm, `the hash of ${WHAT}`),
    value: content,
    issued: issued === undefined ? undefined : decodeIssued(issued),
  }
}

const DEFAULT_HASHES = { 1: 'sha1', 2: 'sha256' } as const

/** RFC 5035, section 4: the name of the issuer, alone and as a directory name, and the number. */
function decodeIssued(value: Der): NonNullable<NamedCertificate['issued']> {
  const parts = new Parts(value, WHAT)
  const names = new Parts(parts.take('the issuer', TAG.sequence), `the issuer of ${WHAT}`)
  const name = new Parts(names.take('the name', contextTag(4, 'constructed')), `the issuer of ${WHAT}`)
  const issuer = name.take('the name', TAG.sequence).bytes
  name.end()
  names.end()
  const serial = decodeSerial(parts.take('the serial number'), `the serial number of ${WHAT}`)
  parts.end()
  return { issuer, serial }
}
