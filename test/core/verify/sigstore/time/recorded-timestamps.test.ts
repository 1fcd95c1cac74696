import t from 'tap'
import type { TrustRoot } from '#core/domain/trust-root.ts'
import { decodeDer, itemsOf } from '#core/verify/der.ts'
import { verifyTimestamp } from '#core/verify/sigstore/time/verify-timestamp.ts'
import { RECORDED, type RecordedTimestamp, TRUST } from './recorded-timestamps.ts'

const AUTHORITY = 'http://127.0.0.1:7040/api/v1/timestamp'

function verify({ response, signature }: Pick<RecordedTimestamp, 'response' | 'signature'>, trust: TrustRoot = TRUST) {
  return verifyTimestamp(response, signature, trust)
}

function only(layout: RecordedTimestamp['layout']): RecordedTimestamp {
  const found = RECORDED.find(recorded => recorded.layout === layout)
  if (found === undefined) throw new TypeError(`expected a recorded timestamp in a ${layout}`)
  return found
}

t.test('every recorded timestamp is of its signature, by the authority, at the time it was made', async t => {
  t.equal(RECORDED.length, 9)
  for (const recorded of RECORDED) {
    const stamped = verify(recorded)
    t.match(stamped, { kind: 'stamped', authority: AUTHORITY }, recorded.image)
    const minute = stamped.kind === 'stamped' ? new Date(stamped.at).toISOString().slice(0, 16) : ''
    t.equal(minute, '2026-11-21T09:52', recorded.image)
  }
})

t.test('no recorded timestamp is of the signature of another', async t => {
  for (const one of RECORDED)
    for (const other of RECORDED) {
      if (Buffer.compare(one.signature, other.signature) === 0) continue
      const refusal = {
        kind: 'refusal',
        code: 'time.invalid',
        detail: 'expected a timestamp of this signature, got one of something else',
      }
      t.strictSame(verify({ response: one.response, signature: other.signature }), refusal)
    }
})

t.test('is a stranger to a trust root without its authority, and to one in which it was not in use then', async t => {
  const recorded = only('bundle')
  const [authority] = TRUST.timestampAuthorities
  if (authority === undefined) throw new TypeError('expected an authority')
  const without = { ...TRUST, timestampAuthorities: [] }
  t.match(verify(recorded, without), {
    code: 'time.untrusted',
    detail:
      /^expected a timestamp by an authority of the trust root "recorded", got one by a certificate with the number 6090eb/,
  })
  const stamped = verify(recorded)
  const at = stamped.kind === 'stamped' ? stamped.at : 0
  const inUse = (from: number, until: number) =>
    verify(recorded, { ...TRUST, timestampAuthorities: [{ ...authority, validFor: { from, until } }] })
  t.strictSame(inUse(at, at), stamped)
  t.match(inUse(at + 1, at + 2), { code: 'time.untrusted', detail: /^expected an authority in use at 2026-11-21T09:5/ })
  t.match(inUse(at - 2, at - 1), { code: 'time.untrusted', detail: /^expected an authority in use at/ })
  const signers = { ...TRUST, timestampAuthorities: TRUST.authorities }
  t.match(verify(recorded, signers), { code: 'time.untrusted' }, 'an authority of signers is none of timestamps')
})

/** Where bytes may be others without the stamp being another: the code that says it was granted, and what is sent along. */
function irrelevant(response: Uint8Array): (at: number) => boolean {
  const [status, token] = itemsOf(decodeDer(response, 'the response'), 'the response')
  const [code] = status === undefined ? [] : itemsOf(status, 'the status')
  const data = itemsOf(itemsOf(token as never, 'the token')[1] as never, 'the token')[0]
  const certificates = data === undefined ? undefined : itemsOf(data, 'the data').find(({ tag }) => tag === 0xa0)
  const within = [code?.content, certificates?.content].filter(bytes => bytes !== undefined)
  return at => {
    const address = response.byteOffset + at
    return within.some(bytes => address >= bytes.byteOffset && address < bytes.byteOffset + bytes.length)
  }
}

for (const layout of ['bundle', 'legacy'] as const)
  t.test(`every change of one byte of a recorded timestamp (${layout}) is refused, or changes nothing`, async t => {
    const { response, signature } = only(layout)
    const stamped = verify({ response, signature })
    const isIrrelevant = irrelevant(response)
    const believed: number[] = []
    for (let at = 0; at < response.length; at++)
      for (const bits of [0x01, 0x80, 0xff]) {
        const changed = Uint8Array.from(response)
        changed[at] = (changed[at] as number) ^ bits
        const answer = verify({ response: changed, signature })
        if (answer.kind === 'refusal') continue
        if (!isIrrelevant(at)) believed.push(at)
        t.strictSame(answer, stamped)
      }
    t.strictSame(believed, [])
  })

t.test('no part of a recorded timestamp is one, and nothing may stand behind it', async t => {
  const { response, signature } = only('legacy')
  const believed = Array.from({ length: response.length }, (_, length) => length).filter(
    length => verify({ response: response.subarray(0, length), signature }).kind === 'stamped',
  )
  t.strictSame(believed, [])
  const behind = Buffer.concat([response, Buffer.of(0x05, 0x00)])
  t.match(verify({ response: behind, signature }), {
    code: 'time.invalid',
    detail: 'expected the timestamp response in DER with nothing behind it',
  })
})
