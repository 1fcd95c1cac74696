/** Algorithms in a timestamp: each is an object identifier and perhaps parameters (RFC 5280, section 4.1.1.2). */
import { InputError } from '#core/domain/input-error.ts'
import { type Der, expectTag, oidOf, Parts, TAG } from '#core/verify/der.ts'

export type Algorithm = { readonly oid: string; readonly parameters: Der | undefined }

/** Of SHA-2, 256 bits or more. */
export type StampHash = 'sha256' | 'sha384' | 'sha512'

/** SHA-1, with which timestamps began, is not among them: two signatures with one digest can be made (SHAttered, 2017). */
const HASHES: ReadonlyMap<string, StampHash> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])

export function decodeAlgorithm(value: Der, what: string): Algorithm {
  const parts = new Parts(expectTag(value, TAG.sequence, what), what)
  const oid = oidOf(parts.take('the identifier'), `the identifier of ${what}`)
  const [parameters, ...more] = parts.rest()
  if (more.length > 0) throw new InputError(`expected nothing more in ${what}`)
  return { oid, parameters }
}

/** The hash that the algorithm is; any other is an InputError. */
export function decodeHash(value: Der, what: string): StampHash {
  const algorithm = decodeAlgorithm(value, what)
  refuseParameters(algorithm, what)
  const hash = findHash(algorithm)
  if (hash === undefined) throw new InputError(`expected ${what} to be SHA-256, -384 or -512, got ${algorithm.oid}`)
  return hash
}

/** The hash that it is, if it is one of them. */
export function findHash({ oid }: Algorithm): StampHash | undefined {
  return HASHES.get(oid)
}

/** RFC 5754, section 2: none, or NULL. */
export function refuseParameters({ parameters }: Algorithm, what: string): void {
  if (parameters === undefined || (parameters.tag === TAG.null && parameters.content.length === 0)) return
  throw new InputError(`expected no parameters beside ${what}`)
}
