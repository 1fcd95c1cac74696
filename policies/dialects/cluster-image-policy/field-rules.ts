/** Rules that many fields share: what is given of a choice, what is not supported, what a parser has against a text. */
import { InputError } from '#core/domain/input-error.ts'
import type { FieldPath } from './faults.ts'
import { both, invalid, missing, neither, notSupportedYet, shown } from './faults.ts'
import { memberOf } from './members.ts'

/** What the API server asks of the name of an object without a namespace: RFC 1123, a subdomain. */
const OBJECT_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/

/** In Go, the empty text and the empty list are what a field holds that nobody has set; so is null, which is gone by now. */
export function isGiven(value: unknown, field: string): boolean {
  const member = memberOf(value, field)
  return member !== undefined && member !== '' && !(Array.isArray(member) && member.length === 0)
}

export function givenOf(value: unknown, fields: readonly string[]): readonly string[] {
  return fields.filter(field => isGiven(value, field))
}

export function notSupportedFaults(value: unknown, fields: readonly string[], path: FieldPath): readonly string[] {
  return givenOf(value, fields).map(field => notSupportedYet([...path, field]))
}

export function oneOfFaults(value: unknown, fields: readonly string[], path: FieldPath): readonly string[] {
  const given = givenOf(value, fields)
  if (given.length === 1) return []
  const paths = (given.length === 0 ? fields : given).map(field => [...path, field])
  return [given.length === 0 ? neither(paths) : both(paths)]
}

/** The same where the reference has other words for neither of two. */
export function eitherFaults(value: unknown, fields: readonly string[], path: FieldPath): readonly string[] {
  const given = givenOf(value, fields)
  if (given.length === 0) return [missing(...fields.map(field => [...path, field]))]
  return given.length === 1 ? [] : [both(given.map(field => [...path, field]))]
}

/** What is wrong with the name of an object. */
export function nameFaults(name: unknown, path: FieldPath): readonly string[] {
  if (typeof name !== 'string' || name === '' || OBJECT_NAME.test(name)) return []
  return [invalid(shown(name), path, 'expected a lower-case RFC 1123 subdomain')]
}

/** What a parser has against a text. Nothing is said of what is missing or no text. */
export function textFaults(
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
