/** Words for the person at the terminal, who typed `kubectl apply` and gets one reading. Pure. */
import { CODES } from '#core/domain/refusal.ts'
import type { Objection, Warning } from '#core/domain/verdict.ts'

/** Two screens of 25 lines by 80 columns. A controller writes the same text into an Event at every attempt. */
const MESSAGE_CHARACTERS = 4000

/**
 * The API server may cut a warning at 256 characters and drops those that, from all webhooks together, go beyond 4096:
 * fifteen of ours fit.
 */
const WARNING_CHARACTERS = 256
const MAX_WARNINGS = 15

/** Of one value in a message; an image reference may have 455 characters and should be readable whole when it is sane. */
const VALUE_CHARACTERS = 300
const DETAIL_CHARACTERS = 600

/** Says what is wrong, where, and what to do about it, each objection with its own remedy. Most of it fits one screen. */
export function explain(objections: readonly Objection[]): string {
  const blocks = objections.map(blockOf)
  let text = summaryOf(objections)
  for (const [at, block] of blocks.entries()) {
    const more = `\n\nand ${blocks.length - at} more`
    if (text.length + block.length + more.length > MESSAGE_CHARACTERS) return text + more
    text += block
  }
  return text
}

/** One line for each warning, and one for what to do about it where the reader has not been told yet. */
export function warn(warnings: readonly Pick<Warning, 'because' | 'where' | 'image'>[], effect: string): string[] {
  const lines = warnings.map(({ because, where, image }) => {
    const { sentence } = CODES[because.code]
    return line(`${where} ${effect}: ${because.code}: ${sentence}: ${quoted(image)}${detailOf(because.detail)}`)
  })
  const remedies = new Set(warnings.map(({ because }) => line(`to fix ${because.code}: ${CODES[because.code].remedy}`)))
  const all = [...lines, ...remedies]
  return all.length <= MAX_WARNINGS
    ? all
    : [...all.slice(0, MAX_WARNINGS - 1), `and ${all.length - MAX_WARNINGS + 1} more lines like these`]
}

/**
 * Foreign text as one harmless line: what could move the cursor, turn the direction of writing or begin a new line is
 * replaced. net/http drops a warning with a control character in it.
 */
export function plain(text: string, characters: number): string {
  const clean = /^[ -~]*$/.test(text)
    ? text
    : text.replaceAll(/(?:(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800])+/gu, ' ')
  return clean.length <= characters ? clean : `${clean.slice(0, characters - 1).toWellFormed()}…`
}

/** The codes stand in the first line: a list of Events shows no more than that. */
function summaryOf(objections: readonly Objection[]): string {
  const [refused, silent] = [ofKind(objections, 'refusal'), ofKind(objections, 'silence')]
  const unchecked = placesOf(silent).difference(placesOf(refused))
  const parts = [
    refused.length > 0 ? `${count(placesOf(refused).size)} refused: ${codesIn(refused)}` : '',
    unchecked.size > 0 ? `${count(unchecked.size)} could not be checked: ${codesIn(silent)}` : '',
  ]
  return parts.filter(part => part !== '').join('; ')
}

function ofKind(objections: readonly Objection[], kind: Objection['because']['kind']): readonly Objection[] {
  return objections.filter(({ because }) => because.kind === kind)
}

function placesOf(objections: readonly Objection[]): Set<string> {
  return new Set(objections.map(({ where }) => where))
}

function codesIn(objections: readonly Objection[]): string {
  return [...new Set(objections.map(({ because }) => because.code))].join(', ')
}

function count(images: number): string {
  return images === 1 ? '1 image' : `${images} images`
}

function blockOf({ because, where, image, policies }: Objection): string {
  const { sentence, remedy } = CODES[because.code]
  const lines = [
    // Only a fault of ours is about no place in particular.
    ...(where === '' ? [] : [`${plain(where, VALUE_CHARACTERS)}: ${quoted(image)}`]),
    `  ${because.code}: ${sentence}`,
    ...(because.detail === '' ? [] : [`  found: ${plain(because.detail, DETAIL_CHARACTERS)}`]),
    ...(policies.length === 0 ? [] : [`  policy: ${plain(policies.join(', '), VALUE_CHARACTERS)}`]),
    `  to fix: ${image.includes('@') ? remedy.replace('IMAGE@DIGEST', plain(image, VALUE_CHARACTERS)) : remedy}`,
  ]
  return `\n\n${lines.join('\n')}`
}

function detailOf(detail: string): string {
  return detail === '' ? '' : ` (${detail})`
}

function quoted(image: string): string {
  return plain(JSON.stringify(image), VALUE_CHARACTERS)
}

function line(text: string): string {
  return plain(text, WARNING_CHARACTERS)
}
