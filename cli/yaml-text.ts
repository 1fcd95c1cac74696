/**
 * What in a text kubectl's reader takes for something else than ours does, before either has parsed a word of it: what is the
 * rest of a comment here, or of a text, would be an object there that nobody has judged.
 */
import { faultAt } from './yaml-walk.ts'

/** To a YAML 1.1 these end a line, but for the last, which is nothing at the start of a document. In JSON, they are text. */
const OTHER_CHARACTERS = /\r(?!\n)|[\u0085\u2028\u2029]|^\ufeff/m

/** kubectl cuts a text into documents by its lines; `---#` and `---` with a blank of another kind end one there, and here they are text. */
const OTHER_END = /^---(?:\s*$|\s*#)/
const END = /^---[ \t]*(?:$|(?<=[ \t])#)/

/** Throws an InputError that names file, line and column. */
export function refuseTwoReadings(file: string, text: string): void {
  const at = text.search(OTHER_CHARACTERS)
  if (at >= 0 && !isJson(text)) {
    const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')
    const message = `the character U+${code} is one thing to some readers of YAML and another to others: leave it out, or write it as an escape in quotes`
    throw faultAt(file, placeOf(text, at), message)
  }
  for (const { 0: line, index } of text.matchAll(/^---.*/gm))
    if (OTHER_END.test(line) && !END.test(line))
      throw faultAt(
        file,
        placeOf(text, index),
        'this ends a document for some readers and not for others: write --- alone',
      )
}

/** What begins as an object of JSON, kubectl reads as JSON, and as YAML only where it is none after all. */
function isJson(text: string): boolean {
  if (!/^[ \t\r\n]*\{/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, at).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}
