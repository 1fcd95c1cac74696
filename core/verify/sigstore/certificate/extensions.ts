/** The extensions of a certificate (RFC 5280, section 4.2) as a table; what is in them is read by others. */
import { InputError } from '#core/domain/input-error.ts'
import { booleanOf, type Der, itemsOf, oidOf, Parts, TAG } from '#core/verify/der.ts'

export type Extension = {
  /** Whoever does not understand it must not use the certificate. */
  readonly critical: boolean
  readonly value: Uint8Array
}

/** Object identifiers of the extensions that are read by name. */
export const OID = {
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  extendedKeyUsage: '2.5.29.37',
  /** Promises of certificate logs (RFC 6962, section 3.3). */
  promises: '1.3.6.1.4.1.11129.2.4.2',
} as const

/** Decodes the list; one extension given twice is an InputError: each reader would take another one (section 4.2). */
export function decodeExtensions(list: Der): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>()
  for (const value of itemsOf(list, 'the extensions')) {
    const [oid, extension] = decodeExtension(value)
    if (extensions.has(oid)) throw new InputError(`expected extension ${oid} once, got it twice`)
    extensions.set(oid, extension)
  }
  if (extensions.size === 0) throw new InputError('expected at least one extension')
  return extensions
}

function decodeExtension(value: Der): readonly [string, Extension] {
  const parts = new Parts(value, 'an extension')
  const oid = oidOf(parts.take('the identifier'), 'the identifier of an extension')
  const flag = parts.takeIf(TAG.boolean)
  const critical = flag !== undefined && booleanOf(flag, `whether extension ${oid} is critical`)
  if (flag !== undefined && !critical)
    throw new InputError(`expected DER in extension ${oid}, which leaves out a default`)
  const { content } = parts.take('the value', TAG.octetString)
  parts.end()
  return [oid, { critical, value: content }]
}
