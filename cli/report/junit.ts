/** Results as JUnit's XML, as CI servers read it: a suite for each file, a case for each object. */
import { type Finding, findingsOf } from './finding.ts'
import type { Report } from './report.ts'
import type { CheckResult, Outcome } from './result.ts'
import { sourcePathOf } from './source-path.ts'
import { placeOf, titleOf } from './title.ts'
import { visible } from './visible.ts'

/** What a case holds that did not pass: `failure` was told to be wrong, `error` could not be told. */
const VERDICTS: Readonly<Partial<Record<Outcome, 'failure' | 'error'>>> = {
  refused: 'failure',
  undecided: 'error',
  invalid: 'error',
}

/** The whole document. */
export function renderJunit(report: Report): string {
  const suites = [...Map.groupBy(report.results, ({ object }) => object.file)]
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="shedu check" ${countsOf(report.results)}>`,
    ...suites.flatMap(([file, results]) => [
      `  <testsuite name="${escape(file)}" ${countsOf(results)}>`,
      ...results.flatMap(result => testCase(result, report.sourceRoot)),
      '  </testsuite>',
    ]),
    ...passedOverSuite(report),
    '</testsuites>',
    '',
  ].join('\n')
}

/** What was not looked at is shown as such. It is no object, so no count of objects has it. */
function passedOverSuite({ passedOver }: Report): readonly string[] {
  if (passedOver.length === 0) return []
  const counts = `tests="${passedOver.length}" failures="0" errors="0" skipped="${passedOver.length}"`
  const cases = passedOver.map(
    ({ file, reason }) =>
      `    <testcase name="${escape(file)}" classname="passed over"><skipped message="${escape(reason)}"/></testcase>`,
  )
  return [`  <testsuite name="passed over" ${counts}>`, ...cases, '  </testsuite>']
}

function countsOf(results: readonly CheckResult[]): string {
  const count = (isCounted: (outcome: Outcome) => boolean) => results.filter(({ outcome }) => isCounted(outcome)).length
  const failures = count(outcome => VERDICTS[outcome] === 'failure')
  const errors = count(outcome => VERDICTS[outcome] === 'error')
  const skipped = count(outcome => outcome === 'skipped')
  return `tests="${results.length}" failures="${failures}" errors="${errors}" skipped="${skipped}"`
}

function testCase(result: CheckResult, sourceRoot: string): readonly string[] {
  const { object, outcome, reason = '' } = result
  const file = sourcePathOf(object, sourceRoot)
  const place = file === undefined ? '' : ` file="${escape(file)}" line="${object.positionOf('').line}"`
  const findings = findingsOf(result)
  const errors = findings.filter(({ level }) => level === 'error')
  const rest = findings.filter(({ level }) => level !== 'error')
  return [
    `    <testcase name="${escape(titleOf(object))}" classname="${escape(object.file)}"${place}>`,
    ...(outcome === 'skipped' ? [`      <skipped message="${escape(reason)}"/>`] : []),
    ...verdictOf(result, errors),
    ...(rest.length === 0 ? [] : [`      <system-out>${escape(textOf(rest, result))}</system-out>`]),
    '    </testcase>',
  ]
}

function verdictOf(result: CheckResult, errors: readonly Finding[]): readonly string[] {
  const name = VERDICTS[result.outcome]
  const [first] = errors
  if (name === undefined || first === undefined) return []
  const message = `${first.code}: ${first.sentence}`
  return [
    `      <${name} type="${escape(first.code)}" message="${escape(message)}">${escape(textOf(errors, result))}</${name}>`,
  ]
}

function textOf(findings: readonly Finding[], { object }: CheckResult): string {
  const paragraphs = findings.map(({ level, code, sentence, detail, remedy, where, image, policies }) =>
    [
      `${level === 'error' ? '' : `${level}: `}${object.origin === 'flag' ? titleOf(object) : placeOf(object, where)}  ${where}`.trimEnd(),
      ...(image === '' ? [] : [`image: ${image}`]),
      `${code}: ${sentence}`,
      ...(detail === '' ? [] : [detail]),
      `to fix: ${remedy}`,
      ...(policies.length === 0 ? [] : [`policies: ${policies.join(', ')}`]),
    ]
      .map(visible)
      .join('\n'),
  )
  return paragraphs.join('\n\n')
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** For text and for attributes. No XML may hold a control character, or U+FFFE and U+FFFF, however they are written. */
function escape(text: string): string {
  return text
    .split('\n')
    .map(visible)
    .join('\n')
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"]/g, character => ENTITIES[character] ?? '')
}
