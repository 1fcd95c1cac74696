/** Reads parts of a document of which nothing is known yet; what has another shape has no such part. */

/** The member that is the object's own; undefined for anything that has none. */
export function memberOf(value: unknown, field: string): unknown {
  return isObject(value) && Object.hasOwn(value, field) ? value[field] : undefined
}

/** The items of a list; none for anything that is no list. */
export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function isObject(value: unknown): value is { readonly [field: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Nothing of the kind lies as deep as this. */
const LEVELS = 8

/**
 * The document without the members that are null, as the API server stores it and as the reference, written in Go, reads
 * it: what is null was not set. Items of lists stay, for their places are counted.
 */
export function withoutNulls(value: unknown, levels = LEVELS): unknown {
  if (levels === 0) return value
  if (Array.isArray(value)) return value.map(item => withoutNulls(item, levels - 1))
  if (!isObject(value)) return value
  const given = Object.entries(value).filter(([, member]) => member !== null)
  return Object.fromEntries(given.map(([field, member]) => [field, withoutNulls(member, levels - 1)]))
}
