import fc from 'fast-check'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { TIMESTAMP_BYTES } from '#core/verify/sigstore/material.ts'
import { decodeLegacyTimestamp } from '#core/verify/sigstore/time/legacy-timestamp.ts'
import { anyText } from '#test/support/any-text.ts'

t.test('reads what cosign writes', async t => {
  const bytes = decodeLegacyTimestamp('{"SignedRFC3161Timestamp":"MAMCAQA="}')
  t.equal(Buffer.from(bytes).toString('hex'), '3003020100')
})

t.test('refuses what is no such annotation', async t => {
  for (const [annotation, message] of [
    ['', /^expected JSON/],
    ['MAMCAQA=', /^expected JSON/],
    ['"MAMCAQA="', 'expected the timestamp annotation to be an object, got string'],
    ['{}', 'expected SignedRFC3161Timestamp in the timestamp annotation to be text, got nothing'],
    [
      '{"SignedRFC3161Timestamp":null}',
      'expected SignedRFC3161Timestamp in the timestamp annotation to be text, got null',
    ],
    ['{"SignedRFC3161Timestamp":["MAMCAQA="]}', /levels of nesting/],
    [
      '{"signedRFC3161Timestamp":"MAMCAQA="}',
      'expected the timestamp annotation to hold SignedRFC3161Timestamp only, got "signedRFC3161Timestamp"',
    ],
    [
      '{"SignedRFC3161Timestamp":"MAMCAQA=","x":1}',
      'expected the timestamp annotation to hold SignedRFC3161Timestamp only, got "x"',
    ],
    ['{"SignedRFC3161Timestamp":"MAMCAQA=","SignedRFC3161Timestamp":""}', /occurs twice/],
    ['{"SignedRFC3161Timestamp":"MAMCAQB="}', /canonical base64/],
    ['{"SignedRFC3161Timestamp":"MAMC\\nAQA="}', /canonical base64/],
  ] as const)
    t.throws(() => decodeLegacyTimestamp(annotation), { name: 'InputError', message }, annotation)
})

t.test('reads one that is as long as it may be, and none that is longer', async t => {
  const of = (bytes: number) => `{"SignedRFC3161Timestamp":"${Buffer.alloc(bytes).toString('base64')}"}`
  t.equal(decodeLegacyTimestamp(of(TIMESTAMP_BYTES)).length, TIMESTAMP_BYTES)
  t.throws(() => decodeLegacyTimestamp(of(TIMESTAMP_BYTES + 2)), {
    message: /to be at most 43692 characters of base64, got 43696$/,
  })
  t.throws(() => decodeLegacyTimestamp(' '.repeat(43949)), {
    message: 'expected at most 43948 bytes of JSON, got 43949',
  })
})

t.test('whatever the text is, it is bytes or an InputError', async t => {
  const holds = (text: string) => {
    try {
      return decodeLegacyTimestamp(text) instanceof Uint8Array
    } catch (error) {
      return error instanceof InputError
    }
  }
  fc.assert(fc.property(anyText(), holds))
  fc.assert(fc.property(fc.json(), holds))
  fc.assert(fc.property(anyText(), text => holds(JSON.stringify({ SignedRFC3161Timestamp: text }))))
})
