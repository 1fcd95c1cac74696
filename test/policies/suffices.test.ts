import t from 'tap'
import { demandKey } from '#core/domain/demand.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { suffices } from '#policies/suffices.ts'
import { allOf, anyOf, fixed, IMAGE, makeDemand, makePolicy, makeProof, signedBy } from './make-policy.ts'

const image = parseImageRef(IMAGE)
const proven = (...keys: readonly string[]) => new Map(keys.map(key => [demandKey(makeDemand(key)), makeProof(key)]))

t.test('enough is known when every policy that speaks of the image is satisfied', async t => {
  const either = makePolicy('either', anyOf(signedBy('a'), signedBy('b')))
  const both = makePolicy('both', allOf(signedBy('a'), signedBy('b')))
  t.equal(suffices([either], image, proven()), false)
  t.equal(suffices([either], image, proven('a')), true)
  t.equal(suffices([either], image, proven('c')), false)
  t.equal(suffices([both], image, proven('a')), false)
  t.equal(suffices([both], image, proven('a', 'b')), true)
  t.equal(suffices([either, both], image, proven('a')), false)
})

t.test('a policy in warn mode is waited for, and one that forbids is never enough', async t => {
  t.equal(suffices([{ ...makePolicy('warns', signedBy('a')), mode: 'warn' }], image, proven()), false)
  t.equal(suffices([makePolicy('never', fixed('fail'))], image, proven('a')), false)
  t.equal(suffices([], image, proven('a')), false)
})
