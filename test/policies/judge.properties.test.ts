/** What must hold of the judge whatever the policies say and whatever was found. */
import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import t from 'tap'
import type { Fact, Finding } from '#core/domain/fact.ts'
import { refusal, silence } from '#core/domain/refusal.ts'
import type { Verdict } from '#core/domain/verdict.ts'
import { parseImageGlob } from '#policies/image-glob.ts'
import { judge } from '#policies/judge.ts'
import type { NoMatch } from '#policies/judge-image.ts'
import type { Policy, Proven, Requirement } from '#policies/policy.ts'
import { policiesFor } from '#policies/select.ts'
import {
  DIGEST,
  makeAttestationDemand,
  makeAttestationProof,
  makeDemand,
  makePolicy,
  makeProof,
  makeWorkload,
  OTHER_DIGEST,
} from './make-policy.ts'

const KEYS = ['a', 'b', 'c']
const SBOM = 'https://sbom.test'
/** Two demands that the key `a` may meet, so that one signer can stand behind two leaves. */
const DEMANDS = [...KEYS.map(key => makeDemand(key)), makeAttestationDemand('a', SBOM)]
const IMAGES = [
  `r.test/app@${DIGEST}`,
  `r.test/other@${OTHER_DIGEST}`,
  'r.test/app:v1',
  'stranger.test/app:v1',
  'NO IMAGE',
]
const GLOBS = ['r.test/**', 'r.test/app@*', 'r.test/app:*', '**']

const proven: fc.Arbitrary<Proven> = fc.record({
  kind: fc.constant('proven' as const),
  authority: fc.constantFrom('x', 'y'),
  demand: fc.constantFrom(...DEMANDS),
})
const leaves: fc.Arbitrary<Requirement> = fc.oneof(
  proven,
  fc.record({
    kind: fc.constant('static' as const),
    authority: fc.constantFrom('x', 'z'),
    action: fc.constantFrom('pass' as const, 'fail' as const),
    message: fc.constantFrom('', 'no'),
  }),
  fc.record({ kind: fc.constant('invalid' as const), detail: fc.constantFrom('', 'no') }),
)
const { tree } = fc.letrec<{ tree: Requirement }>(tie => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaves,
    fc.record({
      kind: fc.constantFrom('any-of' as const, 'all-of' as const),
      of: fc.array(tie('tree'), { maxLength: 3 }),
    }),
    fc.record({
      kind: fc.constant('at-least' as const),
      signers: fc.integer({ min: -1, max: 3 }),
      of: fc.array(proven, { maxLength: 3 }),
    }),
  ),
}))

const policySets: fc.Arbitrary<readonly Policy[]> = fc
  .array(fc.tuple(tree, fc.constantFrom('enforce' as const, 'warn' as const), fc.subarray(GLOBS)), { maxLength: 3 })
  .map(all =>
    all.map(([requires, mode, globs], index) =>
      makePolicy(`p${index}`, requires, { mode, images: globs.map(parseImageGlob) }),
    ),
  )

const findings: fc.Arbitrary<Finding> = fc.constantFrom(
  ...KEYS.flatMap(key => [makeProof(key, DIGEST), makeProof(key, OTHER_DIGEST), makeProof(key, DIGEST, OTHER_DIGEST)]),
  makeAttestationProof('a', SBOM),
  makeAttestationProof('a', 'https://another.test'),
  refusal('image.unsigned', 'nothing there'),
  refusal('signature.wrong-key', 'somebody else'),
  refusal('signature.wrong-key', 'yet another'),
  silence('registry.unreachable', 'no route'),
  silence('deadline.exceeded', 'too late'),
)

type Case = {
  readonly policies: readonly Policy[]
  readonly noMatch: NoMatch
  readonly workload: ReturnType<typeof makeWorkload>
  readonly facts: readonly Fact[]
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    policies: policySets,
    noMatch: fc.constantFrom('deny' as const, 'warn' as const, 'allow' as const),
    images: fc.array(fc.constantFrom(...IMAGES), { maxLength: 3 }),
    found: fc.array(fc.tuple(fc.nat(2), fc.constantFrom(...DEMANDS), findings), { maxLength: 12 }),
  })
  .map(({ policies, noMatch, images, found }) => {
    const workload = makeWorkload(...images)
    const facts = found.flatMap(([index, demand, finding]) =>
      workload.images.slice(index, index + 1).map(use => ({ use, demand, found: finding })),
    )
    return { policies, noMatch, workload, facts }
  })

function judged({ policies, noMatch, workload, facts }: Case): Verdict {
  return judge(policies, { noMatch }, workload, facts)
}

function reversed(requirement: Requirement): Requirement {
  if (requirement.kind === 'at-least') return { ...requirement, of: requirement.of.toReversed() }
  return 'of' in requirement ? { ...requirement, of: requirement.of.map(reversed).toReversed() } : requirement
}

t.test('the order of policies, authorities and facts never changes the verdict', async () => {
  fc.assert(
    fc.property(cases, fc.infiniteStream(fc.nat()), (one, random) => {
      const order = new Map([...one.policies, ...one.facts].map(each => [each, random.next().value as number]))
      const byChance = (a: Policy | Fact, b: Policy | Fact) => (order.get(a) ?? 0) - (order.get(b) ?? 0)
      const other = {
        ...one,
        policies: one.policies.toSorted(byChance).map(policy => ({ ...policy, requires: reversed(policy.requires) })),
        facts: one.facts.toSorted(byChance),
      }
      return isDeepStrictEqual(judged(other), judged(one))
    }),
    { numRuns: 500 },
  )
})

t.test('one more refusal never turns a deny into anything else, nor anything into an allow', async () => {
  const rank = { deny: 0, undecided: 1, allow: 2 }
  fc.assert(
    fc.property(cases, fc.nat(2), fc.constantFrom(...DEMANDS), (one, index, demand) => {
      const more = one.workload.images
        .slice(index, index + 1)
        .map(use => ({ use, demand, found: refusal('signature.invalid', 'damaged') }))
      const before = judged(one)
      const after = judged({ ...one, facts: [...one.facts, ...more] })
      if (before.outcome === 'deny') return after.outcome === 'deny'
      return rank[after.outcome] <= rank[before.outcome]
    }),
    { numRuns: 500 },
  )
})

t.test('allows only what every enforcing policy is satisfied with, or what the setting admits', async () => {
  fc.assert(
    fc.property(cases, one => {
      const verdict = judged(one)
      if (verdict.outcome !== 'allow' || verdict.passed !== undefined) return true
      return one.workload.images.length > 0 && one.workload.images.every(use => isAccountedFor(one, use))
    }),
    { numRuns: 1500 },
  )
})

/** Says by other means than the judge's own why an image was allowed: leaf by leaf, with booleans. */
function isAccountedFor({ policies, noMatch, facts }: Case, use: Fact['use']): boolean {
  const { ref } = use
  if (ref.kind === 'refusal') return false
  const matching = policiesFor(policies, ref)
  if (matching.length === 0) return noMatch !== 'deny'
  /** The fingerprint of whoever is proven to have made what the leaf asks for. */
  const signerFor = ({ demand }: Proven): string | undefined => {
    const { found } =
      facts.find(
        ({ use: at, demand: answered, found }) =>
          at === use && answered === demand && found.kind === 'proof' && found.digest === ref.digest,
      ) ?? {}
    if (found?.kind !== 'proof' || found.signer.kind !== 'key' || demand.by.kind !== 'key') return undefined
    const isAsked =
      demand.kind === 'signature'
        ? found.proves === 'signature'
        : found.proves === 'attestation' && found.predicateType === demand.predicateType
    return isAsked && found.signer.fingerprint === demand.by.key.fingerprint ? found.signer.fingerprint : undefined
  }
  const holds = (requirement: Requirement): boolean => {
    if (requirement.kind === 'invalid') return false
    if (requirement.kind === 'static') return requirement.action === 'pass'
    if (requirement.kind === 'all-of') return requirement.of.length > 0 && requirement.of.every(holds)
    if (requirement.kind === 'any-of') return requirement.of.some(holds)
    if (requirement.kind === 'proven') return signerFor(requirement) !== undefined
    const signers = new Set(requirement.of.map(signerFor).filter(signer => signer !== undefined))
    return signers.size >= Math.max(1, requirement.signers)
  }
  return matching.filter(policy => policy.mode === 'enforce').every(policy => holds(policy.requires))
}

t.test('every objection names its image and its policies, and an allow has none', async () => {
  fc.assert(
    fc.property(cases, one => {
      const verdict = judged(one)
      if (verdict.outcome === 'allow') return true
      const kinds = verdict.objections.map(({ because }) => because.kind)
      const places = new Set(['', ...one.workload.images.map(use => use.where)])
      return (
        kinds.length > 0 &&
        kinds.includes('refusal') === (verdict.outcome === 'deny') &&
        verdict.objections.every(
          ({ where, policies }) => places.has(where) && policies.every(name => verdict.policies.includes(name)),
        )
      )
    }),
  )
})
