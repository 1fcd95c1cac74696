/** Base64 (RFC 4648, section 4) in its one canonical spelling. */
import { InputError } from './input-error.ts'

/**
 * Decodes standard, padded base64 of at most `most` bytes; anything else is an InputError that names `what`. White space,
 * the URL alphabet, missing padding and bits that no byte uses are refused: what one text can spell, one text spells,
 * so nobody without the key can make a second signature out of a first by respelling it.
 */
export function decodeBase64(text: string, what: string, most: number): Uint8Array {
  const mostCharacters = Math.ceil(most / 3) * 4
  if (text.length > mostCharacters)
    throw new InputError(`expected ${what} to be at most ${mostCharacters} characters of base64, got ${text.length}`)
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text)
    throw new InputError(`expected ${what} to be canonical base64, standard alphabet and padded`)
  return bytes
}
