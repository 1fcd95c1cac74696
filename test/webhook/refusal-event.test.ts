import t from 'tap'
import type { Subject } from '#core/domain/subject.ts'
import { makePod, makeSubject } from '#test/support/make-subject.ts'
import type { ReviewResponse } from '#webhook/admission-review.ts'
import { refusalEvent } from '#webhook/refusal-event.ts'

const OWNER = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d4b9c6f58', uid: 'u-1', controller: true }
const MESSAGE = '1 image refused: image.unsigned\n\nspec.containers[0].image: "r.test/app:1"\n  found: nothing'

const refused: ReviewResponse = { allowed: false, status: { code: 403, reason: 'Forbidden', message: MESSAGE } }

function ownedBy(ownerReferences: unknown, overrides: Partial<Subject> = {}): Subject {
  return makeSubject({ object: { ...makePod('r.test/app:1'), metadata: { ownerReferences } }, ...overrides })
}

t.test('a refusal is an event about the controller of what was refused, in one line', async t => {
  const others = [
    { ...OWNER, name: 'other', controller: false },
    { ...OWNER, name: 'third', controller: undefined },
  ]
  t.strictSame(refusalEvent(ownedBy([...others, OWNER]), refused), {
    type: 'Warning',
    reason: 'ImageRefused',
    action: 'Admit',
    note: 'Pod: 1 image refused: image.unsigned; spec.containers[0].image: "r.test/app:1"; found: nothing',
    regarding: { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace: 'shop', name: 'web-7d4b9c6f58', uid: 'u-1' },
  })
})

t.test('the name of a Pod that its controller has generated makes no other event', async t => {
  const event = (name: string) => refusalEvent(ownedBy([OWNER], { name }), refused)
  t.strictSame(event('web-7d4b9c6f58-abcde'), event('web-7d4b9c6f58-fghij'))
})

t.test('what could not be checked, and what failed, is told apart from a refusal', async t => {
  const reasonOf = (code: 400 | 403 | 500 | 503) =>
    refusalEvent(ownedBy([OWNER]), { allowed: false, status: { code, reason: 'Forbidden', message: 'x' } })?.reason
  t.strictSame(
    [403, 503, 500, 400].map(code => reasonOf(code as 403)),
    ['ImageRefused', 'ImageNotChecked', 'ReviewFailed', 'ReviewFailed'],
  )
})

t.test('there is none for what was admitted, what was only tried, and what nobody controls', async t => {
  t.equal(refusalEvent(ownedBy([OWNER]), { allowed: true }), undefined)
  t.equal(refusalEvent(ownedBy([OWNER], { isDryRun: true }), refused), undefined)
  t.equal(refusalEvent(makeSubject(), refused), undefined)
  t.equal(refusalEvent(makeSubject({ object: undefined }), refused), undefined)
  t.equal(refusalEvent(ownedBy([OWNER], { namespace: '' }), refused), undefined)
})

t.test('an owner that no controller would write is nobody', async t => {
  const hostile: readonly unknown[] = [
    undefined,
    null,
    5,
    'x',
    {},
    [null],
    [5],
    [[]],
    [{ ...OWNER, controller: 'true' }],
    [{ ...OWNER, name: '../x' }],
    [{ ...OWNER, name: 'x'.repeat(300) }],
    [{ ...OWNER, name: 5 }],
    [{ ...OWNER, kind: 'Pod\n' }],
    [{ ...OWNER, kind: undefined }],
    [{ ...OWNER, apiVersion: '' }],
    [{ ...OWNER, apiVersion: 'a/b/c' }],
    [{ ...OWNER, uid: '' }],
    [{ ...OWNER, uid: 'u'.repeat(129) }],
    [...Array.from({ length: 64 }, () => ({ ...OWNER, controller: false })), OWNER],
  ]
  for (const owners of hostile) t.equal(refusalEvent(ownedBy(owners), refused), undefined, JSON.stringify(owners))
  for (const metadata of [undefined, null, 5, 'x', []])
    t.equal(refusalEvent(makeSubject({ object: { ...makePod('a'), metadata } }), refused), undefined)
})
