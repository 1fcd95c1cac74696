/** Objects of which every member is known: what one reader steps over, another one takes to heart. */
import { InputError } from '#core/domain/input-error.ts'
import type { JsonObject } from '#core/json/untrusted-json.ts'
import { asObject } from '#core/json/untrusted-json.ts'
import { quote } from '#core/verify/quote.ts'

/**
 * The value as an object with no members but these, each of which may be absent; anything else is an InputError. Go's
 * protojson, through which cosign reads bundles, refuses unknown members as well; a second spelling of a known one
 * (`log_index`, which protobuf readers may take) is among them.
 */
export function asClosedObject(value: unknown, what: string, members: readonly string[]): JsonObject {
  const object = asObject(value, what)
  const other = Object.keys(object).find(key => !members.includes(key))
  if (other === undefined) return object
  throw new InputError(`expected ${what} to hold ${members.join(', ')} only, got ${quote(other)}`)
}
