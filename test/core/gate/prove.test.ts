import t from 'tap'
import { MemoryCache } from '#core/cache/memory.ts'
import type { Artefact, Discovery, Found } from '#core/domain/artefact.ts'
import type { PinnedRef } from '#core/domain/image-ref.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { refusal, silence } from '#core/domain/refusal.ts'
import type { ProverDeps } from '#core/gate/prove.ts'
import { makeProver } from '#core/gate/prove.ts'
import { DEMAND, DIGEST, makeProof } from '#test/support/make-subject.ts'

const image = parseImageRef(`r.test/app@${DIGEST}`) as PinnedRef
const artefact: Artefact = { layout: 'simple-signing', payload: new Uint8Array(), signature: '', source: DIGEST }
const nothing: Found = { artefacts: [], refusals: [], silences: [] }
const never = new AbortController().signal

function makeDeps(discovery: () => Discovery, overrides: Partial<ProverDeps> = {}) {
  let discoveries = 0
  const deps: ProverDeps = {
    discover: () => {
      discoveries++
      return discovery()
    },
    scopeOf: ref => `${ref.registry}/${ref.repository} anonymous`,
    verify: () => makeProof(),
    cache: new MemoryCache({ maxBytes: 1024 * 1024 }),
    ...overrides,
  }
  return { prove: makeProver(deps), count: () => discoveries }
}

function held(...places: readonly Partial<Found>[]): Discovery {
  return {
    manifest: Promise.resolve('present'),
    places: places.map(place => Promise.resolve({ ...nothing, ...place })),
  }
}

t.test('a proof is found cold and remembered: the same words warm, without a request', async t => {
  const { prove, count } = makeDeps(() => held({}, { artefacts: [artefact] }))
  const cold = await prove(image, [DEMAND], never)
  t.strictSame(cold, [makeProof()])
  t.strictSame(await prove(image, [DEMAND], never), cold)
  t.equal(count(), 1)
})

t.test('a definite refusal is remembered for a while, in the same words', async t => {
  const { prove, count } = makeDeps(() => held({}, {}))
  const cold = await prove(image, [DEMAND], never)
  t.match(cold, [{ kind: 'refusal', code: 'image.unsigned' }])
  t.strictSame(await prove(image, [DEMAND], never), cold)
  t.equal(count(), 1)
})

t.test('silence is never remembered', async t => {
  const { prove, count } = makeDeps(() => held({ silences: [silence('registry.unreachable', 'down')] }))
  t.match(await prove(image, [DEMAND], never), [{ kind: 'silence' }])
  t.match(await prove(image, [DEMAND], never), [{ kind: 'silence' }])
  t.equal(count(), 2)
})

t.test('what one credential saw is not told to another, nor one repository of another', async t => {
  let scope = 'robot'
  const { prove, count } = makeDeps(() => held({ artefacts: [artefact] }), { scopeOf: () => scope })
  await prove(image, [DEMAND], never)
  scope = 'anonymous'
  await prove(image, [DEMAND], never)
  t.equal(count(), 2)
})

t.test('only what is not known yet is asked, and every answer stands at its demand', async t => {
  const other = { ...DEMAND, hash: 'sha512' } as const
  const { prove } = makeDeps(() => held({ artefacts: [artefact] }), {
    verify: (_artefact, _digest, demand) =>
      demand.hash === 'sha512' ? refusal('signature.wrong-key', 'no') : makeProof(),
  })
  await prove(image, [other], never)
  t.match(await prove(image, [other, DEMAND, other], never), [
    { code: 'signature.wrong-key' },
    { kind: 'proof' },
    { code: 'signature.wrong-key' },
  ])
})

t.test('however many ask at the same time, the registry is asked once', async t => {
  const gate = Promise.withResolvers<Found>()
  const { prove, count } = makeDeps(() => ({ manifest: Promise.resolve('present'), places: [gate.promise] }))
  const all = Array.from({ length: 50 }, () => prove(image, [DEMAND], never))
  gate.resolve({ ...nothing, artefacts: [artefact] })
  t.strictSame(new Set((await Promise.all(all)).map(([found]) => found?.kind)), new Set(['proof']))
  t.equal(count(), 1)
})

t.test('stops looking once every demand is proven', async t => {
  let stopped = false
  const deps = makeDeps(() => held({ artefacts: [artefact] }), {
    discover: (_image, signal) => {
      const forever = new Promise<Found>(resolve => {
        signal.addEventListener('abort', () => {
          stopped = true
          resolve(nothing)
        })
      })
      return {
        ...held({ artefacts: [artefact] }),
        places: [forever, Promise.resolve({ ...nothing, artefacts: [artefact] })],
      }
    },
  })
  t.strictSame(await deps.prove(image, [DEMAND], never), [makeProof()])
  t.equal(stopped, true)
})

t.test('a proof does not count when the image itself is missing, changed or ambiguous', async t => {
  for (const fault of [
    refusal('image.not-found', 'x'),
    refusal('image.ambiguous-manifest', 'x'),
    silence('registry.unreachable', 'x'),
  ]) {
    const { prove } = makeDeps(() => ({ ...held({ artefacts: [artefact] }), manifest: Promise.resolve(fault) }))
    t.strictSame(await prove(image, [DEMAND], never), [fault], fault.code)
  }
})

t.test('a place that could not be seen leaves the question open, unless the proof lay elsewhere', async t => {
  const blind = { silences: [silence('registry.throttled', 'later')] }
  const refusing = makeDeps(() => held({ artefacts: [artefact] }, blind), {
    verify: () => refusal('signature.wrong-key', 'not this one'),
  })
  t.match(await refusing.prove(image, [DEMAND], never), [
    { kind: 'silence', code: 'registry.throttled', detail: /later.*not this one/ },
  ])
  const proving = makeDeps(() => held({ artefacts: [artefact] }, blind))
  t.match(await proving.prove(image, [DEMAND], never), [{ kind: 'proof' }])
})

t.test('of many refusals the most telling is given, whatever the order', async t => {
  const codes = ['signature.wrong-key', 'signature.wrong-image', 'attestation.wrong-type'] as const
  for (const order of [codes, codes.toReversed()]) {
    const left = [...order]
    const { prove } = makeDeps(() => held({ artefacts: [artefact, artefact] }, { artefacts: [artefact] }), {
      verify: () => refusal(left.shift() ?? 'image.unsigned', 'x'),
    })
    t.match(await prove(image, [DEMAND], never), [{ code: 'signature.wrong-image', detail: /of 3 things found/ }])
  }
})

t.test('a caller who gives up gets the reason and leaves nothing behind in the cache', async t => {
  const { prove, count } = makeDeps(() => ({ manifest: Promise.resolve('present'), places: [new Promise(() => {})] }))
  const impatient = new AbortController()
  const asked = prove(image, [DEMAND], impatient.signal)
  impatient.abort(new Error('time is up'))
  await t.rejects(asked, { message: 'time is up' })
  void prove(image, [DEMAND], never)
  t.equal(count(), 2)
})
