import t from 'tap'
import { demandKey } from '#core/domain/demand.ts'
import type { Fact, Finding } from '#core/domain/fact.ts'
import { refusal, silence } from '#core/domain/refusal.ts'
import type { Verdict } from '#core/domain/verdict.ts'
import type { Workload } from '#core/domain/workload.ts'
import { parseImageGlob } from '#policies/image-glob.ts'
import { judge } from '#policies/judge.ts'
import type { Policy, Requirement } from '#policies/policy.ts'
import {
  allOf,
  anyOf,
  atLeast,
  attestedBy,
  DIGEST,
  fixed,
  IMAGE,
  makeAttestationDemand,
  makeAttestationProof,
  makeDemand,
  makePolicy,
  makeProof,
  makeWorkload,
  OTHER_DIGEST,
  signedBy,
} from './make-policy.ts'

const UNSIGNED = refusal('image.unsigned', 'nothing there')
const WRONG_KEY = refusal('signature.wrong-key', 'signed by somebody else')
const WRONG_IMAGE = refusal('signature.wrong-image', 'signed for another image')
const DOWN = silence('registry.unreachable', 'no route')
const OTHER_IMAGE = `r.test/other@${OTHER_DIGEST}`

/** What was found for each key, for every image of the workload. */
function factsOf(workload: Workload, found: Readonly<Record<string, Finding>>): readonly Fact[] {
  return workload.images.flatMap(use =>
    Object.entries(found).map(([key, finding]) => ({ use, demand: makeDemand(key), found: finding })),
  )
}

function judgeOne(
  requires: Requirement,
  found: Readonly<Record<string, Finding>>,
  overrides: Partial<Policy> = {},
): Verdict {
  const workload = makeWorkload(IMAGE)
  return judge([makePolicy('p', requires, overrides)], { noMatch: 'deny' }, workload, factsOf(workload, found))
}

/** Outcome and the codes in their order, warnings in parentheses: `deny image.unsigned (policy.static-deny)`. */
function inShort(verdict: Verdict): string {
  if (verdict.outcome === 'allow' && verdict.passed !== undefined) return `passed ${verdict.passed}`
  const objections = verdict.outcome === 'allow' ? [] : verdict.objections
  const codes = objections.map(({ because }) => because.code)
  return [verdict.outcome, ...codes, ...verdict.warnings.map(({ because }) => `(${because.code})`)].join(' ')
}

function objectionsIn(verdict: Verdict) {
  if (verdict.outcome === 'allow') throw new Error('expected objections, got an allow')
  return verdict.objections
}

t.test('judges the tree of a policy', async t => {
  const yes = { a: makeProof('a') }
  const table: readonly (readonly [string, Requirement, Readonly<Record<string, Finding>>, string])[] = [
    ['one key, proven', signedBy('a'), yes, 'allow'],
    ['one key, refused', signedBy('a'), { a: UNSIGNED }, 'deny image.unsigned'],
    ['one key, silent', signedBy('a'), { a: DOWN }, 'undecided registry.unreachable'],
    ['one key, nobody looked', signedBy('a'), {}, 'undecided internal.error'],
    ['any of, one proven', anyOf(signedBy('a'), signedBy('b')), { ...yes, b: UNSIGNED }, 'allow'],
    ['any of, one proven, one silent', anyOf(signedBy('a'), signedBy('b')), { ...yes, b: DOWN }, 'allow'],
    [
      'any of, one refused, one silent',
      anyOf(signedBy('a'), signedBy('b')),
      { a: UNSIGNED, b: DOWN },
      'undecided registry.unreachable',
    ],
    [
      'any of, one refused, one not looked at',
      anyOf(signedBy('a'), signedBy('b')),
      { a: UNSIGNED },
      'undecided internal.error',
    ],
    ['any of, all refused', anyOf(signedBy('a'), signedBy('b')), { a: UNSIGNED, b: UNSIGNED }, 'deny image.unsigned'],
    ['any of nothing', anyOf(), {}, 'undecided internal.error'],
    ['any of nothing or a proof', anyOf(anyOf(), signedBy('a')), yes, 'allow'],
    ['all of, all proven', allOf(signedBy('a'), signedBy('b')), { ...yes, b: makeProof('b') }, 'allow'],
    ['all of, one refused', allOf(signedBy('a'), signedBy('b')), { ...yes, b: UNSIGNED }, 'deny image.unsigned'],
    ['all of, one silent', allOf(signedBy('a'), signedBy('b')), { ...yes, b: DOWN }, 'undecided registry.unreachable'],
    [
      'all of, one refused, one silent',
      allOf(signedBy('a'), signedBy('b')),
      { a: UNSIGNED, b: DOWN },
      'deny image.unsigned',
    ],
    ['all of nothing', allOf(), {}, 'undecided internal.error'],
    ['all of a proof and nothing', allOf(signedBy('a'), allOf()), yes, 'undecided internal.error'],
    ['static pass', fixed('pass'), {}, 'allow'],
    ['static fail', fixed('fail'), {}, 'deny policy.static-deny'],
    ['a policy that is not valid', { kind: 'invalid', detail: 'no key' }, {}, 'deny policy.invalid'],
    ['static fail or a proof', anyOf(fixed('fail'), signedBy('a')), yes, 'allow'],
    ['static pass and a refusal', allOf(fixed('pass'), signedBy('a')), { a: UNSIGNED }, 'deny image.unsigned'],
    ['static pass or a silence', anyOf(fixed('pass'), signedBy('a')), { a: DOWN }, 'allow'],
  ]
  for (const [title, requires, found, expected] of table) t.equal(inShort(judgeOne(requires, found)), expected, title)
})

t.test(
  'wants so many distinct signers, and is undecided while those who are silent could make up the number',
  async t => {
    const two = atLeast(2, signedBy('a'), signedBy('b'), signedBy('c'))
    const [a, b] = [makeProof('a'), makeProof('b')]
    const table: readonly (readonly [string, Requirement, Readonly<Record<string, Finding>>, string])[] = [
      ['as many as are wanted', two, { a, b, c: UNSIGNED }, 'allow'],
      ['as many, and one silent', two, { a, b, c: DOWN }, 'allow'],
      ['more', two, { a, b, c: makeProof('c') }, 'allow'],
      ['one, and one silent', two, { a, b: UNSIGNED, c: DOWN }, 'undecided registry.unreachable'],
      ['one, and one not looked at', two, { a, b: UNSIGNED }, 'undecided internal.error'],
      ['one', two, { a, b: UNSIGNED, c: WRONG_KEY }, 'deny signature.wrong-key'],
      ['none, and one silent', two, { a: UNSIGNED, b: UNSIGNED, c: DOWN }, 'deny image.unsigned'],
      ['none, and two silent', two, { a: UNSIGNED, b: DOWN, c: DOWN }, 'undecided registry.unreachable'],
      [
        'more than there are leaves',
        atLeast(3, signedBy('a'), signedBy('b')),
        { a, b },
        'deny signature.too-few-signers',
      ],
      ['of nothing', atLeast(1), {}, 'undecided internal.error'],
      ['none wanted, none there', atLeast(0, signedBy('a')), { a: UNSIGNED }, 'undecided internal.error'],
      ['none wanted of nothing', atLeast(0), {}, 'undecided internal.error'],
      ['no number', atLeast(Number.NaN, signedBy('a')), { a }, 'deny signature.too-few-signers'],
    ]
    for (const [title, requires, found, expected] of table) t.equal(inShort(judgeOne(requires, found)), expected, title)
  },
)

t.test('counts a signer once, however many leaves its signatures satisfy', async t => {
  const types = ['https://one.test', 'https://two.test']
  const leaves = types.map(type => attestedBy('a', type))
  const workload = makeWorkload(IMAGE)
  const facts = workload.images.flatMap(use =>
    types.map(type => ({
      use,
      demand: makeAttestationDemand('a', type),
      found: makeAttestationProof('a', type),
    })),
  )
  const verdict = (requires: Requirement) =>
    judge([makePolicy('p', requires)], { noMatch: 'deny' }, workload, [
      ...facts,
      ...factsOf(workload, { b: makeProof('b') }),
    ])
  t.equal(inShort(verdict(atLeast(1, ...leaves))), 'allow')
  t.match(objectionsIn(verdict(atLeast(2, ...leaves))), [
    { because: { code: 'signature.too-few-signers', detail: 'expected 2 distinct signers, got 1' } },
  ])
  t.equal(inShort(verdict(atLeast(2, ...leaves, signedBy('b')))), 'allow')
  t.equal(inShort(verdict(allOf(...leaves))), 'allow', 'where none are counted, one signer may do it all')
})

t.test('two findings for one leaf are one signer', async t => {
  const workload = makeWorkload(IMAGE)
  const found = [makeProof('a'), { ...makeProof('a'), signer: makeProof('b').signer }]
  const facts = workload.images.flatMap(use => found.map(one => ({ use, demand: makeDemand('a'), found: one })))
  const verdict = judge([makePolicy('p', atLeast(2, signedBy('a')))], { noMatch: 'deny' }, workload, facts)
  t.equal(inShort(verdict), 'deny signature.too-few-signers')
})

t.test('an allow carries what was proven, each proof once', async t => {
  const workload = makeWorkload(IMAGE, IMAGE)
  const policies = [makePolicy('p', anyOf(signedBy('b'), signedBy('a'))), makePolicy('q', signedBy('a'))]
  const facts = factsOf(workload, { a: makeProof('a'), b: makeProof('b') })
  t.strictSame(judge(policies, { noMatch: 'deny' }, workload, facts), {
    outcome: 'allow',
    passed: undefined,
    policies: ['p', 'q'],
    warnings: [],
    unmatched: [],
    proofs: [makeProof('a'), makeProof('b')],
  })
})

t.test('one signature that answers two demands is two proofs, in one order', async t => {
  const workload = makeWorkload(IMAGE)
  const logged = { ...makeDemand('a'), log: { trustRoot: 'default', atLeast: 1 } }
  const found = { ...makeProof('a'), answers: demandKey(logged), logs: ['ab'] }
  const facts = [
    ...workload.images.map(use => ({ use, demand: logged, found })),
    ...factsOf(workload, { a: makeProof('a') }),
  ]
  const leaves = [signedBy('a'), { ...signedBy('a'), demand: logged }]
  const proofs = [leaves, leaves.toReversed()].map(of => {
    const verdict = judge([makePolicy('p', allOf(...of))], { noMatch: 'deny' }, workload, facts)
    if (verdict.outcome !== 'allow' || verdict.passed !== undefined) throw new Error('expected proofs')
    return verdict.proofs
  })
  t.equal(proofs[0]?.length, 2)
  t.strictSame(proofs[0], proofs[1])
})

t.test('every policy that speaks of an image must be satisfied', async t => {
  const workload = makeWorkload(IMAGE)
  const facts = factsOf(workload, { a: makeProof('a'), b: UNSIGNED })
  const elsewhere = { images: [parseImageGlob('elsewhere.test/**')] }
  const verdict = (...policies: readonly Policy[]) => inShort(judge(policies, { noMatch: 'deny' }, workload, facts))
  t.equal(verdict(makePolicy('p', signedBy('a'))), 'allow')
  t.equal(verdict(makePolicy('p', signedBy('a')), makePolicy('q', signedBy('b'))), 'deny image.unsigned')
  t.equal(verdict(makePolicy('p', signedBy('a')), makePolicy('q', fixed('fail'))), 'deny policy.static-deny')
  t.equal(verdict(makePolicy('p', signedBy('a')), makePolicy('q', signedBy('b'), elsewhere)), 'allow')
})

t.test('spends no proof on another image, another place or another demand', async t => {
  const workload = makeWorkload(IMAGE, OTHER_IMAGE)
  const [first, second] = workload.images as unknown as [Fact['use'], Fact['use']]
  const policies = [makePolicy('p', signedBy('a'))]
  const verdict = (...facts: readonly Fact[]) => inShort(judge(policies, { noMatch: 'deny' }, workload, facts))
  const demand = makeDemand('a')
  const good = { use: first, demand, found: makeProof('a') }
  t.equal(verdict(good, { use: second, demand, found: makeProof('a', OTHER_DIGEST) }), 'allow')
  t.equal(
    verdict(good, { use: second, demand, found: makeProof('a', DIGEST) }),
    'undecided internal.error',
    'for another image',
  )
  t.equal(verdict(good, good), 'undecided internal.error', 'for another place')
  const stray = { use: second, demand: makeDemand('b'), found: makeProof('a', OTHER_DIGEST) }
  t.equal(verdict(good, stray), 'undecided internal.error', 'for another key')
  const sha512 = { use: second, demand: makeDemand('a', 'sha512'), found: makeProof('a', OTHER_DIGEST) }
  t.equal(verdict(good, sha512), 'undecided internal.error', 'for another hash')
})

t.test('believes the worst of two findings for one demand', async t => {
  const workload = makeWorkload(IMAGE)
  const verdict = (...found: readonly Finding[]) => {
    const facts = workload.images.flatMap(use =>
      found.map(finding => ({ use, demand: makeDemand('a'), found: finding })),
    )
    return inShort(judge([makePolicy('p', signedBy('a'))], { noMatch: 'deny' }, workload, facts))
  }
  t.equal(verdict(makeProof('a'), makeProof('a')), 'allow')
  t.equal(verdict(makeProof('a'), DOWN), 'undecided registry.unreachable')
  t.equal(verdict(DOWN, UNSIGNED, makeProof('a')), 'deny image.unsigned')
})

t.test('refuses what is no image, whatever the policies, the mode and the setting say', async t => {
  const lenient = [makePolicy('p', fixed('pass'), { mode: 'warn', images: [parseImageGlob('**')] })]
  for (const policies of [lenient, []]) {
    const verdict = judge(policies, { noMatch: 'allow' }, makeWorkload('NOT AN IMAGE'), [])
    t.equal(inShort(verdict), 'deny image.reference-invalid')
    t.match(verdict, {
      objections: [{ where: 'spec.containers[0].image', image: 'NOT AN IMAGE', policies: [] }],
      unmatched: [],
    })
  }
})

t.test('one setting decides about images that no policy speaks of, and the verdict names them', async t => {
  const workload = makeWorkload(IMAGE, 'stranger.test/app:v1')
  const policies = [makePolicy('p', fixed('pass'))]
  const verdicts = { deny: 'deny policy.none-matched', warn: 'allow (policy.none-matched)', allow: 'allow' } as const
  for (const noMatch of ['deny', 'warn', 'allow'] as const) {
    const verdict = judge(policies, { noMatch }, workload, [])
    t.equal(inShort(verdict), verdicts[noMatch])
    t.match(verdict, { policies: ['p'], unmatched: ['spec.containers[1].image'] })
  }
  t.match(judge(policies, { noMatch: 'deny' }, workload, []), {
    objections: [
      { because: { detail: 'no policy matches stranger.test/app:v1' }, image: 'stranger.test/app:v1', policies: [] },
    ],
  })
})

t.test('denies by that setting when it is none that it knows', async t => {
  const settings = { noMatch: 'whatever' as 'deny' }
  t.equal(inShort(judge([], settings, makeWorkload(IMAGE), [])), 'deny policy.none-matched')
})

t.test('a policy in warn mode warns of what it would refuse or does not know, and refuses nothing', async t => {
  t.equal(inShort(judgeOne(signedBy('a'), { a: UNSIGNED }, { mode: 'warn' })), 'allow (image.unsigned)')
  t.equal(inShort(judgeOne(signedBy('a'), { a: DOWN }, { mode: 'warn' })), 'allow (registry.unreachable)')
  t.equal(inShort(judgeOne(signedBy('a'), {}, { mode: 'warn' })), 'allow (internal.error)')
  t.equal(inShort(judgeOne(signedBy('a'), { a: makeProof('a') }, { mode: 'warn' })), 'allow')
})

t.test('attributes to each policy what it says when one warns and one enforces', async t => {
  const workload = makeWorkload(IMAGE)
  const policies = [makePolicy('strict', signedBy('a')), makePolicy('trial', signedBy('b'), { mode: 'warn' })]
  const verdict = judge(policies, { noMatch: 'deny' }, workload, factsOf(workload, { a: WRONG_KEY, b: UNSIGNED }))
  t.match(verdict, {
    outcome: 'deny',
    objections: [{ because: { code: 'signature.wrong-key' }, policies: ['strict'] }],
    warnings: [{ because: { code: 'image.unsigned' }, policies: ['trial'] }],
  })
})

t.test('puts certain refusals before silence, both in the order of the images', async t => {
  const workload = makeWorkload(IMAGE, IMAGE, IMAGE, IMAGE)
  const found = [DOWN, UNSIGNED, makeProof('a'), WRONG_KEY]
  const facts = workload.images.flatMap((use, index) =>
    found.slice(index, index + 1).map(finding => ({ use, demand: makeDemand('a'), found: finding })),
  )
  const verdict = judge([makePolicy('p', signedBy('a'))], { noMatch: 'deny' }, workload, facts)
  t.equal(inShort(verdict), 'deny image.unsigned signature.wrong-key registry.unreachable')
  t.strictSame(
    objectionsIn(verdict).map(({ where }) => where),
    ['spec.containers[1].image', 'spec.containers[3].image', 'spec.containers[0].image'],
  )
})

t.test('allows nothing for want of an image to judge', async t => {
  t.equal(inShort(judge([], { noMatch: 'allow' }, makeWorkload(), [])), 'undecided internal.error')
})

t.test('says the most telling refusal of several authorities first, and who says what', async t => {
  const verdict = judgeOne(anyOf(signedBy('c'), signedBy('b'), signedBy('a'), fixed('fail', 'ask the owner', 'ban')), {
    a: WRONG_KEY,
    b: WRONG_IMAGE,
    c: WRONG_KEY,
  })
  t.strictSame(
    objectionsIn(verdict).map(({ because }) => because),
    [
      refusal(
        'signature.wrong-image',
        'signed for another image (authority "owner of b"); policy.static-deny: ask the owner (authority "ban"); signature.wrong-key: signed by somebody else (authorities "owner of a", "owner of c")',
      ),
    ],
  )
})

t.test('says every detail of the most telling refusal', async t => {
  const verdict = judgeOne(anyOf(signedBy('b'), signedBy('a')), {
    a: refusal('signature.wrong-key', 'not by a'),
    b: refusal('signature.wrong-key', 'not by b'),
  })
  t.match(objectionsIn(verdict), [
    { because: { detail: 'not by a (authority "owner of a"); not by b (authority "owner of b")' } },
  ])
})

t.test('says once what several policies have to say alike, and apart what they do not', async t => {
  const workload = makeWorkload(IMAGE)
  const policies = [makePolicy('z', signedBy('a')), makePolicy('y', signedBy('b')), makePolicy('x', signedBy('c'))]
  const verdict = judge(
    policies,
    { noMatch: 'deny' },
    workload,
    factsOf(workload, { a: UNSIGNED, b: UNSIGNED, c: WRONG_KEY }),
  )
  t.match(objectionsIn(verdict), [
    { because: { code: 'signature.wrong-key' }, policies: ['x'] },
    {
      because: { code: 'image.unsigned', detail: 'nothing there (authorities "owner of a", "owner of b")' },
      policies: ['y', 'z'],
    },
  ])
  t.equal(objectionsIn(verdict).length, 2)
})

t.test('says alike what two policies say of the same authorities in another order', async t => {
  const workload = makeWorkload(IMAGE)
  const policies = [
    makePolicy('p', anyOf(signedBy('a'), signedBy('b'))),
    makePolicy('q', anyOf(signedBy('b'), signedBy('a'))),
  ]
  const verdict = judge(policies, { noMatch: 'deny' }, workload, factsOf(workload, { a: UNSIGNED, b: WRONG_KEY }))
  t.strictSame(
    objectionsIn(verdict).map(({ policies }) => policies),
    [['p', 'q']],
  )
})

t.test('an image named by tag is not let pass by a policy that may only mean its digest', async t => {
  const workload = makeWorkload('r.test/app:v1')
  const verdict = (glob: string, requires: Requirement, ...facts: readonly Fact[]) =>
    inShort(
      judge([makePolicy('p', requires, { images: [parseImageGlob(glob)] })], { noMatch: 'allow' }, workload, facts),
    )
  t.equal(verdict(`r.test/app@${DIGEST}`, fixed('pass')), 'deny image.not-pinned')
  t.equal(verdict('r.test/app@sha256:*', fixed('fail')), 'deny image.not-pinned')
  t.equal(verdict('r.test/app@sha256:*', signedBy('a')), 'undecided internal.error', 'it cannot evade the demand')
  t.equal(verdict('r.test/app:*', fixed('pass')), 'allow', 'the tag itself is what the policy speaks of')
  t.equal(verdict('r.test/**', fixed('pass')), 'allow')
})
