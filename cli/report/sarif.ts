/** Results as SARIF 2.1.0 (OASIS), as code hosts and editors read it: a rule for each code, a result for each finding. */
import { createHash } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import type { Log, PhysicalLocation, ReportingDescriptor, Result } from 'sarif'
import { type Finding, type FindingCode, findingsOf, wordsOfCode } from './finding.ts'
import type { Report } from './report.ts'
import type { CheckResult } from './result.ts'
import { sourcePathOf } from './source-path.ts'
import { titleOf } from './title.ts'
import { visible, visibleJson } from './visible.ts'

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json'

/** The name under which paths are relative to the checkout (SARIF 3.4.4); whoever shows them knows where that is. */
const SOURCE_ROOT = '%SRCROOT%'

/** The whole log, with one run. */
export function renderSarif({ results, passedOver, exitCode, version, sourceRoot }: Report): string {
  const found = results.flatMap(result => findingsOf(result).map(finding => ({ finding, result })))
  const codes = [...new Set(found.map(({ finding }) => finding.code))].toSorted()
  const log: Log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'Shedu', semanticVersion: version, rules: codes.map(toRule) } },
        // The columns of JavaScript (SARIF 3.14.17).
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            executionSuccessful: true,
            exitCode,
            toolExecutionNotifications: passedOver.map(({ file, reason }) => ({
              level: 'note',
              message: { text: unlinked(visible(`passed over: ${file}: ${reason}`)) },
            })),
          },
        ],
        results: found.map(({ finding, result }) => toResult(finding, result, { codes, sourceRoot })),
      },
    ],
  }
  return `${visibleJson(log)}\n`
}

function toRule(code: FindingCode): ReportingDescriptor {
  const { sentence, remedy } = wordsOfCode(code)
  return { id: code, shortDescription: { text: sentence }, help: { text: `To fix: ${remedy}` } }
}

type Run = { readonly codes: readonly FindingCode[]; readonly sourceRoot: string }

function toResult(finding: Finding, { object }: CheckResult, { codes, sourceRoot }: Run): Result {
  const { level, code, where } = finding
  const title = titleOf(object)
  const physicalLocation = placeOf(finding, object, sourceRoot)
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level,
    message: { text: messageOf(finding, title) },
    locations: [
      {
        physicalLocation,
        logicalLocations: [{ fullyQualifiedName: visible(where === '' ? title : `${title}: ${where}`) }],
      },
    ],
    partialFingerprints: {
      'shedu/v1': fingerprint([code, physicalLocation.artifactLocation?.uri ?? '', title, where]),
    },
  }
}

/** Code hosts refuse a result without a file: what came by a pipe, or by a flag, gets a name in the place of one. */
function placeOf({ at }: Finding, object: CheckResult['object'], sourceRoot: string): PhysicalLocation {
  const path = sourcePathOf(object, sourceRoot)
  const region = { startLine: at.line, startColumn: at.column }
  if (path !== undefined) return { artifactLocation: { uri: uriOf(path), uriBaseId: SOURCE_ROOT }, region }
  const uri = object.origin === 'file' ? pathToFileURL(object.file).href : uriOf(object.file)
  return { artifactLocation: { uri }, region }
}

/** A path as a relative reference (RFC 3986 section 4.2): no character of it is taken for syntax. */
function uriOf(path: string): string {
  return path
    .split('/')
    .map(segment => encodeURIComponent(segment.toWellFormed()))
    .join('/')
}

function messageOf({ sentence, detail, remedy, image, policies }: Finding, title: string): string {
  const lines = [
    `${title}: ${sentence}`,
    ...(image === '' ? [] : [`image: ${image}`]),
    ...(detail === '' ? [] : [detail]),
    `to fix: ${remedy}`,
    ...(policies.length === 0 ? [] : [`policies: ${policies.join(', ')}`]),
  ]
  return lines.map(visible).map(unlinked).join('\n')
}

/** `[text](target)` in a message is a link (SARIF 3.11.6), and whoever named the image would choose where our finding leads. */
function unlinked(text: string): string {
  return text.replaceAll('](', ']\\u0028')
}

/** The same finding of the same field of the same object, wherever in its file that stands. */
function fingerprint(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
