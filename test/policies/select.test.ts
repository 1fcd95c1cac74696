import t from 'tap'
import { demandKey } from '#core/domain/demand.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { parseImageGlob } from '#policies/image-glob.ts'
import { demandsOf, policiesFor } from '#policies/select.ts'
import { allOf, anyOf, fixed, IMAGE, makeDemand, makePolicy, signedBy } from './make-policy.ts'

const image = parseImageRef(IMAGE)
const elsewhere = [parseImageGlob('elsewhere.test/**')]

t.test('finds the policies that speak of an image by any of their globs, by name', async t => {
  const policies = [
    makePolicy('c', fixed('pass')),
    makePolicy('b', fixed('pass'), { images: elsewhere }),
    makePolicy('a', fixed('pass'), { images: [...elsewhere, parseImageGlob('r.test/app@*')] }),
  ]
  t.strictSame(
    policiesFor(policies, image).map(policy => policy.name),
    ['a', 'c'],
  )
  t.strictSame(policiesFor(policies, parseImageRef('nobody.test/app')), [])
})

t.test('demands each thing once, whichever policies and branches want it, in one order', async t => {
  const policies = [
    makePolicy('one', anyOf(signedBy('c'), allOf(signedBy('a'), anyOf(signedBy('b'))))),
    makePolicy('two', anyOf(signedBy('a', 'someone else'), fixed('pass')), { mode: 'warn' }),
    makePolicy('three', signedBy('d'), { images: elsewhere }),
  ]
  const expected = [makeDemand('a'), makeDemand('b'), makeDemand('c')]
  t.strictSame(demandsOf(policies, image), expected)
  t.strictSame(demandsOf(policies.toReversed(), image), expected)
})

t.test('takes one key with two hash algorithms for two demands', async t => {
  const sha512 = { kind: 'signed-by', authority: 'x', demand: makeDemand('a', 'sha512') } as const
  const demands = demandsOf([makePolicy('p', anyOf(signedBy('a'), sha512))], image)
  t.strictSame(demands.map(demandKey), [makeDemand('a'), makeDemand('a', 'sha512')].map(demandKey))
})

t.test('demands nothing for policies that look at nothing', async t => {
  t.strictSame(demandsOf([makePolicy('p', anyOf(fixed('pass'), fixed('fail'), anyOf(), allOf()))], image), [])
  t.strictSame(demandsOf([], image), [])
})

t.test('demands of an image named by tag what its digest might have to meet', async t => {
  const policies = [makePolicy('p', signedBy('a'), { images: [parseImageGlob('r.test/app@sha256:*')] })]
  t.strictSame(demandsOf(policies, parseImageRef('r.test/app:v1')), [makeDemand('a')])
})
