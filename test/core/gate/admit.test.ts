import t from 'tap'
import { refusal, silence } from '#core/domain/refusal.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { admit } from '#core/gate/admit.ts'
import { DEMAND, DIGEST, makeGate, makePod, makeProof, makeSubject } from '#test/support/make-subject.ts'

const never = new AbortController().signal

t.test('passes what needs no look without asking anyone', async t => {
  const untouchable = () => t.fail('nobody should be asked')
  const gate = makeGate({ prove: untouchable as never, resolve: untouchable as never, judge: untouchable as never })
  t.strictSame(await admit(makeSubject({ operation: 'DELETE' }), gate, never), { outcome: 'allow', passed: 'delete' })
})

t.test('gathers one fact for each image and demand, in the order of the images', async t => {
  const other = { ...DEMAND, layout: 'bundle' } as const
  const gate = makeGate({
    demandsOf: () => [DEMAND, other],
    judge: (workload, facts) => {
      t.strictSame(
        facts.map(fact => [fact.use.where, fact.demand.layout]),
        workload.images.flatMap(use => [
          [use.where, 'any'],
          [use.where, 'bundle'],
        ]),
      )
      return makeGate().judge(workload, facts)
    },
  })
  const verdict = await admit(makeSubject({ object: makePod(`a@${DIGEST}`, `b@${DIGEST}`) }), gate, never)
  t.equal(verdict.outcome, 'allow')
})

t.test('asks about all images at the same time, and about each only once', async t => {
  const asked: string[] = []
  const all = Promise.withResolvers<void>()
  const gate = makeGate({
    prove: async image => {
      asked.push(image.repository)
      if (asked.length === 3) all.resolve()
      await all.promise
      return [makeProof(image.digest)]
    },
  })
  const object = makePod(`a@${DIGEST}`, `b@${DIGEST}`, `docker.io/library/a@${DIGEST}`, `c@${DIGEST}`)
  t.equal((await admit(makeSubject({ object }), gate, never)).outcome, 'allow')
  t.strictSame(asked.toSorted(), ['library/a', 'library/b', 'library/c'])
})

t.test('a registry that is silent is a fact, so a certain refusal elsewhere can win', async t => {
  const gate = makeGate({
    prove: image =>
      image.repository === 'library/down'
        ? Promise.reject(new Unavailable('registry.unreachable', 'no route'))
        : Promise.resolve([refusal('image.unsigned', 'nothing there')]),
  })
  const verdict = await admit(makeSubject({ object: makePod(`down@${DIGEST}`, `bad@${DIGEST}`) }), gate, never)
  t.match(verdict, {
    objections: [
      { because: silence('registry.unreachable', 'no route') },
      { because: refusal('image.unsigned', 'nothing there') },
    ],
  })
})

t.test('a tag is refused, with the reason that helps: not pinned, not there, or nobody answered', async t => {
  const object = makePod('app:1')
  const pinned = await admit(
    makeSubject({ object }),
    makeGate({ prove: () => t.fail('a tag proves nothing') as never }),
    never,
  )
  t.match(pinned, {
    outcome: 'deny',
    objections: [{ because: { code: 'image.not-pinned', detail: new RegExp(DIGEST) } }],
  })
  const missing = makeGate({ resolve: () => Promise.resolve(refusal('image.not-found', 'x')) })
  t.match(await admit(makeSubject({ object }), missing, never), {
    objections: [{ because: { code: 'image.not-found' } }],
  })
  const down = makeGate({ resolve: () => Promise.reject(new Unavailable('registry.unreachable', 'x')) })
  t.match(await admit(makeSubject({ object }), down, never), { objections: [{ because: { kind: 'silence' } }] })
})

t.test('an image about which nothing is demanded is never looked up', async t => {
  const gate = makeGate({
    demandsOf: () => [],
    resolve: () => t.fail('resolved') as never,
    prove: () => t.fail('proved') as never,
  })
  t.equal((await admit(makeSubject({ object: makePod('app:1') }), gate, never)).outcome, 'allow')
})

t.test('a finding that is missing is a silence, never a proof', async t => {
  const verdict = await admit(makeSubject(), makeGate({ prove: () => Promise.resolve([]) }), never)
  t.match(verdict, { outcome: 'deny', objections: [{ because: { kind: 'silence', code: 'internal.error' } }] })
})

t.test('a bug stays a bug', async t => {
  const bug = new TypeError('x is not a function')
  await t.rejects(admit(makeSubject(), makeGate({ prove: () => Promise.reject(bug) }), never), bug)
  await t.rejects(
    admit(
      makeSubject(),
      makeGate({
        judge: () => {
          throw bug
        },
      }),
      never,
    ),
    bug,
  )
})

t.test('of a workload with hundreds of images no more than sixteen are looked up at the same time', async t => {
  let [running, most, asked] = [0, 0, 0]
  const gate = makeGate({
    prove: async (image, demands) => {
      most = Math.max(most, ++running)
      asked++
      await new Promise(setImmediate)
      running--
      return demands.map(() => makeProof(image.digest))
    },
  })
  const object = makePod(...Array.from({ length: 200 }, (_, n) => `r.test/app-${n}@${DIGEST}`))
  t.equal((await admit(makeSubject({ object }), gate, never)).outcome, 'allow')
  t.strictSame([most, asked], [16, 200])
})
