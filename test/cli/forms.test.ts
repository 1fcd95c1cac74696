import { SaxesParser } from 'saxes'
import t from 'tap'
import { objectOfImage } from '#cli/image-object.ts'
import { readObjects } from '#cli/read-objects.ts'
import { renderGithub } from '#cli/report/github.ts'
import { renderJunit } from '#cli/report/junit.ts'
import { type CheckResult, invalidResult, resultOf } from '#cli/report/result.ts'
import { renderSarif } from '#cli/report/sarif.ts'
import { refusal, silence } from '#core/domain/refusal.ts'
import type { Objection, Verdict } from '#core/domain/verdict.ts'
import { makeReport } from './make-report.ts'

const WHERE = 'spec.containers[0].image'
const judged = { policies: ['release'], warnings: [], unmatched: [] }
const UNPINNED = { pins: [], unpinned: [] }

function object(file: string, name = 'web') {
  const text = `apiVersion: v1\nkind: Pod\nmetadata: {namespace: shop, name: ${JSON.stringify(name)}}\nspec:\n  containers:\n    - image: r.test/app:1\n`
  const [first] = readObjects([{ file, origin: 'named', text }], 'default').objects
  if (first === undefined) throw new Error('expected an object')
  return first
}

const unsigned: Objection = {
  because: refusal('image.unsigned', '100% of <nothing>'),
  where: WHERE,
  image: 'r.test/app:1',
  policies: ['a', 'b'],
}
const deny = (...objections: Objection[]): Verdict => ({ ...judged, outcome: 'deny', objections })
const REFUSED = resultOf(object('/checkout/deploy/we b.yaml'), deny(unsigned), UNPINNED)
const SILENT = resultOf(
  objectOfImage('r.test/app:1', 'default'),
  { ...judged, outcome: 'undecided', objections: [{ ...unsigned, because: silence('registry.unreachable', 'down') }] },
  UNPINNED,
)
const WARNED = resultOf(
  object('/elsewhere/a.yaml'),
  { ...judged, outcome: 'allow', passed: undefined, proofs: [], warnings: [unsigned], unmatched: ['spec.x'] },
  UNPINNED,
)
const SKIPPED = resultOf(object('/checkout/b.yaml'), { outcome: 'allow', passed: 'no-images' }, UNPINNED)
const INVALID = invalidResult(object('/checkout/b.yaml', 'odd'), 'expected a list')
const ALL: readonly CheckResult[] = [REFUSED, SILENT, WARNED, SKIPPED, INVALID]

const SENTENCE = 'the image carries no signature'
const REMEDY =
  'sign the digest as this policy demands it (cosign sign IMAGE@DIGEST, with --key KEY where it names a key), or use a signed image'

t.test('SARIF has a rule for each code, and each finding at its line and column', async t => {
  const log = JSON.parse(renderSarif(makeReport(ALL)))
  const [run] = log.runs
  t.strictSame([log.version, log.runs.length, run.columnKind], ['2.1.0', 1, 'utf16CodeUnits'])
  t.strictSame(run.tool.driver.rules[0], {
    id: 'image.unsigned',
    shortDescription: { text: SENTENCE },
    help: { text: `To fix: ${REMEDY}` },
  })
  t.equal(run.tool.driver.semanticVersion, '1.2.3')
  t.strictSame(run.invocations, [{ executionSuccessful: true, exitCode: 2, toolExecutionNotifications: [] }])
  const summary = (result: {
    ruleId: string
    ruleIndex: number
    level: string
    locations: { physicalLocation: { artifactLocation: object; region: object } }[]
  }) => [
    result.ruleId,
    run.tool.driver.rules[result.ruleIndex].id === result.ruleId,
    result.level,
    result.locations[0]?.physicalLocation.artifactLocation,
    result.locations[0]?.physicalLocation.region,
  ]
  const image = { startLine: 6, startColumn: 14 }
  t.strictSame(run.results.map(summary), [
    ['image.unsigned', true, 'error', { uri: 'deploy/we%20b.yaml', uriBaseId: '%SRCROOT%' }, image],
    ['registry.unreachable', true, 'error', { uri: 'r.test/app%3A1' }, { startLine: 1, startColumn: 1 }],
    ['image.unsigned', true, 'warning', { uri: 'file:///elsewhere/a.yaml' }, image],
    ['policy.none-matched', true, 'note', { uri: 'file:///elsewhere/a.yaml' }, { startLine: 5, startColumn: 3 }],
    ['object.invalid', true, 'error', { uri: 'b.yaml', uriBaseId: '%SRCROOT%' }, { startLine: 1, startColumn: 1 }],
  ])
  t.strictSame(run.results[0].message, {
    text: `Pod shop/web: ${SENTENCE}\nimage: r.test/app:1\n100% of <nothing>\nto fix: ${REMEDY}\npolicies: a, b`,
  })
  t.strictSame(run.results[0].locations[0].logicalLocations, [{ fullyQualifiedName: `Pod shop/web: ${WHERE}` }])
})

t.test('a finding has the same fingerprint when its lines move, and another than any other', async t => {
  const prints = (results: readonly CheckResult[]): string[] =>
    JSON.parse(renderSarif(makeReport(results))).runs[0].results.map(
      (result: { partialFingerprints: Record<string, string> }) => result.partialFingerprints['shedu/v1'],
    )
  const moved = { ...REFUSED, object: { ...REFUSED.object, positionOf: () => ({ line: 99, column: 1 }) } }
  t.strictSame(prints([moved]), prints([REFUSED]))
  t.equal(new Set(prints(ALL)).size, 5)
})

t.test('JUnit has a suite for each file and says what failed, what could not be told and what was skipped', async t => {
  t.equal(
    renderJunit(makeReport([REFUSED, SILENT, SKIPPED])),
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="shedu check" tests="3" failures="1" errors="1" skipped="1">
  <testsuite name="/checkout/deploy/we b.yaml" tests="1" failures="1" errors="0" skipped="0">
    <testcase name="Pod shop/web" classname="/checkout/deploy/we b.yaml" file="deploy/we b.yaml" line="1">
      <failure type="image.unsigned" message="image.unsigned: ${SENTENCE}">/checkout/deploy/we b.yaml:6:14  ${WHERE}
image: r.test/app:1
image.unsigned: ${SENTENCE}
100% of &lt;nothing&gt;
to fix: ${REMEDY}
policies: a, b</failure>
    </testcase>
  </testsuite>
  <testsuite name="r.test/app:1" tests="1" failures="0" errors="1" skipped="0">
    <testcase name="image r.test/app:1" classname="r.test/app:1">
      <error type="registry.unreachable" message="registry.unreachable: the registry did not answer usably, so nothing is known about the image">image r.test/app:1  ${WHERE}
image: r.test/app:1
registry.unreachable: the registry did not answer usably, so nothing is known about the image
down
to fix: try again; if it goes on, check the registry, its address and the network between it and the cluster
policies: a, b</error>
    </testcase>
  </testsuite>
  <testsuite name="/checkout/b.yaml" tests="1" failures="0" errors="0" skipped="1">
    <testcase name="Pod shop/web" classname="/checkout/b.yaml" file="b.yaml" line="1">
      <skipped message="it names no image"/>
    </testcase>
  </testsuite>
</testsuites>
`,
  )
  t.match(renderJunit(makeReport([WARNED])), /<system-out>warning: .*\n[\s\S]*\n\nnote: .*spec.x/)
})

t.test('GitHub is told file, line and column, and reads the text as it was written', async t => {
  const [first, second, third, fourth, fifth, ...rest] = renderGithub(makeReport(ALL)).split('\n')
  t.equal(
    first,
    `::error file=deploy/we b.yaml,line=6,col=14,title=image.unsigned%3A ${SENTENCE}::Pod shop/web, ${WHERE}%0Aimage: r.test/app:1%0Aimage.unsigned: ${SENTENCE}%0A100%25 of <nothing>%0Ato fix: ${REMEDY}%0Apolicies: a, b`,
  )
  t.match(second, /^::error title=registry.unreachable%3A .*::image r.test\/app:1, spec/)
  t.match(third, /^::warning title=image.unsigned/)
  t.match(fourth, /^::notice title=policy.none-matched/)
  t.match(fifth, /^::error file=b.yaml,line=1,col=1,title=object.invalid.*expected a list%0A/)
  t.strictSame(rest, [''])
})

t.test('what was passed over is said in every form, and is no finding', async t => {
  const report = makeReport([SKIPPED], { passedOver: [{ file: 'a/<b>.yaml:1', reason: 'no [object](x)' }] })
  t.match(
    renderJunit(report),
    '<testsuite name="passed over" tests="1" failures="0" errors="0" skipped="1">\n    <testcase name="a/&lt;b&gt;.yaml:1" classname="passed over"><skipped message="no [object](x)"/></testcase>',
  )
  t.equal(renderGithub(report), '::notice title=passed over::a/<b>.yaml:1: no [object](x)\n')
  const [run] = JSON.parse(renderSarif(report)).runs
  t.strictSame(run.invocations[0].toolExecutionNotifications, [
    { level: 'note', message: { text: 'passed over: a/<b>.yaml:1: no [object]\\u0028x)' } },
  ])
  t.strictSame(run.results, [])
})

t.test('no name breaks out of its place in any form', async t => {
  const evil =
    "\"/><x a='b'>[mended](https://evil.test)&amp;]]>\u0000\ufffe\ufffd::error::x,y=z%0A##[group]\u001b[2J\n::stop-commands::q\ud800"
  const because = refusal('image.unsigned', evil)
  const objection = { because, where: WHERE, image: evil, policies: [evil] }
  const results = [
    resultOf(object(`/checkout/${evil}`, evil.toWellFormed()), deny(objection), UNPINNED),
    resultOf(
      objectOfImage(evil, 'default'),
      { ...judged, outcome: 'deny', objections: [objection], warnings: [objection] },
      UNPINNED,
    ),
    invalidResult(object(evil), evil),
  ]
  const report = makeReport(results)

  const elements: string[] = []
  const parser = new SaxesParser()
  parser.on('error', error => t.fail(String(error)))
  parser.on('opentag', ({ name }) => elements.push(name))
  parser.write(renderJunit(report)).close()
  t.notOk(elements.includes('x'), 'no element but ours')

  const log = JSON.parse(renderSarif(report))
  for (const { locations, message } of log.runs[0].results) {
    t.match(message.text, '[mended]')
    t.notMatch(message.text, '](', 'no link but ours')
    t.match(
      locations[0].physicalLocation.artifactLocation.uri,
      /^(?:file:\/\/\/[\w.~!$&'()*+,;=:@%/-]+|[\w.~!'()*%/-]+)$/,
    )
  }

  const lines = renderGithub(report).trimEnd().split('\n')
  t.equal(lines.length, 4, 'one line for each of four findings')
  for (const line of lines) {
    t.match(line, /^::(?:error|warning) (?:file=[^,:]+,line=\d+,col=\d+,)?title=[^,:]+::[^:]/)
    t.notMatch(line, '##[')
  }
})
