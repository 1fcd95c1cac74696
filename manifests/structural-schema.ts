/** Makes of a JSON Schema what the API server accepts as the schema of a kind: structural, and as strict as that allows. */

/** A JSON Schema as zod writes it for OpenAPI 3.0. */
export type Schema = { readonly [keyword: string]: unknown }

/** Keywords that are carried over as they are. Any other is an error: dropped, it would be a rule that nobody enforces. */
const KEPT: ReadonlySet<string> = new Set([
  'type',
  'enum',
  'required',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
])

/** What zod writes for an integer that says no more than that JavaScript can hold it. */
const INTEGER_BOUNDS: ReadonlySet<string> = new Set(['minimum', 'maximum'])

/**
 * Converts a schema and all below it. A field of no type keeps whatever it is given, so that our own validation can say
 * that it is not supported; an object that refuses unknown fields prunes them, for the API server can do no other.
 */
export function toStructural(schema: Schema): Schema {
  const { type } = schema
  if (type === undefined) return anything(schema)
  const converted = Object.entries(schema).flatMap(([keyword, value]) => convert(keyword, value, type))
  const format = type === 'integer' ? [['format', 'int64']] : []
  return Object.fromEntries([...converted, ...format])
}

function anything(schema: Schema): Schema {
  const [keyword] = Object.keys(schema)
  if (keyword !== undefined) throw new TypeError(`expected a schema with a type, got ${JSON.stringify(schema)}`)
  return { 'x-kubernetes-preserve-unknown-fields': true }
}

function convert(keyword: string, value: unknown, type: unknown): readonly (readonly [string, unknown])[] {
  if (KEPT.has(keyword)) return [[keyword, value]]
  if (INTEGER_BOUNDS.has(keyword) && type === 'integer' && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER)
    return []
  switch (keyword) {
    case 'items':
      return [[keyword, toStructural(value as Schema)]]
    case 'properties':
      return [[keyword, mapped(value as Readonly<Record<string, Schema>>)]]
    case 'additionalProperties':
      return value === false ? [] : [['x-kubernetes-preserve-unknown-fields', true]]
    default:
      throw new TypeError(`${JSON.stringify(keyword)} has no place in a structural schema here`)
  }
}

function mapped(properties: Readonly<Record<string, Schema>>): Readonly<Record<string, Schema>> {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, toStructural(schema)]))
}
