/** Reads the PodSpec of an object by the shape of its kind: what does not have it cannot be read, and is not admitted. */
import { InputError } from '#core/domain/input-error.ts'
import type { KubeObject } from '#core/domain/subject.ts'

/** The PodSpec at `path`; undefined in an object without it. Throws an InputError where something else lies on the way. */
export function podSpecAt(object: KubeObject, path: readonly string[]): KubeObject | undefined {
  let at: KubeObject = object
  for (const [depth, name] of path.entries()) {
    const next = Object.hasOwn(at, name) ? at[name] : undefined
    if (next === undefined || next === null) return undefined
    at = expectObject(next, path.slice(0, depth + 1).join('.'))
  }
  return at
}

/** One of its lists; empty where it is left out, an InputError where it is no list. */
export function listIn(spec: KubeObject, list: string, path: readonly string[]): readonly unknown[] {
  const value = Object.hasOwn(spec, list) ? spec[list] : undefined
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new InputError(`expected ${path.join('.')}.${list} to be a list`)
  return value
}

/** One of its texts; empty where it is left out, an InputError where it is no text. */
export function textIn(fields: KubeObject, name: string, where: string): string {
  const value = (Object.hasOwn(fields, name) ? fields[name] : undefined) ?? ''
  if (typeof value !== 'string') throw new InputError(`expected ${where} to be text`)
  return value
}

/** The value as an object; anything else is an InputError that names the place. */
export function expectObject(value: unknown, where: string): KubeObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as KubeObject
  throw new InputError(`expected ${where} to be an object`)
}
