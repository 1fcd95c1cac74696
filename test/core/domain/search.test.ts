import t from 'tap'
import type { AskedLayout, Demand } from '#core/domain/demand.ts'
import { searchFor } from '#core/domain/search.ts'
import { DEMAND } from '#test/support/make-subject.ts'

function signature(layout: AskedLayout): Demand {
  return { ...DEMAND, kind: 'signature', layout }
}

function attestation(layout: AskedLayout): Demand {
  return { ...DEMAND, kind: 'attestation', predicateType: 'urn:x', layout }
}

t.test('looks where what is demanded could lie, and nowhere else', async t => {
  const cases: readonly (readonly [Demand, readonly string[], boolean])[] = [
    [signature('any'), ['signature-tag', 'referrers'], false],
    [signature('legacy'), ['signature-tag'], false],
    [signature('bundle'), ['referrers'], false],
    [attestation('any'), ['attestation-tag', 'referrers'], true],
    [attestation('legacy'), ['attestation-tag'], true],
    [attestation('bundle'), ['referrers'], true],
  ]
  for (const [demand, places, isForAttestations] of cases)
    t.strictSame(searchFor([demand]), { places, isForAttestations }, `${demand.kind} ${demand.layout}`)
})

t.test('for several demands it is everything that any of them needs, each once, in an order of its own', async t => {
  const all = [attestation('any'), signature('legacy'), signature('any'), attestation('bundle')]
  const everything = { places: ['signature-tag', 'attestation-tag', 'referrers'], isForAttestations: true }
  t.strictSame(searchFor(all), everything)
  t.strictSame(searchFor(all.toReversed()), everything)
  t.strictSame(searchFor([]), { places: [], isForAttestations: false })
})
