import t from 'tap'
import { readObjects } from '#cli/read-objects.ts'
import { renderJson } from '#cli/report/json.ts'
import type { Paint } from '#cli/report/paint.ts'
import type { CheckResult } from '#cli/report/result.ts'
import { exitCodeOf, invalidResult, resultOf, summaryOf } from '#cli/report/result.ts'
import { renderResult, renderSummary } from '#cli/report/text.ts'
import { visible, visibleLines } from '#cli/report/visible.ts'
import { refusal, silence } from '#core/domain/refusal.ts'
import type { Objection, Verdict } from '#core/domain/verdict.ts'
import type { Pinning } from '#core/gate/pin.ts'
import { DIGEST, makeProof } from '#test/support/make-subject.ts'
import { makeReport } from './make-report.ts'

const plain: Paint = (_colour, text) => text
const UNPINNED: Pinning = { pins: [], unpinned: [] }

const TEXT = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
        - image: r.test/app:1
`
const WHERE = 'spec.template.spec.containers[0].image'

function object(text = TEXT, file = 'shop.yaml') {
  const [first] = readObjects([{ file, origin: 'named', text }], 'default').objects
  if (first === undefined) throw new Error('expected an object')
  return first
}

const judged = { policies: ['release'], warnings: [], unmatched: [] }
const allow: Verdict = { ...judged, outcome: 'allow', passed: undefined, proofs: [makeProof()] }
const unsigned: Objection = {
  because: refusal('image.unsigned', 'expected a signature, found none'),
  where: WHERE,
  image: 'r.test/app:1',
  policies: ['base', 'release'],
}
const unreachable: Objection = { ...unsigned, because: silence('registry.unreachable', 'connection refused') }

function result(verdict: Verdict, pinning = UNPINNED): CheckResult {
  return resultOf(object(), verdict, pinning)
}

const ADMITTED = result(allow)
const REFUSED = result({ ...judged, outcome: 'deny', objections: [unsigned] })
const UNDECIDED = result({ ...judged, outcome: 'undecided', objections: [unreachable] })
const SKIPPED = result({ outcome: 'allow', passed: 'kind-without-images' })
const INVALID = invalidResult(object(), 'expected spec.template.spec.containers to be a list')

t.test('an admitted object is one line and a line for each pin', async t => {
  t.equal(renderResult(ADMITTED, plain), 'admitted Deployment shop/web (shop.yaml:1)\n')
  const pins = [{ where: WHERE, from: 'r.test/app:1', to: `r.test/app:1@${DIGEST}` }]
  t.equal(
    renderResult(result(allow, { pins, unpinned: [] }), plain),
    `admitted Deployment shop/web (shop.yaml:1)\n  pinned shop.yaml:8:18  r.test/app:1 → ${DIGEST}\n`,
  )
})

t.test('a refused object says which line, which image, why, how to mend it and whose policy it is', async t => {
  t.equal(
    renderResult(REFUSED, plain),
    `refused Deployment shop/web (shop.yaml:1)
  shop.yaml:8:18  ${WHERE}
    image: r.test/app:1
    image.unsigned: the image carries no signature
    expected a signature, found none
    to fix: sign the digest as this policy demands it (cosign sign IMAGE@DIGEST, with --key KEY where it names a key), or use a signed image
    policies: base, release
`,
  )
})

t.test('warnings of an admitted object are not lost', async t => {
  const warned = renderResult(result({ ...allow, warnings: [unsigned] }), plain)
  t.match(warned, /^admitted .*\n {2}warning shop.yaml:8:18 {2}spec.*\n {4}image: r.test.*\n {4}image.unsigned: /)
})

t.test('skipped and invalid objects say why', async t => {
  t.equal(renderResult(SKIPPED, plain), 'skipped Deployment shop/web (shop.yaml:1): not a kind that Shedu looks into\n')
  t.equal(
    renderResult(INVALID, plain),
    'invalid Deployment shop/web (shop.yaml:1): expected spec.template.spec.containers to be a list\n',
  )
})

t.test('notes images that no policy covers and tags that stayed tags, unless an objection says so', async t => {
  const because = silence('registry.unreachable', 'connection refused')
  const pinning = { pins: [], unpinned: [{ where: WHERE, image: 'r.test/app:1', because }] }
  const noted = renderResult(result({ ...allow, unmatched: [WHERE] }, pinning), plain)
  t.match(noted, /note shop.yaml:8:18 .*: no policy covers this image\n/)
  t.match(noted, /note shop.yaml:8:18 .*: not pinned: registry.unreachable: connection refused\n/)
  const objected = result({ ...judged, unmatched: [WHERE], outcome: 'deny', objections: [unsigned] }, pinning)
  t.notMatch(renderResult(objected, plain), /note/)
})

t.test('the summary counts every outcome there is', async t => {
  const all = [ADMITTED, ADMITTED, REFUSED, UNDECIDED, SKIPPED, INVALID]
  t.equal(
    renderSummary(summaryOf(all)),
    '6 objects: 2 admitted, 1 refused, 1 could not be told, 1 skipped, 1 invalid\n',
  )
  t.equal(renderSummary(summaryOf([ADMITTED])), '1 object: 1 admitted, 0 refused\n')
})

t.test('the exit code is 0 only when nothing stands against any object', async t => {
  const code = (...results: CheckResult[]) => exitCodeOf(summaryOf(results))
  t.equal(code(ADMITTED, SKIPPED), 0)
  t.equal(code(ADMITTED, UNDECIDED), 3)
  t.equal(code(UNDECIDED, REFUSED, ADMITTED), 1, 'a certain refusal wins over silence')
  t.equal(code(REFUSED, INVALID), 2)
})

t.test('only the words that carry the answer are coloured', async t => {
  const painted = renderResult(REFUSED, (colour, text) => `<${colour}>${text}</>`)
  t.match(painted, /^<red>refused<\/> Deployment/)
  t.match(painted, /<bold>image.unsigned<\/>/)
  t.match(
    renderResult(UNDECIDED, (colour, text) => `<${colour}>${text}</>`),
    /^<yellow>undecided/,
  )
})

t.test('the JSON report has these fields, all of them always', async t => {
  const pins = [{ where: WHERE, from: 'r.test/app:1', to: `r.test/app:1@${DIGEST}` }]
  const unpinned = [{ where: WHERE, image: 'r.test/app:1', because: unreachable.because }]
  const results = [
    result({ ...allow, warnings: [unreachable], unmatched: [WHERE] }, { pins, unpinned }),
    REFUSED,
    SKIPPED,
  ]
  const passedOver = [{ file: 'chart', reason: 'a Helm chart' }]
  const report: unknown = JSON.parse(renderJson(makeReport(results, { passedOver })))
  const place = { field: WHERE, line: 8, column: 18 }
  const common = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace: 'shop',
    name: 'web',
    source: { kind: 'file', file: 'shop.yaml', document: 1, line: 1, column: 1 },
  }
  const nothing = {
    reason: null,
    policies: [],
    objections: [],
    warnings: [],
    unmatched: [],
    pins: [],
    unpinned: [],
    proofs: [],
  }
  t.strictSame(report, {
    version: 1,
    results: [
      {
        ...common,
        ...nothing,
        outcome: 'admitted',
        policies: ['release'],
        warnings: [
          {
            ...place,
            image: 'r.test/app:1',
            code: 'registry.unreachable',
            kind: 'silent',
            sentence: 'the registry did not answer usably, so nothing is known about the image',
            detail: 'connection refused',
            remedy:
              'try again; if it goes on, check the registry, its address and the network between it and the cluster',
            policies: ['base', 'release'],
          },
        ],
        unmatched: [place],
        pins: [{ ...place, from: 'r.test/app:1', to: `r.test/app:1@${DIGEST}` }],
        unpinned: [{ ...place, image: 'r.test/app:1', code: 'registry.unreachable', detail: 'connection refused' }],
        proofs: [
          {
            proves: 'signature',
            digest: DIGEST,
            signer: 'aa',
            issuer: null,
            subjects: [],
            predicateType: null,
            signedAt: null,
          },
        ],
      },
      {
        ...common,
        ...nothing,
        outcome: 'refused',
        policies: ['release'],
        objections: [
          {
            ...place,
            image: 'r.test/app:1',
            code: 'image.unsigned',
            kind: 'refused',
            sentence: 'the image carries no signature',
            detail: 'expected a signature, found none',
            remedy:
              'sign the digest as this policy demands it (cosign sign IMAGE@DIGEST, with --key KEY where it names a key), or use a signed image',
            policies: ['base', 'release'],
          },
        ],
      },
      { ...common, ...nothing, outcome: 'skipped', reason: 'not a kind that Shedu looks into' },
    ],
    summary: { objects: 3, admitted: 1, refused: 1, undecided: 0, skipped: 1, invalid: 0 },
    exitCode: 1,
    passedOver,
    asOf: null,
  })
})

t.test('nothing that a file or a registry wrote reaches the terminal raw', async t => {
  const evil = '\u001b[2J\u001b]0;x\u0007\r\n\u009b\u202e\u200b\u2028\u{e0041}\ud800'
  const text = JSON.stringify({ apiVersion: 'v1', kind: `Pod${evil}`, metadata: { name: evil, namespace: evil } })
  const objection: Objection = { because: refusal('image.unsigned', evil), where: evil, image: evil, policies: [evil] }
  const pinning: Pinning = {
    pins: [{ where: evil, from: evil, to: evil }],
    unpinned: [{ where: 'x', image: evil, because: refusal('image.not-found', evil) }],
  }
  const verdict: Verdict = {
    policies: [evil],
    warnings: [objection],
    unmatched: [`y${evil}`],
    outcome: 'deny',
    objections: [objection],
  }
  const result = resultOf(object(text, `${evil}.yaml`), verdict, pinning)
  const rendered = renderResult(result, plain) + renderResult(invalidResult(object(text), evil), plain)
  t.notMatch(rendered.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
  t.match(rendered, /\\u001b\[2J\\u001b\]0;x\\u0007\\u000d\\u000a\\u009b\\u202e\\u200b\\u2028\\udb40\\udc41\\ud800/)
  t.equal(rendered.split('\n').length, 18, 'no line but ours')
  const json = renderJson(makeReport([result]))
  t.notMatch(json.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
  t.equal((JSON.parse(json) as { results: { name: string }[] }).results[0]?.name, evil, 'and means the same')
})

t.test('nothing that a file wrote is an order to the server that runs the job', async t => {
  t.equal(visible('::stop-commands::x.yaml'), '\\u003a:stop-commands::x.yaml')
  t.equal(visible('  ::error::x'), '  \\u003a:error::x', 'the runner of GitHub looks behind blanks')
  t.equal(visible('a::b'), 'a::b')
  t.equal(visible('x ##[set-output name=a]b'), 'x #\\u0023[set-output name=a]b')
  t.equal(visible('##vso[task.x]##VSO[y]##teamcity[z]'), '#\\u0023vso[task.x]#\\u0023VSO[y]#\\u0023teamcity[z]')
  t.equal(visible('# ## heading'), '# ## heading')
  const { results } = JSON.parse(renderJson(makeReport([result(allow), invalidResult(object(), '##[group]')]))) as {
    results: { reason: string | null }[]
  }
  t.equal(results[1]?.reason, '##[group]')
  t.notMatch(renderJson(makeReport([invalidResult(object(), '##[group]')])), '##[')
})

t.test('every text ends, and so does every list of them', async t => {
  t.equal(visible('x'.repeat(600)), 'x'.repeat(600))
  t.equal(visible('x'.repeat(601)), `${'x'.repeat(600)}…`)
  t.equal(
    visibleLines(Array.from({ length: 102 }, () => 'x').join('\n'))
      .split('\n')
      .at(-1),
    '… and 2 more lines',
  )
  const objections = (count: number) =>
    result({ ...judged, outcome: 'deny', objections: Array.from({ length: count }, () => unsigned) })
  t.notMatch(renderResult(objections(50), plain), /more/)
  t.match(renderResult(objections(51), plain), /… and 1 more; -o json shows all\n$/)
  const long = renderJson(makeReport([invalidResult(object(), 'x'.repeat(5000))]))
  t.equal((JSON.parse(long) as { results: { reason: string }[] }).results[0]?.reason.length, 4097)
})
