import t from 'tap'
import { MemoryCache } from '#core/cache/memory.ts'
import type { Artefact, Discovery, Found } from '#core/domain/artefact.ts'
import type { Demand } from '#core/domain/demand.ts'
import type { PinnedRef } from '#core/domain/image-ref.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import type { Proof } from '#core/domain/proof.ts'
import { type Refusal, refusal, silence } from '#core/domain/refusal.ts'
import type { TrustRoots } from '#core/domain/trust-root.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { ProverDeps, Verify } from '#core/gate/prove.ts'
import { makeProver } from '#core/gate/prove.ts'
import { ASKER, DEMAND, DIGEST, makeProof } from '#test/support/make-subject.ts'

const image = parseImageRef(`r.test/app@${DIGEST}`) as PinnedRef
const annotations = { certificate: undefined, chain: undefined, bundle: undefined, timestamp: undefined }
const payload = new Uint8Array()
const artefact: Artefact = { layout: 'simple-signing', payload, signature: '', annotations, source: DIGEST }

/** The same of another key. */
const OTHER: Demand = { ...DEMAND, by: { kind: 'key', key: { fingerprint: 'bb', spki: '' }, hash: 'sha256' } }

/** Answers each demand by itself, as the verifier does. */
function answering(answer: (demand: Demand) => Proof | Refusal): Verify {
  return async (_artefact, { demands }) => demands.map(answer)
}

const provesOne = answering(demand => (demand === DEMAND ? makeProof() : refusal('signature.wrong-key', 'no')))
const nothing: Found = { artefacts: [], refusals: [], silences: [] }
const never = new AbortController().signal

type View = Awaited<ReturnType<ProverDeps['viewFor']>>

function makeDeps(
  discovery: View['discover'],
  { scopesOf = () => ['anonymous'], ...overrides }: Partial<ProverDeps & Pick<View, 'scopesOf'>> = {},
  suffices: Parameters<ReturnType<typeof makeProver>>[0] = () => false,
) {
  let discoveries = 0
  const discover: View['discover'] = (image, search, signal) => {
    discoveries++
    return discovery(image, search, signal)
  }
  const deps: ProverDeps = {
    viewFor: async () => ({ discover, scopesOf, explain: (_ref, detail) => `${detail}, explained` }),
    verify: answering(() => makeProof()),
    cache: new MemoryCache({ maxBytes: 1024 * 1024 }),
    trust: () => new Map(),
    now: () => new Date('2026-11-28T00:00:00Z'),
    ...overrides,
  }
  return { prove: makeProver(deps)(suffices), count: () => discoveries }
}

function held(...places: readonly Partial<Found>[]): Discovery {
  return {
    manifest: Promise.resolve('present'),
    places: places.map(place => Promise.resolve({ ...nothing, ...place })),
    scope: Promise.resolve('anonymous'),
  }
}

t.test('a proof is found cold and remembered: the same words warm, without a request', async t => {
  const { prove, count } = makeDeps(() => held({}, { artefacts: [artefact] }))
  const cold = await prove(image, [DEMAND], ASKER, never)
  t.strictSame(cold, [makeProof()])
  t.strictSame(await prove(image, [DEMAND], ASKER, never), cold)
  t.equal(count(), 1)
})

t.test('a definite refusal is remembered for a while, in the same words', async t => {
  const { prove, count } = makeDeps(() => held({}, {}))
  const cold = await prove(image, [DEMAND], ASKER, never)
  t.match(cold, [{ kind: 'refusal', code: 'image.unsigned' }])
  t.strictSame(await prove(image, [DEMAND], ASKER, never), cold)
  t.equal(count(), 1)
})

t.test('silence is never remembered', async t => {
  const { prove, count } = makeDeps(() => held({ silences: [silence('registry.unreachable', 'down')] }))
  t.match(await prove(image, [DEMAND], ASKER, never), [{ kind: 'silence' }])
  t.match(await prove(image, [DEMAND], ASKER, never), [{ kind: 'silence' }])
  t.equal(count(), 2)
})

t.test('what one credential saw is not told to another, nor one repository of another', async t => {
  let scope = 'robot'
  const seen = () => ({ ...held({ artefacts: [artefact] }), scope: Promise.resolve(scope) })
  const { prove, count } = makeDeps(seen, { scopesOf: () => [scope] })
  await prove(image, [DEMAND], ASKER, never)
  scope = 'anonymous'
  await prove(image, [DEMAND], ASKER, never)
  t.equal(count(), 2)
})

t.test('only what is not known yet is asked, and every answer stands at its demand', async t => {
  const { prove } = makeDeps(() => held({ artefacts: [artefact] }), { verify: provesOne })
  await prove(image, [OTHER], ASKER, never)
  t.match(await prove(image, [OTHER, DEMAND, OTHER], ASKER, never), [
    { code: 'signature.wrong-key' },
    { kind: 'proof' },
    { code: 'signature.wrong-key' },
  ])
})

t.test('however many ask at the same time, the registry is asked once', async t => {
  const gate = Promise.withResolvers<Found>()
  const { prove, count } = makeDeps(() => ({ ...held(), places: [gate.promise] }))
  const all = Array.from({ length: 50 }, () => prove(image, [DEMAND], ASKER, never))
  gate.resolve({ ...nothing, artefacts: [artefact] })
  t.strictSame(new Set((await Promise.all(all)).map(([found]) => found?.kind)), new Set(['proof']))
  t.equal(count(), 1)
})

t.test('stops looking once every demand is proven', async t => {
  let stopped = false
  const deps = makeDeps((_image, _search, signal) => {
    const forever = new Promise<Found>(resolve => {
      signal.addEventListener('abort', () => {
        stopped = true
        resolve(nothing)
      })
    })
    return { ...held(), places: [forever, Promise.resolve({ ...nothing, artefacts: [artefact] })] }
  })
  t.strictSame(await deps.prove(image, [DEMAND], ASKER, never), [makeProof()])
  t.equal(stopped, true)
})

t.test('a proof does not count when the image itself is missing, changed or ambiguous', async t => {
  for (const fault of [
    refusal('image.not-found', 'x'),
    refusal('image.ambiguous-manifest', 'x'),
    silence('registry.unreachable', 'x'),
  ]) {
    const { prove } = makeDeps(() => ({ ...held({ artefacts: [artefact] }), manifest: Promise.resolve(fault) }))
    t.strictSame(await prove(image, [DEMAND], ASKER, never), [fault], fault.code)
  }
})

t.test('a place that could not be seen leaves the question open, unless the proof lay elsewhere', async t => {
  const blind = { silences: [silence('registry.throttled', 'later')] }
  const refusing = makeDeps(() => held({ artefacts: [artefact] }, blind), {
    verify: answering(() => refusal('signature.wrong-key', 'not this one')),
  })
  t.match(await refusing.prove(image, [DEMAND], ASKER, never), [
    { kind: 'silence', code: 'registry.throttled', detail: /later.*not this one/ },
  ])
  const proving = makeDeps(() => held({ artefacts: [artefact] }, blind))
  t.match(await proving.prove(image, [DEMAND], ASKER, never), [{ kind: 'proof' }])
})

t.test('of many refusals the most telling is given, whatever the order', async t => {
  const codes = ['signature.wrong-key', 'signature.wrong-image', 'attestation.wrong-type'] as const
  for (const order of [codes, codes.toReversed()]) {
    const left = [...order]
    const { prove } = makeDeps(() => held({ artefacts: [artefact, artefact] }, { artefacts: [artefact] }), {
      verify: answering(() => refusal(left.shift() ?? 'image.unsigned', 'x')),
    })
    t.match(await prove(image, [DEMAND], ASKER, never), [
      { code: 'signature.wrong-image', detail: /of 3 things found/ },
    ])
  }
})

t.test('a caller who gives up gets the reason and leaves nothing behind in the cache', async t => {
  const { prove, count } = makeDeps(() => ({ ...held(), places: [new Promise(() => {})] }))
  const impatient = new AbortController()
  const asked = prove(image, [DEMAND], ASKER, impatient.signal)
  await new Promise(setImmediate)
  impatient.abort(new Error('time is up'))
  await t.rejects(asked, { message: 'time is up' })
  void prove(image, [DEMAND], ASKER, never)
  await new Promise(setImmediate)
  t.equal(count(), 2)
})

/** A registry that lets in one scope, and is asked in those of whoever asks just now. */
function makeScoped(admits: string) {
  let scopes: readonly string[] = []
  let found: Partial<Found> = { artefacts: [artefact] }
  const { prove, count } = makeDeps(() => ({ ...held(found), scope: Promise.resolve(admits) }), {
    scopesOf: () => scopes,
  })
  return {
    count,
    finds: (next: Partial<Found>) => (found = next),
    proveAs: async (...as: readonly string[]) => {
      scopes = as
      return (await prove(image, [DEMAND], ASKER, never))[0]?.kind
    },
  }
}

t.test('what a credential saw is told to whoever holds it, among whatever others, and to nobody else', async t => {
  const { proveAs, count } = makeScoped('b')
  t.equal(await proveAs('a', 'b', 'anonymous'), 'proof')
  await proveAs('b', 'anonymous')
  await proveAs('x', 'b', 'anonymous')
  t.equal(count(), 1)
  await proveAs('a', 'anonymous')
  t.equal(count(), 2, 'who brought the credential that was refused learns nothing')
  await proveAs('anonymous')
  t.equal(count(), 3)
})

t.test('who asks at the same time with other credentials waits for an answer of his own', async t => {
  const open = Promise.withResolvers<void>()
  const views: Readonly<Record<string, View>> = Object.fromEntries(
    ['shop', 'other'].map(namespace => {
      const isIn = namespace === 'shop'
      const scopes = isIn ? ['bob', 'anonymous'] : ['anonymous']
      const seen = { ...held({ artefacts: isIn ? [artefact] : [] }), scope: Promise.resolve(scopes[0] as string) }
      const presence = isIn ? 'present' : silence('registry.unauthorized', 'no')
      const manifest = open.promise.then(() => presence)
      const view = { discover: () => ({ ...seen, manifest }), scopesOf: () => scopes }
      return [namespace, { ...view, explain: (_ref: unknown, detail: string) => detail }]
    }),
  )
  const { prove } = makeDeps(() => held(), { viewFor: async ({ namespace }) => views[namespace] as View })
  const asked = ['shop', 'other'].map(namespace => prove(image, [DEMAND], { ...ASKER, namespace }, never))
  await new Promise(setImmediate)
  open.resolve()
  const found = (await Promise.all(asked)).map(([one]) => one?.kind)
  t.strictSame(found, ['proof', 'silence'])
})

t.test('what was seen as nobody is told to all', async t => {
  const { proveAs, count } = makeScoped('anonymous')
  await proveAs('a', 'anonymous')
  await proveAs('anonymous')
  await proveAs('b', 'anonymous')
  t.equal(count(), 1)
})

t.test(
  'what nobody may see is not missing for those who may: a refusal is for the same credentials in the same order',
  async t => {
    const { proveAs, count, finds } = makeScoped('anonymous')
    finds({})
    t.equal(await proveAs('anonymous'), 'refusal')
    t.equal(await proveAs('anonymous'), 'refusal')
    t.equal(count(), 1)
    finds({ artefacts: [artefact] })
    t.equal(await proveAs('a', 'anonymous'), 'proof')
  },
)

t.test('a registry that lets nobody in is explained to each who asks, in words of their own', async t => {
  const silent = silence('registry.unauthorized', 'no')
  const { prove } = makeDeps(() => ({ ...held(), manifest: Promise.resolve(silent) }))
  t.match(await prove(image, [DEMAND], ASKER, never), [{ code: 'registry.unauthorized', detail: 'no, explained' }])
})

t.test('gives up when it cannot be known in time as whom to ask', async t => {
  const { prove, count } = makeDeps(() => held(), {
    viewFor: async () => {
      throw new Unavailable('deadline.exceeded', 'late')
    },
  })
  await t.rejects(prove(image, [DEMAND], ASKER, never), { code: 'deadline.exceeded' })
  t.equal(count(), 0)
})

t.test(
  'one of several keys is enough where the policy says so, and nobody waits for the other, cold or warm',
  async t => {
    const { prove, count } = makeDeps(
      () => ({ ...held(), places: [Promise.resolve({ ...nothing, artefacts: [artefact] }), new Promise(() => {})] }),
      { verify: provesOne },
      (_image, proofs) => proofs.size > 0,
    )
    const cold = await prove(image, [DEMAND, OTHER], ASKER, never)
    t.match(cold, [{ kind: 'proof' }, { kind: 'silence' }], 'the other is not refused: nobody looked everywhere')
    t.strictSame(await prove(image, [DEMAND, OTHER], ASKER, never), cold)
    t.equal(count(), 1)
  },
)

t.test('when time runs out, what was proven is told and remembered, and the rest is silence', async t => {
  const { prove, count } = makeDeps(
    () => ({ ...held(), places: [Promise.resolve({ ...nothing, artefacts: [artefact] }), new Promise(() => {})] }),
    { verify: provesOne },
  )
  const limit = new AbortController()
  const asked = prove(image, [OTHER, DEMAND], ASKER, limit.signal)
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  limit.abort(new Unavailable('deadline.exceeded', 'time is up'))
  t.match(await asked, [{ kind: 'silence', code: 'deadline.exceeded', detail: 'time is up' }, { kind: 'proof' }])
  t.match(await prove(image, [DEMAND], ASKER, never), [{ kind: 'proof' }])
  t.equal(count(), 1)
})

const KEYLESS: Demand = {
  kind: 'signature',
  by: {
    kind: 'keyless',
    trustRoot: 'default',
    identities: [{ issuer: { kind: 'exactly', text: 'i' }, subject: { kind: 'exactly', text: 's' } }],
    sct: 'required',
  },
  log: { trustRoot: 'logs', atLeast: 1 },
  timestamp: undefined,
  layout: 'any',
}

/** Trust roots that are told apart by nothing but their versions. */
function rootsOf(versions: Readonly<Record<string, string>>): TrustRoots {
  const nobody = { authorities: [], timestampAuthorities: [], logs: [], certificateLogs: [] }
  return new Map(Object.entries(versions).map(([name, version]) => [name, { name, version, ...nobody }]))
}

t.test('trust.missing: what rests on a trust root that is not there is silence, and no registry is asked', async t => {
  let trust = rootsOf({ default: '1' })
  const { prove, count } = makeDeps(() => held({ artefacts: [artefact] }), { trust: () => trust })
  const found = await prove(image, [KEYLESS, DEMAND], ASKER, never)
  t.match(found, [
    { kind: 'silence', code: 'trust.missing', detail: /trust root logs, loaded are default/ },
    { kind: 'proof' },
  ])
  await prove(image, [KEYLESS], ASKER, never)
  t.equal(count(), 1)
  trust = rootsOf({ default: '1', logs: '1' })
  t.match(await prove(image, [KEYLESS], ASKER, never), [{ kind: 'proof' }], 'and is found as soon as it is there')
})

t.test('what was proven under one version of a trust root is asked anew under the next', async t => {
  let trust = rootsOf({ default: '1', logs: '1' })
  const { prove, count } = makeDeps(() => held({ artefacts: [artefact] }), { trust: () => trust })
  for (const logs of ['1', '1', '2', '2', '1']) {
    trust = rootsOf({ default: '1', logs })
    await prove(image, [KEYLESS, DEMAND], ASKER, never)
  }
  t.equal(count(), 2)
})

t.test('a proof that rests on what the time is does not outlive that time', async t => {
  let now = 0
  const clock = { now: () => now }
  const until = '2026-11-28T00:00:10Z'
  const { prove, count } = makeDeps(() => held({ artefacts: [artefact] }), {
    verify: answering(() => ({ ...makeProof(), until })),
    cache: new MemoryCache({ maxBytes: 1024 * 1024, clock }),
    now: () => new Date(Date.parse('2026-11-28T00:00:00Z') + now),
  })
  for (now of [1, 9999, 10_001]) await prove(image, [DEMAND], ASKER, never)
  t.equal(count(), 2)
})

t.test('each demand is shown only what could meet it, and hears only of places where that could lie', async t => {
  const attestation: Demand = { ...DEMAND, kind: 'attestation', predicateType: 'urn:x' }
  const attached: Artefact = { layout: 'attachment', bytes: payload, annotations, source: DIGEST }
  const shown: string[] = []
  const verify: Verify = async ({ layout }, { demands }) => {
    for (const { kind } of demands) shown.push(`${kind} ${layout}`)
    return demands.map(() => refusal('signature.wrong-key', 'no'))
  }
  const down = { silences: [silence('registry.unreachable', 'down')] }
  // The places of both: the tag for signatures, the tag for attestations, referrers.
  const { prove } = makeDeps(() => held({ artefacts: [artefact] }, { artefacts: [attached], ...down }, {}), { verify })
  t.match(await prove(image, [DEMAND, attestation], ASKER, never), [{ kind: 'refusal' }, { kind: 'silence' }])
  t.strictSame(shown, ['signature simple-signing', 'attestation attachment'])
})

t.test('attestation.missing: says where an attestation was looked for', async t => {
  const { prove } = makeDeps(() => held({}, {}))
  const attestation: Demand = { ...DEMAND, kind: 'attestation', predicateType: 'urn:x', layout: 'legacy' }
  t.match(await prove(image, [attestation], ASKER, never), [
    { code: 'attestation.missing', detail: 'looked in r.test/app for an .att tag' },
  ])
})
