import t from 'tap'
import type { Demand } from '#core/domain/demand.ts'
import { demandKey } from '#core/domain/demand.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { parseImageGlob } from '#policies/image-glob.ts'
import { demandsOf, policiesFor } from '#policies/select.ts'
import { allOf, anyOf, atLeast, attestedBy, fixed, IMAGE, makeDemand, makePolicy, signedBy } from './make-policy.ts'

const image = parseImageRef(IMAGE)
const elsewhere = [parseImageGlob('elsewhere.test/**')]

function keysOf(...demands: readonly Demand[]): readonly string[] {
  return demands.map(demandKey)
}

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
  const expected = keysOf(makeDemand('a'), makeDemand('b'), makeDemand('c')).toSorted()
  t.strictSame(keysOf(...demandsOf(policies, image)), expected)
  t.strictSame(keysOf(...demandsOf(policies.toReversed(), image)), expected)
})

t.test('demands what any of several distinct signers must have made', async t => {
  const leaves = [signedBy('a'), attestedBy('b', 'https://sbom.test'), signedBy('a', 'someone else')]
  const expected = keysOf(...leaves.slice(0, 2).map(({ demand }) => demand)).toSorted()
  t.strictSame(keysOf(...demandsOf([makePolicy('p', atLeast(2, ...leaves))], image)), expected)
})

t.test('takes one key with two hash algorithms for two demands', async t => {
  const sha512 = { ...signedBy('a'), demand: makeDemand('a', 'sha512') }
  const demands = demandsOf([makePolicy('p', anyOf(signedBy('a'), sha512))], image)
  t.strictSame(keysOf(...demands), keysOf(makeDemand('a'), makeDemand('a', 'sha512')).toSorted())
})

t.test('demands nothing for policies that look at nothing', async t => {
  t.strictSame(demandsOf([makePolicy('p', anyOf(fixed('pass'), fixed('fail'), anyOf(), allOf()))], image), [])
  t.strictSame(demandsOf([], image), [])
})

t.test('demands of an image named by tag what its digest might have to meet', async t => {
  const policies = [makePolicy('p', signedBy('a'), { images: [parseImageGlob('r.test/app@sha256:*')] })]
  t.strictSame(demandsOf(policies, parseImageRef('r.test/app:v1')), [makeDemand('a')])
})
