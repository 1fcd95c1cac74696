import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import t from 'tap'
import type { Demand, KeylessSigner, KeySigner } from '#core/domain/demand.ts'
import { demandKey, HASH_ALGORITHMS, trustRootsOf } from '#core/domain/demand.ts'

const key = { fingerprint: 'ab'.repeat(32), spki: '' }
const other = { fingerprint: 'cd'.repeat(32), spki: '' }

const BY_KEY: KeySigner = { kind: 'key', key, hash: 'sha256' }
const IDENTITY = {
  issuer: { kind: 'exactly', text: 'https://issuer.test' },
  subject: { kind: 'exactly', text: 'me@a.test' },
} as const
const KEYLESS: KeylessSigner = { kind: 'keyless', trustRoot: 'default', identities: [IDENTITY], sct: 'required' }

const SIGNED: Demand = { kind: 'signature', by: BY_KEY, log: undefined, timestamp: undefined, layout: 'any' }
const ATTESTED: Demand = { ...SIGNED, kind: 'attestation', predicateType: 'https://sbom.test' }

/** Each differs from `SIGNED` or `ATTESTED`, with a key or keyless, in one thing. */
const DEMANDS: readonly Demand[] = [
  SIGNED,
  ATTESTED,
  { ...ATTESTED, predicateType: 'https://other.test' },
  ...HASH_ALGORITHMS.filter(hash => hash !== BY_KEY.hash).map(
    (hash): Demand => ({ ...SIGNED, by: { ...BY_KEY, hash } }),
  ),
  { ...SIGNED, by: { ...BY_KEY, key: other } },
  { ...SIGNED, by: { ...BY_KEY, validFor: { from: 1, until: undefined } } },
  { ...SIGNED, by: { ...BY_KEY, validFor: { from: undefined, until: 1 } } },
  { ...SIGNED, by: { ...BY_KEY, validFor: { from: 0, until: undefined } } },
  { ...SIGNED, log: { trustRoot: 'default', atLeast: 1 } },
  { ...SIGNED, log: { trustRoot: 'default', atLeast: 2 } },
  { ...SIGNED, log: { trustRoot: 'private', atLeast: 1 } },
  { ...SIGNED, timestamp: { trustRoot: 'default' } },
  { ...SIGNED, timestamp: { trustRoot: 'private' } },
  { ...SIGNED, layout: 'legacy' },
  { ...SIGNED, layout: 'bundle' },
  { ...SIGNED, by: KEYLESS },
  { ...ATTESTED, by: KEYLESS },
  { ...SIGNED, by: { ...KEYLESS, trustRoot: 'private' } },
  { ...SIGNED, by: { ...KEYLESS, sct: 'ignored' } },
  { ...SIGNED, by: { ...KEYLESS, identities: [IDENTITY, IDENTITY] } },
  { ...SIGNED, by: { ...KEYLESS, identities: [{ issuer: IDENTITY.subject, subject: IDENTITY.issuer }] } },
  { ...SIGNED, by: { ...KEYLESS, identities: [{ ...IDENTITY, subject: { kind: 'exactly', text: 'you@a.test' } }] } },
  { ...SIGNED, by: { ...KEYLESS, identities: [{ ...IDENTITY, subject: { kind: 'regexp', text: 'me@a.test' } }] } },
  {
    ...SIGNED,
    by: { ...KEYLESS, identities: [{ ...IDENTITY, issuer: { kind: 'glob', text: 'https://issuer.test' } }] },
  },
]

t.test('demands that ask the same thing have one name', async t => {
  const again: Demand = {
    layout: 'any',
    timestamp: undefined,
    log: undefined,
    by: { hash: 'sha256', key: { spki: 'read anew', fingerprint: key.fingerprint }, kind: 'key' },
    kind: 'signature',
  }
  t.equal(demandKey(SIGNED), demandKey(again))
  for (const demand of DEMANDS) t.equal(demandKey(demand), demandKey(structuredClone(demand)))
  const always: Demand = { ...SIGNED, by: { ...BY_KEY, validFor: { from: undefined, until: undefined } } }
  t.equal(demandKey(SIGNED), demandKey(always), 'open at both ends is no bound')
})

t.test('demands that differ in any one thing have other names', async t => {
  t.equal(new Set(DEMANDS.map(demandKey)).size, DEMANDS.length)
})

t.test('a name has no space, at which the cache joins names, and says what is demanded', async t => {
  for (const demand of DEMANDS) t.match(demandKey(demand), new RegExp(`^${demand.kind}/[0-9a-f]{64}$`))
})

/** As parsers make them: equality would tell an object without a prototype from one with. */
const PLAIN = { noNullPrototype: true } as const

const texts = fc.oneof(
  fc.constantFrom('', 'a', ' ', '"', ',', '","', '[]', 'null', '\\', '\ud800', '\ud801'),
  fc.string(),
)
const moments = fc.option(fc.nat(3), { nil: undefined })
const patterns = fc.record(
  { kind: fc.constantFrom('exactly' as const, 'glob' as const, 'regexp' as const), text: texts },
  PLAIN,
)
const signers: fc.Arbitrary<KeySigner | KeylessSigner> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('key' as const),
      key: fc.constantFrom(key, other),
      hash: fc.constantFrom(...HASH_ALGORITHMS),
      validFor: fc.record({ from: moments, until: moments }, PLAIN),
    },
    PLAIN,
  ),
  fc.record(
    {
      kind: fc.constant('keyless' as const),
      trustRoot: texts,
      identities: fc.array(fc.record({ issuer: patterns, subject: patterns }, PLAIN), { minLength: 1, maxLength: 2 }),
      sct: fc.constantFrom('required' as const, 'ignored' as const),
    },
    PLAIN,
  ),
)
const asked = {
  by: signers,
  log: fc.option(fc.record({ trustRoot: texts, atLeast: fc.integer({ min: 1, max: 3 }) }, PLAIN), { nil: undefined }),
  timestamp: fc.option(fc.record({ trustRoot: texts }, PLAIN), { nil: undefined }),
  layout: fc.constantFrom('any' as const, 'legacy' as const, 'bundle' as const),
}
const demands: fc.Arbitrary<Demand> = fc.oneof(
  fc.record({ kind: fc.constant('signature' as const), ...asked }, PLAIN),
  fc.record({ kind: fc.constant('attestation' as const), predicateType: texts, ...asked }, PLAIN),
)

t.test('two demands have one name exactly when they ask the same thing, whatever the texts within', async () => {
  fc.assert(
    fc.property(demands, demands, (one, another) => {
      // Most pairs differ in everything; one that shares all but a few parts is where names could meet.
      const mixed = { ...one, by: another.by, log: another.log }
      return [another, mixed].every(
        demand => (demandKey(one) === demandKey(demand)) === isDeepStrictEqual({ ...one }, { ...demand }),
      )
    }),
    { numRuns: 1000 },
  )
})

t.test('an answer rests on the trust root of the certificate, of the log and of the timestamp, each once', async t => {
  t.strictSame(trustRootsOf(SIGNED), [])
  t.strictSame(trustRootsOf({ ...SIGNED, by: KEYLESS }), ['default'])
  const all: Demand = {
    ...SIGNED,
    by: { ...KEYLESS, trustRoot: 'b' },
    log: { trustRoot: 'c', atLeast: 1 },
    timestamp: { trustRoot: 'a' },
  }
  t.strictSame(trustRootsOf(all), ['a', 'b', 'c'])
  t.strictSame(trustRootsOf({ ...all, timestamp: { trustRoot: 'b' }, log: { trustRoot: 'b', atLeast: 1 } }), ['b'])
})
