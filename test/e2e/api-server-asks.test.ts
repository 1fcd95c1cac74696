import t, { type Test } from 'tap'
import { decodeReview } from '#webhook/admission-review.ts'
import { REVIEW_BYTES } from '#webhook/review-body.ts'
import { timeBudget } from '#webhook/time-budget.ts'
import { startControlPlane } from '../stack/control-plane.ts'
import { makePod } from './objects.ts'
import { startRecorder } from './recording-server.ts'
import { ALLOW, createPod, patch, type Scene, stand } from './stand.ts'

t.setTimeout(300_000)

const [plane, recorder] = await Promise.all([startControlPlane(t), startRecorder(t)])
const scene: Scene = { plane, recorder }

/** One webhook before a namespace of its own. */
async function standAlone(t: Test, kind: 'mutate' | 'validate', settings: { timeoutSeconds?: number } = {}) {
  const namespace = await plane.makeNamespace()
  const alone = await stand(t, scene, { kind, name: 'alone', namespace, ...settings })
  return { ...alone, create: (query = '', pod?: object) => createPod(plane, namespace, query, pod) }
}

t.test('?timeout= says the seconds of the configuration, ten where it says none', async t => {
  const asked = [
    { settings: {}, query: '?timeout=10s', ms: 10_000 },
    { settings: { timeoutSeconds: 1 }, query: '?timeout=1s', ms: 1_000 },
    { settings: { timeoutSeconds: 30 }, query: '?timeout=30s', ms: 30_000 },
  ]
  for (const { settings, query, ms } of asked)
    for (const kind of ['mutate', 'validate'] as const) {
      const { create, seen } = await standAlone(t, kind, settings)
      await create()
      t.strictSame(
        seen().map(one => one.query),
        [query],
        kind,
      )
      const timing = { defaultTimeoutMs: 1, replyMarginMs: 0 }
      t.equal(timeBudget(new URLSearchParams(query).get('timeout'), timing).workMs, ms, 'and we understand it')
    }
})

t.test('a review is plain JSON of known length, and we can read it', async t => {
  const { create, seen } = await standAlone(t, 'validate')
  await create('', makePod('web', 'registry.test/web:1'))
  const [first] = seen()
  if (first === undefined) throw new Error('nothing came')
  const { headers, body, request } = first
  t.match(headers, { 'content-type': 'application/json', 'content-length': String(body.length) })
  t.equal(headers['content-encoding'], undefined)
  const { uid, subject } = decodeReview(body)
  t.equal(uid, request.uid)
  t.match(subject, { operation: 'CREATE', group: '', kind: 'Pod', name: 'web', user: 'administrator', isDryRun: false })
})

t.test('each question has a uid of its own, a random UUID', async t => {
  const { create, seen } = await standAlone(t, 'validate')
  for (let times = 0; times < 3; times++) await create()
  const uids = seen().map(one => one.request.uid)
  t.equal(new Set(uids).size, 3)
  for (const uid of uids) t.match(uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

t.test('mutating comes first and is seen by validating, under another uid', async t => {
  const namespace = await plane.makeNamespace()
  const mutating = await stand(t, scene, { kind: 'mutate', name: 'one', namespace })
  const validating = await stand(t, scene, { kind: 'validate', name: 'one', namespace })
  const image = 'registry.test/web@sha256:00'
  mutating.answer(patch({ op: 'replace', path: '/spec/containers/0/image', value: image }))
  t.strictSame((await createPod(plane, namespace)).images, [image])
  const [first, second] = [mutating.seen(), validating.seen()].map(seen => seen.at(-1)?.request)
  t.match(second, { object: { spec: { containers: [{ image }] } } })
  t.not(first?.uid, second?.uid)
})

t.test('a mutating webhook is asked again after a later one only under reinvocationPolicy IfNeeded', async t => {
  const sidecar = {
    op: 'add',
    path: '/spec/containers/-',
    value: { name: 'sidecar', image: 'registry.test/sidecar:1' },
  }
  for (const [settings, times] of [
    [{}, 1],
    [{ reinvocationPolicy: 'IfNeeded' }, 2],
  ] as const) {
    const namespace = await plane.makeNamespace()
    const ours = await stand(t, scene, { kind: 'mutate', name: 'ours', namespace, ...settings })
    const later = await stand(t, scene, { kind: 'mutate', name: 'sidecar', namespace })
    later.answer(patch(sidecar))
    const before = ours.seen().length
    await createPod(plane, namespace)
    t.equal(ours.seen().length - before, times, JSON.stringify(settings))
  }
})

t.test('a dry run is asked like any other, and says so', async t => {
  const { create, seen } = await standAlone(t, 'validate')
  await create('?dryRun=All')
  await create()
  t.strictSame(
    seen().map(one => one.request.dryRun),
    [true, false],
  )
})

t.test('one connection serves question after question, and as many as there are questions at once', async t => {
  const { create, seen, answer } = await standAlone(t, 'validate')
  for (let times = 0; times < 10; times++) await create()
  t.equal(new Set(seen().map(one => one.connection)).size, 1)
  const waiting: (() => void)[] = []
  answer((reply, request) => {
    waiting.push(() => ALLOW(reply, request))
    // None is answered before all have come: each must have a connection of its own.
    if (waiting.length === 30) for (const go of waiting) go()
  })
  await Promise.all(Array.from({ length: 30 }, () => create()))
  t.equal(
    new Set(
      seen()
        .slice(10)
        .map(one => one.connection),
    ).size,
    30,
  )
})

t.test('the largest object of letters fits into what we read, twice over; one of brackets does not', async t => {
  const { create, seen } = await standAlone(t, 'validate')
  const pod = (text: string) => {
    const { spec, ...rest } = makePod('large', 'registry.test/web:1')
    return { ...rest, spec: { containers: spec.containers.map(one => ({ ...one, args: [text] })) } }
  }
  const BYTES = 1_400_000
  const sizeOf = async (text: string) => {
    const { status } = await create('?dryRun=All', pod(text))
    t.equal(status, 201)
    return seen().at(-1)?.body.length ?? 0
  }
  const letters = await sizeOf('a'.repeat(BYTES))
  t.ok(letters > BYTES && 2 * letters < REVIEW_BYTES, String(letters))
  // Go writes `<` as \\u003c.
  const brackets = await sizeOf('<'.repeat(BYTES))
  t.ok(brackets > 6 * BYTES && brackets > REVIEW_BYTES, String(brackets))
})
