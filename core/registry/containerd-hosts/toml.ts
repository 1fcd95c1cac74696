/** TOML, bounded before it is parsed, and where in it a thing stands: the parser keeps values and no places. */
import { parse, TomlError } from 'smol-toml'
import { InputError } from '#core/domain/input-error.ts'

/** A hosts.toml with a dozen hosts has two KiB. */
export const TOML_CHARACTERS = 16 * 1024

/** A header is a list in a table in a table in a table; twice that. */
const MOST_LEVELS = 8

/** Parses a text; throws an InputError with file and line, and without what stands there. */
export function parseToml(text: string, file: string): Readonly<Record<string, unknown>> {
  if (text.length > TOML_CHARACTERS)
    throw new InputError(`${file}: expected at most ${TOML_CHARACTERS} characters, got ${text.length}`)
  try {
    return parseBounded(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // The message goes on with an excerpt of the file.
    const why = error.message.split('\n')[0]?.replace('Invalid TOML document: ', '')
    throw new InputError(`${file}:${error.line}: this is not TOML: ${why}`)
  }
}

/**
 * The line on which a field or a table begins: the last that names it where all above it is TOML and does not have it. A
 * line within a list or a text is none, for what stands above it is not TOML.
 */
export function lineOf(text: string, steps: readonly string[]): number {
  const [name = ''] = steps.slice(-1)
  const lines = text.split('\n')
  let found = 0
  for (const [index, line] of lines.entries()) {
    if (!line.includes(name)) continue
    const isThere = hasAbove(lines.slice(0, index).join('\n'), steps)
    if (isThere === true) break
    if (isThere === false) found = index
  }
  return found + 1
}

function hasAbove(text: string, steps: readonly string[]): boolean | undefined {
  try {
    let value: unknown = parseBounded(text)
    for (const step of steps) value = (value as Readonly<Record<string, unknown>> | undefined)?.[step]
    return value !== undefined
  } catch {
    return undefined
  }
}

function parseBounded(text: string): Readonly<Record<string, unknown>> {
  return parse(text, { maxDepth: MOST_LEVELS, unsafeKeyBehaviour: 'throw' })
}
