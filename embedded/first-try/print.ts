/** What the newcomer reads: a table with a row for each request, and under each row what was asked and what was said. */
import { styleText } from 'node:util'
import type { Answer } from './api-server.ts'
import type { Row } from './rows.ts'

const INDENT = '      '

/** Whether the answer is the one that the row must have: admitted with a digest, or refused in the expected code. */
export function isExpected(row: Row, answer: Answer): boolean {
  const said = [answer.message, ...answer.warnings].join('\n')
  const isPinned =
    !answer.isAllowed || answer.images.every(image => image.includes('@sha256:')) || row.expect.code !== undefined
  const isSaid = row.expect.code === undefined ? said === '' : said.includes(row.expect.code)
  return answer.isAllowed === row.expect.isAllowed && isSaid && isPinned
}

/** Of the longest code that is shown. */
const CODE_WIDTH = 24

/** The head of the table. */
export const HEAD = styleText(
  'gray',
  `  ${'answer'.padEnd(8)} ${'time'.padStart(8)}  ${'code'.padEnd(CODE_WIDTH)} request`,
)

/** One request and what became of it, in lines. */
export function describe(row: Row, answer: Answer, host: string): string {
  const verdict = answer.isAllowed ? styleText('green', 'admitted') : styleText('red', 'refused ')
  const time = `${answer.ms.toFixed(0)} ms`.padStart(8)
  const code = codeOf(answer).padEnd(CODE_WIDTH)
  const head = `  ${verdict} ${time}  ${code} ${styleText('bold', row.title)}`
  const asked = row.images.map(image => `${INDENT}image ${host}/${image}`)
  const pinned = answer.isAllowed
    ? answer.images
        .filter(image => image.includes('@'))
        .map(image => `${INDENT}digest ${image.slice(image.indexOf('@') + 1)}`)
    : []
  const said = answer.message === '' ? [] : answer.message.split('\n').map(line => `${INDENT}${line}`)
  const warned = answer.warnings.map(line => `${INDENT}${styleText('yellow', 'warning')} ${line}`)
  const wrong = isExpected(row, answer)
    ? []
    : [`${INDENT}${styleText('red', 'NOT AS EXPECTED')}: ${JSON.stringify(row.expect)}`]
  return [head, ...asked, ...pinned, ...said, ...(answer.isAllowed ? warned : []), ...wrong].join('\n')
}

/** The first code that was said, in the refusal or else in a warning. */
function codeOf({ message, warnings }: Answer): string {
  return /\b([a-z]+\.[a-z]+(?:-[a-z]+)*): /.exec([message, ...warnings].join('\n'))?.[1] ?? ''
}
