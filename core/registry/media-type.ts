/** Media types, parsed and not string-compared: case, blanks and parameters change nothing about what a type is. */
import { InputError } from '#core/domain/input-error.ts'

const MEDIA_TYPE =
  /^[ \t]*([!#$&^_.+a-z0-9-]{1,127}\/[!#$&^_.+a-z0-9-]{1,127})[ \t]*(?:;[ \t]*(?:[!#$%&'*+.^_`|~a-z0-9-]+=(?:[!#$%&'*+.^_`|~a-z0-9-]+|"[^"\\]*")[ \t]*)?)*$/i

/** RFC 6838 section 4.2 allows a name 255 characters; what has more, parameters included, is of nobody's making. */
const CHARACTERS = 256

/** Parses a Content-Type or mediaType field to `type/subtype` in lower case (RFC 9110 section 8.3.1); anything else is an InputError. */
export function parseMediaType(text: unknown): string {
  if (typeof text !== 'string')
    throw new InputError(`expected a media type, got ${text === undefined ? 'none' : typeof text}`)
  const type = text.length <= CHARACTERS ? MEDIA_TYPE.exec(text)?.[1] : undefined
  if (type !== undefined) return type.toLowerCase()
  throw new InputError(`expected a media type, got ${JSON.stringify(text.slice(0, 120))}`)
}
