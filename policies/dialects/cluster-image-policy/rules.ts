/** The rules of the kind that its shape cannot say. They read the document as it came, so that they speak even where the shape is wrong elsewhere. */
import { InputError } from '#core/domain/input-error.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import { NOT_SUPPORTED_YET } from '#core/kinds/cluster-image-policy.ts'
import { parseImageGlob } from '../../image-glob.ts'
import type { FieldPath } from './faults.ts'
import { both, duplicate, invalid, neither, notSupportedYet, shown } from './faults.ts'
import { parseHashAlgorithm } from './hash-algorithm.ts'
import { isObject, itemsOf, memberOf } from './members.ts'

/** Fields that say how a signature is checked, and so contradict an authority that checks none. */
const NOT_BESIDE_STATIC = ['attestations', 'ctlog', 'rfc3161timestamp', 'source']

/** What stands for the text of a key in a message: it may be a private key that was put into the wrong place. */
const NOT_REPEATED = '(text not shown)'

/** What the API server asks of the name of such an object: RFC 1123, a subdomain. */
const OBJECT_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/

/** Every broken rule of a document. What does not have the type it should is passed over: the shape has said so. */
export function ruleFaults(document: unknown): readonly string[] {
  const spec = memberOf(document, 'spec')
  const images = itemsOf(memberOf(spec, 'images'))
  const authorities = itemsOf(memberOf(spec, 'authorities'))
  return [
    ...nameFaults(memberOf(memberOf(document, 'metadata'), 'name')),
    ...notSupportedFaults(spec, NOT_SUPPORTED_YET.spec, ['spec']),
    ...images.flatMap((image, index) => globFaults(memberOf(image, 'glob'), ['spec', 'images', index, 'glob'])),
    ...authorities.flatMap((authority, index) => authorityFaults(authority, ['spec', 'authorities', index])),
    ...duplicateFaults(authorities),
  ]
}

/** The name an authority goes by. */
export function authorityName(name: unknown, index: number): string {
  return typeof name === 'string' && name !== '' ? name : `authority-${index}`
}

function nameFaults(name: unknown): readonly string[] {
  if (typeof name !== 'string' || name === '' || OBJECT_NAME.test(name)) return []
  return [invalid(shown(name), ['metadata', 'name'], 'expected a lower-case RFC 1123 subdomain')]
}

function globFaults(glob: unknown, path: FieldPath): readonly string[] {
  return textFaults(glob, parseImageGlob, detail => invalid(shown(glob), path, detail))
}

function authorityFaults(authority: unknown, path: FieldPath): readonly string[] {
  if (!isObject(authority)) return []
  const beside = isGiven(authority, 'static') ? givenOf(authority, NOT_BESIDE_STATIC) : []
  return [
    ...notSupportedFaults(authority, NOT_SUPPORTED_YET.authority, path),
    ...oneOfFaults(authority, ['key', 'keyless', 'static'], path),
    ...(beside.length === 0 ? [] : [both([...beside, 'static'].map(field => [...path, field]))]),
    ...keyFaults(memberOf(authority, 'key'), [...path, 'key']),
  ]
}

function keyFaults(key: unknown, path: FieldPath): readonly string[] {
  if (!isObject(key)) return []
  const data = memberOf(key, 'data')
  const hash = memberOf(key, 'hashAlgorithm')
  return [
    ...notSupportedFaults(key, NOT_SUPPORTED_YET.key, path),
    ...oneOfFaults(key, ['data', 'kms', 'secretRef'], path),
    ...textFaults(data, parsePublicKey, detail => invalid(NOT_REPEATED, [...path, 'data'], detail)),
    ...textFaults(hash, parseHashAlgorithm, detail => invalid(shown(hash), [...path, 'hashAlgorithm'], detail)),
  ]
}

/** Messages name authorities, so two of one name could not be told apart. The reference lets one replace the other. */
function duplicateFaults(authorities: readonly unknown[]): readonly string[] {
  const names = authorities.map((authority, index) => authorityName(memberOf(authority, 'name'), index))
  const first = new Map(names.map((name, index) => [name, index] as const).toReversed())
  return names.flatMap((name, index) =>
    first.get(name) === index ? [] : [duplicate(shown(name), ['spec', 'authorities', index, 'name'])],
  )
}

function notSupportedFaults(value: unknown, fields: readonly string[], path: FieldPath): readonly string[] {
  return givenOf(value, fields).map(field => notSupportedYet([...path, field]))
}

function oneOfFaults(value: unknown, fields: readonly string[], path: FieldPath): readonly string[] {
  const given = givenOf(value, fields)
  if (given.length === 1) return []
  const paths = (given.length === 0 ? fields : given).map(field => [...path, field])
  return [given.length === 0 ? neither(paths) : both(paths)]
}

/** What a parser has against a text. Nothing is said of what is missing or no text. */
function textFaults(
  text: unknown,
  parse: (text: string) => unknown,
  fault: (detail: string) => string,
): readonly string[] {
  if (typeof text !== 'string' || text === '') return []
  try {
    parse(text)
    return []
  } catch (error) {
    if (error instanceof InputError) return [fault(error.message)]
    throw error
  }
}

function givenOf(value: unknown, fields: readonly string[]): readonly string[] {
  return fields.filter(field => isGiven(value, field))
}

/** In Go, null and the empty text are what a field holds that nobody has set. */
function isGiven(value: unknown, field: string): boolean {
  const member = memberOf(value, field)
  return member !== undefined && member !== null && member !== ''
}
