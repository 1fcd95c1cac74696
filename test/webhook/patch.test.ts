import { applyPatch, type Operation } from 'rfc6902'
import t from 'tap'
import { refusal, silence } from '#core/domain/refusal.ts'
import type { KubeObject } from '#core/domain/subject.ts'
import { type Pinning, pin } from '#core/gate/pin.ts'
import { DIGEST, makeGate, makePod, makeSubject } from '#test/support/make-subject.ts'
import { respondPinning } from '#webhook/patch.ts'

/** The operations of the patch, decoded as the API server would. */
function patchOf(pinning: Pinning): Operation[] {
  const { patch } = respondPinning(pinning)
  return patch === undefined ? [] : (JSON.parse(Buffer.from(patch, 'base64').toString()) as Operation[])
}

async function pinAll(object: KubeObject): Promise<Pinning> {
  return await pin(makeSubject({ object }), makeGate(), 'all', new AbortController().signal)
}

t.test('each pin is tested and then replaced, where the gate found it', async t => {
  const pins = [
    { where: 'spec.template.spec.initContainers[10].image', from: 'a:1', to: `a@${DIGEST}` },
    { where: 'spec.volumes[0].image.reference', from: 'b', to: `b@${DIGEST}` },
  ]
  t.strictSame(patchOf({ pins, unpinned: [] }), [
    { op: 'test', path: '/spec/template/spec/initContainers/10/image', value: 'a:1' },
    { op: 'replace', path: '/spec/template/spec/initContainers/10/image', value: `a@${DIGEST}` },
    { op: 'test', path: '/spec/volumes/0/image/reference', value: 'b' },
    { op: 'replace', path: '/spec/volumes/0/image/reference', value: `b@${DIGEST}` },
  ])
  t.equal(respondPinning({ pins, unpinned: [] }).patchType, 'JSONPatch')
})

t.test('nothing to pin is no patch, and no patch type', async t => {
  const response = respondPinning({ pins: [], unpinned: [] })
  t.strictSame(response, { allowed: true, auditAnnotations: { decision: 'allow' } })
})

t.test('the patch applied to the object changes the images and nothing else', async t => {
  const object = {
    ...makePod('r.test/a:1', `r.test/b@${DIGEST}`, 'r.test/a:1'),
    metadata: { name: 'web', annotations: { 'a/b~c': 'r.test/a:1' } },
  }
  const patched = structuredClone(object)
  t.strictSame(applyPatch(patched, patchOf(await pinAll(object))), [null, null, null, null])
  const expected = makePod(`r.test/a:1@${DIGEST}`, `r.test/b@${DIGEST}`, `r.test/a:1@${DIGEST}`)
  t.strictSame(patched, { ...expected, metadata: object.metadata })
})

t.test('a patch that meets another image than the one that was pinned fails and changes nothing', async t => {
  const operations = patchOf(await pinAll(makePod('r.test/a:1')))
  const [first] = applyPatch(makePod('r.test/evil:1'), operations)
  t.equal(first?.name, 'TestError')
})

t.test('a path that could be read as another pointer is escaped', async t => {
  const [operation] = patchOf({ pins: [{ where: 'spec.a/b~1[0].image', from: 'a', to: 'b' }], unpinned: [] })
  t.equal(operation?.path, '/spec/a~1b~01/0/image')
})

t.test('what could not be pinned is admitted here, with a warning that says why and what to do', async t => {
  const response = respondPinning({
    pins: [],
    unpinned: [
      {
        where: 'spec.containers[0].image',
        image: 'r.test/a:1',
        because: silence('registry.unreachable', 'ECONNREFUSED'),
      },
      { where: 'spec.containers[1].image', image: 'r.test/b:1', because: refusal('image.not-found', '') },
    ],
  })
  t.equal(response.allowed, true)
  t.notOk('patch' in response)
  t.match(response.warnings, [
    /^spec\.containers\[0\]\.image could not be pinned: registry\.unreachable: the registry did not answer.*"r\.test\/a:1" \(ECONNREFUSED\)$/,
    /^spec\.containers\[1\]\.image could not be pinned: image\.not-found: .*"r\.test\/b:1"$/,
    /^to fix registry\.unreachable: /,
    /^to fix image\.not-found: /,
  ])
  t.match(response.auditAnnotations, {
    decision: 'allow',
    unpinned: 'spec.containers[0].image registry.unreachable; spec.containers[1].image image.not-found;',
  })
})
