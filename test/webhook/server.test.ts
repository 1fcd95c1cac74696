import type { InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { refusal } from '#core/domain/refusal.ts'
import type { KubeObject } from '#core/domain/subject.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { Gate } from '#core/gate/gate.ts'
import { DIGEST, makeGate, makePod } from '#test/support/make-subject.ts'
import type { ReviewResponse } from '#webhook/admission-review.ts'
import { REVIEW_BYTES } from '#webhook/review-body.ts'
import { buildServer, type ServerDeps } from '#webhook/server.ts'
import { bytesOf, makeDeps, makeRequest, makeReview, reviewOfSize, UID } from './make-review.ts'

type Answer = ReviewResponse & { readonly uid: string }
type Reply = {
  readonly status: number
  readonly type: string
  readonly text: string
  readonly answer: Answer | undefined
}

const PATHS = ['/validate', '/mutate']
const PINNED = `r.test/app@${DIGEST}`

/** Posts to a server made for this one request. */
async function post(deps: ServerDeps, payload: Buffer | string, options: Partial<InjectOptions> = {}): Promise<Reply> {
  const server = buildServer(deps)
  const headers = { 'content-type': 'application/json' }
  const reply = await server.inject({ method: 'POST', url: '/validate', payload, headers, ...options } as InjectOptions)
  await server.close()
  const type = String(reply.headers['content-type'])
  const answer = type.startsWith('application/json')
    ? (JSON.parse(reply.payload) as { response: Answer }).response
    : undefined
  return { status: reply.statusCode, type, text: reply.payload, answer }
}

/** A pod whose image is pinned, so that the gate is asked for a proof. */
const review = (object: KubeObject = makePod(PINNED)) => bytesOf(makeReview(makeRequest({ object })))

/** Asserts what must hold of every answer that is no verdict: said inside a review, to the right request, closed. */
function isClosed(t: Test, reply: Reply, code: number, why = ''): void {
  t.match(reply, { status: 200, answer: { uid: UID, allowed: false, status: { code } } }, why)
}

t.test('what is proven is allowed', async t => {
  const { deps } = makeDeps()
  const reply = await post(deps, review())
  t.match(reply, { status: 200, answer: { uid: UID, allowed: true } })
  t.match(JSON.parse(reply.text), { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' })
})

t.test('what is refused is denied, and what nobody answered is closed', async t => {
  const refused = makeDeps({ prove: async () => [refusal('image.unsigned', '')] })
  isClosed(t, await post(refused.deps, review()), 403)
  const judged = { policies: [], warnings: [], unmatched: [] }
  const silent = makeDeps({ judge: () => ({ ...judged, outcome: 'undecided', objections: [] }) })
  isClosed(t, await post(silent.deps, review()), 503)
})

t.test('the gate sees the object exactly as it was sent', async t => {
  const odd = {
    ...makePod(PINNED),
    metadata: { name: 'web', uid: 5, deletionTimestamp: 'x', annotations: { 'shedu.dev/verified': 'true', n: '1' } },
    more: { big: 12345678901234567890n.toString(), nothing: null, list: [[], {}] },
  }
  const seen: unknown[] = []
  const gate = makeGate()
  const { deps } = makeDeps({
    judge: (workload, facts) => {
      seen.push(workload.subject.object)
      return gate.judge(workload, facts)
    },
  })
  await post(deps, review(odd))
  t.strictSame(seen, [odd])
})

t.test('a key __proto__ in the object reaches neither the gate nor the process', async t => {
  const text = JSON.stringify(makeReview(makeRequest({ object: 'OBJECT' }))).replace(
    '"OBJECT"',
    `{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"image":"${PINNED}","__proto__":{"image":"evil"}}],"__proto__":{"x":1}}}`,
  )
  const judged: string[] = []
  const gate = makeGate()
  const { deps } = makeDeps({
    judge: (workload, facts) => {
      judged.push(...workload.images.map(use => use.text))
      return gate.judge(workload, facts)
    },
  })
  t.equal((await post(deps, text)).answer?.allowed, true)
  t.strictSame(judged, [PINNED])
  t.equal(({} as Record<string, unknown>)['x'], undefined)
})

t.test('mutation pins a tag and decides nothing', async t => {
  const { deps } = makeDeps()
  const { answer } = await post(deps, review(makePod('r.test/app:1')), { url: '/mutate' })
  t.match(answer, { uid: UID, allowed: true, patchType: 'JSONPatch' })
  t.match(Buffer.from(answer?.patch ?? '', 'base64').toString(), `r.test/app:1@${DIGEST}`)
  const unsigned = makeDeps({ prove: async () => [refusal('image.unsigned', '')] })
  const pinned = await post(unsigned.deps, review(), { url: '/mutate' })
  t.equal(pinned.answer?.allowed, true)
  t.notOk('patch' in (pinned.answer ?? {}))
})

t.test('a tag that cannot be pinned is admitted by mutation with a warning, and refused by validation', async t => {
  const resolve = () => Promise.reject(new Unavailable('registry.unreachable', 'ECONNREFUSED'))
  const { deps } = makeDeps({ resolve })
  const object = makePod('r.test/app:1')
  const mutated = await post(deps, review(object), { url: '/mutate' })
  t.match(mutated.answer, { allowed: true, warnings: [/could not be pinned: registry\.unreachable/, /^to fix/] })
  t.equal((await post(deps, review(object))).answer?.allowed, false)
})

t.test('every content type but JSON is refused inside a review', async t => {
  const { deps } = makeDeps()
  for (const url of PATHS) {
    for (const type of ['text/plain', 'application/yaml', 'application/jsonx', 'application', ';', 'text/json', '*/*'])
      isClosed(t, await post(deps, review(), { url, headers: { 'content-type': type } }), 400, type)
    isClosed(t, await post(deps, review(), { url, headers: {} }), 400, 'none')
  }
  for (const type of ['application/json; charset=utf-8', 'Application/JSON'])
    t.equal((await post(deps, review(), { headers: { 'content-type': type } })).answer?.allowed, true, type)
})

t.test('a review that cannot be read is refused by both webhooks, with its uid when that can be found', async t => {
  const { deps } = makeDeps()
  const whole = review()
  for (const url of PATHS) {
    isClosed(t, await post(deps, whole.subarray(0, whole.length - 1), { url }), 400, 'cut off')
    isClosed(t, await post(deps, `${whole.toString()}}`, { url }), 400, 'more than one value')
    isClosed(t, await post(deps, bytesOf({ ...makeReview(), kind: 'Other' }), { url }), 400, 'another kind')
    isClosed(t, await post(deps, bytesOf(makeReview(makeRequest({ object: null }))), { url }), 400, 'no object')
    isClosed(t, await post(deps, review({ ...makePod(''), spec: { containers: 'none' } }), { url }), 400, 'no Pod')
  }
})

t.test('where no uid can be found the answer is an HTTP error and a plain sentence', async t => {
  const { deps } = makeDeps()
  for (const payload of ['', 'not JSON', '[]', '{"request":{}}', JSON.stringify(makeReview(makeRequest({ uid: 5 })))]) {
    const reply = await post(deps, payload)
    t.match(reply, { status: 400, type: /^text\/plain/, text: /^the request cannot be read: expected .*\n$/ }, payload)
  }
})

t.test('a review is read up to 7 MiB, and one byte more is refused', async t => {
  const { deps } = makeDeps({ demandsOf: () => [] })
  t.equal((await post(deps, reviewOfSize(REVIEW_BYTES))).answer?.allowed, true)
  for (const url of PATHS) {
    const reply = await post(deps, reviewOfSize(REVIEW_BYTES + 1), { url })
    isClosed(t, reply, 400)
    t.match(reply.text, `expected at most ${REVIEW_BYTES} bytes`)
  }
})

t.test('before policies are loaded every answer is closed, and says so', async t => {
  const { deps } = makeDeps({}, { gate: () => undefined })
  for (const url of PATHS) {
    const reply = await post(deps, review(), { url })
    isClosed(t, reply, 503)
    t.match(reply.text, 'has not loaded its policies yet')
  }
})

t.test('whatever breaks, the answer is closed and the log knows why', async t => {
  const bug = (): never => {
    throw new TypeError('s3cret is not a function')
  }
  const broken: readonly [string, Partial<Gate>, Partial<ServerDeps>][] = [
    ['the judge', { judge: bug }, {}],
    ['the prover', { prove: bug }, {}],
    ['the prover, later', { prove: () => Promise.reject(new TypeError('s3cret')) }, {}],
    ['the demands', { demandsOf: bug }, {}],
    ['a verdict of no known outcome', { judge: () => ({ outcome: 'maybe' }) as never }, {}],
    ['a verdict that is none', { judge: () => undefined as never }, {}],
    ['the gate', {}, { gate: bug }],
  ]
  for (const [what, gate, overrides] of broken) {
    const { deps, logged } = makeDeps(gate, overrides)
    const reply = await post(deps, review())
    isClosed(t, reply, 500, what)
    t.notMatch(reply.text, 's3cret')
    t.match(logged, [{ uid: UID, outcome: 'failed', err: TypeError, msg: 'admission failed' }], what)
  }
  const { deps } = makeDeps({ resolve: bug })
  isClosed(t, await post(deps, review(makePod('r.test/app:1')), { url: '/mutate' }), 500, 'mutation')
})

t.test('a log or a metric that breaks opens nothing', async t => {
  const { deps, logged, metrics } = makeDeps()
  const bug = (): never => {
    throw new TypeError('disk full')
  }
  isClosed(t, await post({ ...deps, log: { ...deps.log, info: bug } }, review()), 500)
  t.match(logged, [{ msg: 'request failed', err: TypeError }])
  isClosed(t, await post({ ...deps, metrics: { ...metrics, decided: bug } }, review()), 500)
  isClosed(t, await post({ ...deps, metrics: { ...metrics, inFlight: bug } }, review()), 500)
})

t.test('a review sent to the wrong address is refused inside a review', async t => {
  const { deps } = makeDeps()
  for (const url of ['/', '/Validate', '/validate/', '/validate/x', '/%', '/validate/%zz'])
    isClosed(t, await post(deps, review(), { url }), 400, url)
  for (const method of ['GET', 'HEAD', 'DELETE'] as const)
    t.equal((await post(deps, '', { method, headers: {} })).status, 400, method)
  isClosed(t, await post(deps, review(), { method: 'PUT' }), 400, 'PUT')
})

t.test('when time runs out, what was learnt is judged and the answer is closed', async t => {
  const { deps } = makeDeps({
    prove: (_image, _demands, _asker, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      }),
  })
  const reply = await post(deps, review(), { url: '/validate?timeout=100ms' })
  isClosed(t, reply, 403, 'this judge calls silence a refusal')
  t.match(reply.text, 'deadline.exceeded')
})

t.test('a gate that does not stop in time is left behind, and the answer is closed', async t => {
  const { deps, logged } = makeDeps({ prove: () => new Promise(() => {}), resolve: () => new Promise(() => {}) })
  for (const path of PATHS) {
    const start = performance.now()
    const object = makePod(path === '/validate' ? PINNED : 'r.test/app:1')
    const reply = await post(deps, review(object), { url: `${path}?timeout=200ms` })
    const ms = performance.now() - start
    isClosed(t, reply, 503, path)
    t.match(reply.text, 'deadline.exceeded')
    t.ok(ms >= 100, `${ms} ms: not before the time is up`)
  }
  t.match(logged, [{ outcome: 'undecided', codes: ['deadline.exceeded'], why: /within \d+ ms/ }, { review: 'mutate' }])
})

t.test('one decision is one event and one count, whatever the outcome', async t => {
  const { deps, logged, metrics } = makeDeps()
  await post(deps, review())
  await post(deps, review(makePod('not a reference')))
  await post(deps, 'garbage')
  await post(deps, review(makePod('r.test/app:1')), { url: '/mutate' })
  t.match(logged, [
    {
      uid: UID,
      review: 'validate',
      kind: 'Pod',
      namespace: 'shop',
      name: 'web',
      operation: 'CREATE',
      outcome: 'allow',
      images: [PINNED],
      proofs: [{ proves: 'signature', digest: DIGEST, signer: 'key aa' }],
      findings: { proof: 1, refusal: 0, silence: 0 },
      user: 'someone',
      policies: ['p'],
      ms: Number,
      msg: 'admission decided',
    },
    { outcome: 'allow' },
    { uid: undefined, outcome: 'invalid', why: 'expected the review as JSON' },
    { review: 'mutate', outcome: 'allow', pinned: 1, unpinned: 0 },
  ])
  t.equal(logged.length, 4)
  const text = await metrics.registry.metrics()
  t.match(text, 'shedu_admissions_total{review="validate",outcome="allow"} 2\n')
  t.match(text, 'shedu_admissions_total{review="validate",outcome="invalid"} 1\n')
  t.match(text, 'shedu_admissions_total{review="mutate",outcome="allow"} 1\n')
  t.match(text, 'shedu_pins_total{result="pinned"} 1\n')
  t.match(text, 'shedu_admissions_in_flight{review="validate"} 0\n')
})

t.test('the body of a review never reaches the log', async t => {
  const { deps, logged } = makeDeps()
  const object = { ...makePod(PINNED), data: { password: 's3cret' } }
  await post(deps, review(object))
  await post(deps, review(object).subarray(0, -2))
  t.notMatch(JSON.stringify(logged), 's3cret')
})

// threats.md 4d, as far as the edge decides it: what is passed without a look, and what never is.
t.test('every operation, kind and subresource that brings in an image is judged, and no other', async t => {
  const { deps } = makeDeps({ prove: async () => [refusal('image.unsigned', '')] })
  const pod = makePod(PINNED)
  const template = { apiVersion: 'apps/v1', kind: 'Deployment', spec: { template: { spec: pod['spec'] } } }
  const apps = { group: 'apps', version: 'v1', kind: 'Deployment' }
  const scale = { group: 'autoscaling', version: 'v1', kind: 'Scale' }
  const cases: readonly [string, boolean, Record<string, unknown>][] = [
    ['a new Pod', false, { object: pod }],
    ['a changed image', false, { operation: 'UPDATE', object: pod, oldObject: makePod('r.test/old:1') }],
    [
      'an ephemeral container',
      false,
      {
        operation: 'UPDATE',
        subResource: 'ephemeralcontainers',
        object: { ...pod, spec: { containers: [{ image: 'a' }], ephemeralContainers: [{ image: PINNED }] } },
        oldObject: makePod('a'),
      },
    ],
    [
      'a resize that changes the image',
      false,
      { operation: 'UPDATE', subResource: 'resize', object: pod, oldObject: makePod('a') },
    ],
    ['an image volume', false, { object: { ...pod, spec: { volumes: [{ image: { reference: PINNED } }] } } }],
    ['a Deployment', false, { kind: apps, object: template }],
    [
      'an object that is being deleted',
      false,
      {
        operation: 'UPDATE',
        object: { ...pod, metadata: { deletionTimestamp: '2026-11-21T00:00:00Z', finalizers: ['x'] } },
        oldObject: makePod('r.test/old:1'),
      },
    ],
    [
      'a Pod that claims an owner',
      false,
      { object: { ...pod, metadata: { ownerReferences: [{ uid: 'x', controller: true }] } } },
    ],
    [
      'a Pod that claims to be verified',
      false,
      { object: { ...pod, metadata: { annotations: { 'shedu.dev/verified': 'true' } } } },
    ],
    ['an unchanged image', true, { operation: 'UPDATE', object: pod, oldObject: pod }],
    ['a status', true, { operation: 'UPDATE', subResource: 'status', object: pod, oldObject: makePod('a') }],
    [
      'a scale-down',
      true,
      {
        operation: 'UPDATE',
        subResource: 'scale',
        kind: scale,
        object: { apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 0 } },
      },
    ],
    ['a deletion', true, { operation: 'DELETE', object: null, oldObject: pod }],
    [
      'an exec',
      true,
      {
        operation: 'CONNECT',
        subResource: 'exec',
        kind: { group: '', version: 'v1', kind: 'PodExecOptions' },
        object: { apiVersion: 'v1', kind: 'PodExecOptions' },
      },
    ],
  ]
  for (const [what, allowed, request] of cases) {
    const { answer } = await post(deps, bytesOf(makeReview(makeRequest(request))))
    t.match(answer, { uid: UID, allowed }, what)
  }
})
