/**
 * Results as commands to GitHub's runner, which shows them beside the lines of a change: `::error file=…,line=…::…`. What
 * would end a command, or begin another, is written as the runner reads it back.
 */
import { type Finding, findingsOf, type Level } from './finding.ts'
import type { Report } from './report.ts'
import type { CheckResult } from './result.ts'
import { sourcePathOf } from './source-path.ts'
import { titleOf } from './title.ts'
import { visible } from './visible.ts'

const COMMANDS: Readonly<Record<Level, string>> = { error: 'error', warning: 'warning', note: 'notice' }

/** One line for each finding, and for each thing that was not looked at. */
export function renderGithub({ results, passedOver, sourceRoot }: Report): string {
  const lines = results.flatMap(result => findingsOf(result).map(finding => annotation(finding, result, sourceRoot)))
  const over = passedOver.map(
    ({ file, reason }) => `::notice title=passed over::${escapeData(visible(`${file}: ${reason}`))}`,
  )
  return [...lines, ...over].map(line => `${line}\n`).join('')
}

function annotation(finding: Finding, { object }: CheckResult, sourceRoot: string): string {
  const { level, code, sentence, at, where, image, detail, remedy, policies } = finding
  const file = sourcePathOf(object, sourceRoot)
  const title = `${code}: ${sentence}`
  const place = file === undefined ? {} : { file: visible(file), line: `${at.line}`, col: `${at.column}` }
  const properties = Object.entries({ ...place, title }).map(([name, value]) => `${name}=${escapeProperty(value)}`)
  const lines = [
    `${titleOf(object)}${where === '' ? '' : `, ${where}`}`,
    ...(image === '' ? [] : [`image: ${image}`]),
    title,
    ...(detail === '' ? [] : [detail]),
    `to fix: ${remedy}`,
    ...(policies.length === 0 ? [] : [`policies: ${policies.join(', ')}`]),
  ]
  return `::${COMMANDS[level]} ${properties.join(',')}::${escapeData(lines.map(visible).join('\n'))}`
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
