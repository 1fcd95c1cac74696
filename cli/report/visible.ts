/** Text that files and registries wrote, made fit for a terminal and for the log of a job: nothing in it moves the cursor, hides, or gives orders, and it ends. */

/**
 * Controls, format characters (the bidirectional ones among them), separators but the space, halves of surrogate pairs, and
 * what is drawn as nothing (fillers, variation selectors, the blank of Braille).
 */
const INVISIBLE = /(?! )[\p{Cc}\p{Cf}\p{Z}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/gu

/** The same, less what JSON.stringify escapes by itself or puts between values. */
const INVISIBLE_IN_JSON = /(?! )[\u007f-\u009f\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu

/**
 * What build servers take for an order to them, in whatever they are shown: `::error::` at the start of a line, `##[group]`,
 * `##vso[…]` and `##teamcity[…]` anywhere. Files of a pull request have the names that its author gave them.
 */
const ORDER = /^ *:(?=:)|##(?=(?:vso|teamcity)?\[)/gi

/** Longer than any reference, path or sentence of ours. */
const MAX_CHARACTERS = 600

const MAX_LINES = 100

/** Programs compare names, so they get all of one that could be real. */
const MAX_CHARACTERS_IN_JSON = 4096

/** The text with every invisible character written out, cut where nobody would read on. */
export function visible(text: string): string {
  return cut(text, MAX_CHARACTERS).replace(INVISIBLE, escaped).replace(ORDER, lastEscaped)
}

/** The same for a message of several lines of ours: help, or the faults of all policies. */
export function visibleLines(text: string): string {
  const lines = text.split('\n').map(visible)
  const more = lines.length - MAX_LINES
  return [...lines.slice(0, MAX_LINES), ...(more > 0 ? [`… and ${more} more lines`] : [])].join('\n')
}

/** The value as JSON in which no invisible character stands raw, and no text goes on for ever. */
export function visibleJson(value: unknown): string {
  const bounded = (_key: string, member: unknown) =>
    typeof member === 'string' ? cut(member, MAX_CHARACTERS_IN_JSON) : member
  // No line of it begins with a colon.
  return JSON.stringify(value, bounded, 2).replace(INVISIBLE_IN_JSON, escaped).replace(ORDER, lastEscaped)
}

function lastEscaped(characters: string): string {
  return `${characters.slice(0, -1)}${escaped(characters.slice(-1))}`
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}

/** As JSON and JavaScript write it: two escapes for what lies beyond 16 bits. */
function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    const unit = character.charCodeAt(index).toString(16)
    return `\\u${unit.padStart(4, '0')}`
  }).join('')
}
