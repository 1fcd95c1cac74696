import t from 'tap'
import { refusal } from '#core/domain/refusal.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { pin } from '#core/gate/pin.ts'
import { preflight } from '#core/gate/preflight.ts'
import { DIGEST, makeGate, makePod, makeSubject } from '#test/support/make-subject.ts'

const never = new AbortController().signal

t.test('writes repository, tag and digest', async t => {
  const { pins, unpinned } = await pin(
    makeSubject({ object: makePod('nginx', 'r.test:5000/a/b:v1') }),
    makeGate(),
    'matched',
    never,
  )
  t.strictSame(pins, [
    { where: 'spec.containers[0].image', from: 'nginx', to: `index.docker.io/library/nginx:latest@${DIGEST}` },
    { where: 'spec.containers[1].image', from: 'r.test:5000/a/b:v1', to: `r.test:5000/a/b:v1@${DIGEST}` },
  ])
  t.strictSame(unpinned, [])
})

t.test('never touches what is pinned, and is idempotent', async t => {
  const gate = makeGate({ resolve: () => t.fail('asked for a digest it was given') as never })
  const object = makePod(`r.test/app:v1@${DIGEST}`, `r.test/app@${DIGEST}`)
  t.strictSame(await pin(makeSubject({ object }), gate, 'all', never), { pins: [], unpinned: [] })
  const first = await preflight(makeSubject({ object: makePod('r.test/app:v1') }), makeGate(), 'matched', never)
  const again = makePod(first.pinning.pins[0]?.to ?? '')
  t.strictSame((await pin(makeSubject({ object: again }), gate, 'all', never)).pins, [])
})

t.test('pins what a policy wants something known about, or everything', async t => {
  const gate = makeGate({
    demandsOf: image => (image.repository === 'library/covered' ? makeGate().demandsOf(image) : []),
  })
  const subject = makeSubject({ object: makePod('covered:1', 'other:1') })
  t.strictSame(
    (await pin(subject, gate, 'matched', never)).pins.map(one => one.from),
    ['covered:1'],
  )
  t.strictSame(
    (await pin(subject, gate, 'all', never)).pins.map(one => one.from),
    ['covered:1', 'other:1'],
  )
})

t.test('asks once for one image however it is spelt, so that all its uses get one digest (CVE-2022-47633)', async t => {
  let asked = 0
  const gate = makeGate({
    resolve: () => {
      asked++
      return Promise.resolve(DIGEST)
    },
  })
  const object = makePod('nginx:1', 'docker.io/nginx:1', 'index.docker.io/library/nginx:1')
  const { pins } = await pin(makeSubject({ object }), gate, 'matched', never)
  t.equal(asked, 1)
  t.equal(new Set(pins.map(one => one.to)).size, 1)
})

t.test('leaves what it cannot pin and says why', async t => {
  const gate = makeGate({
    resolve: image =>
      image.repository === 'library/gone'
        ? Promise.resolve(refusal('image.not-found', 'no such tag'))
        : Promise.reject(new Unavailable('registry.unreachable', 'down')),
  })
  const { pins, unpinned } = await pin(
    makeSubject({ object: makePod('gone:1', 'down:1', 'BAD') }),
    gate,
    'matched',
    never,
  )
  t.strictSame(pins, [])
  t.strictSame(
    unpinned.map(one => [one.image, one.because.code]),
    [
      ['gone:1', 'image.not-found'],
      ['down:1', 'registry.unreachable'],
    ],
  )
})

t.test('does nothing for what is not examined', async t => {
  const object = makePod('app:1')
  t.strictSame(
    (await pin(makeSubject({ operation: 'UPDATE', object, oldObject: object }), makeGate(), 'all', never)).pins,
    [],
  )
})

t.test('preflight judges the pinned copy and leaves the object as it was', async t => {
  const object = { spec: { containers: [{ image: 'app:1' }], volumes: [{}, { image: { reference: 'vol:1' } }] } }
  const before = structuredClone(object)
  const { verdict, pinning } = await preflight(makeSubject({ object }), makeGate(), 'matched', never)
  t.equal(verdict.outcome, 'allow')
  t.strictSame(
    pinning.pins.map(one => one.where),
    ['spec.containers[0].image', 'spec.volumes[1].image.reference'],
  )
  t.strictSame(object, before)
})
