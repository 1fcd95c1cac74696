/** Who signed a timestamp, and what exactly (SignerInfo; RFC 5652, section 5.3). */
import { InputError } from '#core/domain/input-error.ts'
import { contextTag, type Der, encodeDer, expectTag, integerOf, itemsOf, oidOf, Parts, TAG } from '#core/verify/der.ts'
import { decodeHash, type StampHash } from './algorithm.ts'
import { decodeScheme, type Scheme } from './stamp-signature.ts'

/** How the certificate of the signer is named: by who issued it under which number, or by what it calls its key. */
export type SignerName =
  | { readonly kind: 'number'; readonly issuer: Uint8Array; readonly serial: string }
  | { readonly kind: 'key'; readonly id: Uint8Array }

export type SignerInfo = {
  readonly name: SignerName
  /** The hash that the content was digested with. */
  readonly digest: StampHash
  /** The values of the signed attributes by object identifier. */
  readonly attributes: ReadonlyMap<string, readonly Der[]>
  /** The signed attributes as they were signed. */
  readonly message: Uint8Array
  readonly scheme: Scheme
  readonly signature: Uint8Array
}

const WHAT = 'the signer of the timestamp'

/** Decodes it; attributes that are not signed may be there and are not looked at. Throws an InputError. */
export function decodeSignerInfo(value: Der): SignerInfo {
  const parts = new Parts(expectTag(value, TAG.sequence, WHAT), WHAT)
  const version = integerOf(parts.take('the version'), `the version of ${WHAT}`)
  const name = decodeName(parts.take('the certificate'))
  if (version !== (name.kind === 'number' ? 1n : 3n))
    throw new InputError(`expected ${WHAT} to be named as its version says`)
  const digest = decodeHash(parts.take('the digest algorithm'), `the digest algorithm of ${WHAT}`)
  const attributes = parts.take('the signed attributes', contextTag(0, 'constructed'))
  const scheme = decodeScheme(parts.take('the signature algorithm'), digest)
  const { content: signature } = parts.take('the signature', TAG.octetString)
  parts.takeIf(contextTag(1, 'constructed'))
  parts.end()
  return {
    name,
    digest,
    attributes: decodeAttributes(attributes),
    // Section 5.4: signed as the set that they are, not under the tag that they stand under.
    message: encodeDer(TAG.set, attributes.content),
    scheme,
    signature,
  }
}

/** Two octets to the digit pair, as certificates have it here. */
export function decodeSerial(value: Der, what: string): string {
  integerOf(value, what)
  return Buffer.from(value.content).toString('hex').replace(/^00/, '')
}

function decodeName(value: Der): SignerName {
  if (value.tag === contextTag(0, 'primitive')) return { kind: 'key', id: value.content }
  const what = 'the certificate of the signer'
  const parts = new Parts(expectTag(value, TAG.sequence, what), what)
  const issuer = parts.take('the issuer', TAG.sequence).bytes
  const serial = decodeSerial(parts.take('the serial number'), `the serial number of ${what}`)
  parts.end()
  return { kind: 'number', issuer, serial }
}

/** Section 5.3 has each once: of two, each reader would take another one. */
function decodeAttributes(value: Der): ReadonlyMap<string, readonly Der[]> {
  const attributes = new Map<string, readonly Der[]>()
  for (const item of itemsOf(value, 'the signed attributes')) {
    const parts = new Parts(expectTag(item, TAG.sequence, 'a signed attribute'), 'a signed attribute')
    const type = oidOf(parts.take('the type'), 'the type of a signed attribute')
    const values = itemsOf(parts.take('the values', TAG.set), `the values of the signed attribute ${type}`)
    parts.end()
    if (attributes.has(type)) throw new InputError(`expected the signed attribute ${type} once, got it twice`)
    attributes.set(type, values)
  }
  return attributes
}
