import t, { type Test } from 'tap'
import { startControlPlane } from '../stack/control-plane.ts'
import { eventually } from '../stack/eventually.ts'
import { type Reply, review, startRecorder } from './recording-server.ts'
import { ALLOW, createPod, patch, type Scene, stand } from './stand.ts'
import { openTerminal } from './terminal.ts'

t.setTimeout(300_000)

const [plane, recorder] = await Promise.all([startControlPlane(t), startRecorder(t)])
const scene: Scene = { plane, recorder }

type Settings = { readonly kind?: 'mutate' | 'validate'; readonly failurePolicy?: 'Fail' | 'Ignore' }

/** One webhook with two seconds before a namespace of its own. */
async function standAlone(t: Test, { kind = 'validate', failurePolicy = 'Fail' }: Settings) {
  const namespace = await plane.makeNamespace()
  const alone = await stand(t, scene, { kind, name: 'alone', namespace, failurePolicy, timeoutSeconds: 2 })
  return { ...alone, namespace, create: () => createPod(plane, namespace) }
}

const status = (code: number, headers: Readonly<Record<string, string>> = {}): Reply => {
  return reply => void reply.writeHead(code, headers).end('no\n')
}

/** What is no answer to the API server, and its words for it. An admission inside an HTTP error is none either. */
const NO_ANSWER: Readonly<Record<string, { readonly reply: Reply; readonly says: RegExp }>> = {
  'none in time': { reply: () => {}, says: /: context deadline exceeded$/ },
  'a hang-up': { reply: reply => void reply.socket?.destroy(), says: /: EOF$/ },
  'half an answer': {
    reply: reply => {
      reply.writeHead(200, { 'content-length': '1000' }).write('{', () => reply.socket?.destroy())
    },
    says: /unexpected EOF$/,
  },
  'HTTP 400': { reply: status(400), says: /rejected our request for an unknown reason$/ },
  'HTTP 404': { reply: status(404), says: /could not find the requested resource$/ },
  'HTTP 429': { reply: status(429), says: /asked us to try again later$/ },
  'HTTP 500': { reply: status(500), says: /has prevented the request from succeeding/ },
  'HTTP 503': { reply: status(503), says: /currently unable to handle the request$/ },
  'an admission with HTTP 500': {
    reply: (reply, request) => {
      reply.statusCode = 500
      ALLOW(reply, request)
    },
    says: /has prevented the request from succeeding/,
  },
  'an empty body': { reply: reply => void reply.end(), says: /0-length response/ },
  'another uid': { reply: review({ allowed: true, uid: 'another' }), says: /expected response\.uid=/ },
  'a review without a response': {
    reply: reply => void reply.end('{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}'),
    says: /webhook response was absent$/,
  },
}

t.test('what is no answer is a refusal under Fail and an admission under Ignore', async t => {
  const [fail, ignore] = [await standAlone(t, {}), await standAlone(t, { failurePolicy: 'Ignore' })]
  for (const [title, { reply, says }] of Object.entries(NO_ANSWER)) {
    fail.answer(reply)
    ignore.answer(reply)
    const [refused, admitted] = await Promise.all([fail.create(), ignore.create()])
    t.match(
      refused,
      { status: 500, reason: 'InternalError', message: /failed calling webhook "validate\.alone\.test"/ },
      title,
    )
    t.match(refused.message, says)
    t.equal(admitted.status, 201, title)
  }
})

t.test('a refusal inside a review with HTTP 200 is one under Ignore as well, with our code and our words', async t => {
  const { answer, create } = await standAlone(t, { failurePolicy: 'Ignore' })
  const codes = [
    [400, 'BadRequest'],
    [403, 'Forbidden'],
    [500, 'InternalError'],
    [503, 'ServiceUnavailable'],
  ] as const
  for (const [code, reason] of codes) {
    answer(review({ allowed: false, status: { code, reason, message: 'first\n\nsecond' } }))
    const message = 'admission webhook "validate.alone.test" denied the request: first\n\nsecond'
    t.match(await create(), { status: code, reason, message })
  }
})

t.test('it leaves the connection when its time is over, and asks once', async t => {
  const { seen, answer, create } = await standAlone(t, {})
  answer(() => {})
  await create()
  t.equal(seen().length, 1)
  // Its own refusal can be here before the end of its connection is.
  const left = await eventually('the API server to leave', async () => seen()[0]?.leftAfterMs())
  t.ok(left > 1_500 && left < 3_000, String(left))
})

t.test('an error with Retry-After is asked again within the same time', async t => {
  const { seen, answer, create } = await standAlone(t, {})
  let asked = 0
  answer((reply, request) => (++asked === 1 ? status(503, { 'retry-after': '1' }) : ALLOW)(reply, request))
  t.equal((await create()).status, 201)
  t.equal(seen().length, 2)
  t.equal(seen()[0]?.request.uid, seen()[1]?.request.uid)
})

t.test('a redirect is followed', async t => {
  const { answer, create } = await standAlone(t, {})
  answer(status(307, { location: `${recorder.url}/elsewhere` }))
  recorder.answer('/elsewhere', ALLOW)
  t.equal((await create()).status, 201)
  t.equal(recorder.seen('/elsewhere').length, 1)
})

t.test('a patch that does not fit its object is a refusal even under Ignore', async t => {
  const { answer, create } = await standAlone(t, { kind: 'mutate', failurePolicy: 'Ignore' })
  answer(patch({ op: 'test', path: '/spec/containers/0/image', value: 'another' }))
  t.match(await create(), { status: 500, message: /test failed/ })
})

t.test('a patch and its type come together or not at all', async t => {
  const { answer, create } = await standAlone(t, { kind: 'mutate' })
  answer(review({ allowed: true, patch: 'W10=' }))
  t.match(await create(), { status: 500, message: /response\.patch but not response\.patchType/ })
  answer(review({ allowed: true, patchType: 'JSONPatch' }))
  t.match(await create(), { status: 500, message: /patchType/ })
  answer(patch())
  t.equal((await create()).status, 201, 'a patch without operations is one')
})

t.test('warnings reach kubectl whole up to 4096 characters together, cut at 256 each beyond', async t => {
  const { answer, namespace } = await standAlone(t, {})
  const terminal = await openTerminal(t, plane, namespace)
  const print = async (warnings: readonly string[]) => {
    answer(review({ allowed: true, warnings }))
    const { stderr } = await terminal.type('run web --image=registry.test/web:1 --dry-run=server')
    return stderr.split('\n').flatMap(line => (line.startsWith('Warning: ') ? [line.slice('Warning: '.length)] : []))
  }
  const warnings = (count: number, characters: number) =>
    Array.from({ length: count }, (_, n) => `${n} `.padEnd(characters, 'w'))
  t.strictSame(await print(warnings(10, 300)), warnings(10, 300))
  t.strictSame(await print(warnings(15, 256)), warnings(15, 256), 'as many as we ever send')
  const cut = await print(warnings(20, 300))
  t.ok(cut.length < 20 && cut.every(line => line.length === 256), `${cut.length} lines`)
  t.strictSame(await print(['two\nlines', 'a\ttab', 'plain…']), ['plain…'], 'control characters lose the warning')
})
