/** How large what is verified may be, and that what is within a bound is still believed. */
import t from 'tap'
import type { Artefact } from '#core/domain/artefact.ts'
import { hexOf } from '#core/domain/digest.ts'
import { readImages } from '#test/support/read-layout.ts'
import {
  BUNDLE_TYPE,
  DIGEST,
  demandOf,
  makeSigner,
  OTHER_DIGEST,
  payloadFor,
  signBundle,
  signEnvelope,
  signPayload,
  statementFor,
  toBundle,
  verify,
} from '../sign-image.ts'

const signer = makeSigner()
const stranger = makeSigner()
const demand = demandOf(signer)

/** `proof`, or the code and the detail of the refusal. */
function found(artefact: Artefact): string {
  const answer = verify(artefact, DIGEST, demand)
  return answer.kind === 'proof' ? 'proof' : `${answer.code}: ${answer.detail}`
}

/** A payload of `bytes` bytes in all, filled up with an annotation. */
function payloadOf(bytes: number): string {
  const payload = payloadFor(DIGEST)
  const short = JSON.stringify({ ...payload, optional: { note: '' } })
  return JSON.stringify({ ...payload, optional: { note: 'x'.repeat(bytes - short.length) } })
}

/** Lists within lists, `levels` deep. */
function nested(levels: number): unknown {
  return JSON.parse('['.repeat(levels) + ']'.repeat(levels))
}

function subjects(count: number, last: unknown): readonly unknown[] {
  const other = { digest: { sha256: hexOf(OTHER_DIGEST) } }
  return [...Array.from({ length: count - 1 }, () => other), last]
}

const ours = { digest: { sha256: hexOf(DIGEST) } }

function bundleOf(dsseEnvelope: unknown) {
  return { mediaType: BUNDLE_TYPE, verificationMaterial: { publicKey: {} }, dsseEnvelope }
}

t.test('limit.exceeded: a payload of more than 64 KiB', async t => {
  t.equal(found(signPayload(signer, payloadOf(64 * 1024))), 'proof')
  t.match(found(signPayload(signer, payloadOf(64 * 1024 + 1))), /^limit\.exceeded: .*65536 bytes.*65537/)
})

t.test('limit.exceeded: a payload deeper than 16 levels', async t => {
  // The payload is one level, `optional` is inside it.
  t.equal(found(signPayload(signer, { ...payloadFor(DIGEST), optional: nested(15) })), 'proof')
  t.match(found(signPayload(signer, { ...payloadFor(DIGEST), optional: nested(16) })), /^limit\.exceeded: .*16 levels/)
})

t.test('signature.invalid: a signature longer than any key here can make', async t => {
  const simple = signPayload(stranger, payloadFor(DIGEST))
  const longest = Buffer.alloc(1024).toString('base64')
  t.match(found({ ...simple, signature: longest }), /^signature\.wrong-key/)
  const longer = Buffer.alloc(1027).toString('base64')
  t.match(found({ ...simple, signature: longer }), /^signature\.invalid: .*at most 1368 characters/)
  const envelope = signEnvelope(stranger, statementFor(DIGEST))
  t.match(found(toBundle(bundleOf({ ...envelope, signatures: [{ sig: longest }] }))), /^signature\.wrong-key/)
  t.match(found(toBundle(bundleOf({ ...envelope, signatures: [{ sig: longer }] }))), /^signature\.invalid/)
})

t.test('limit.exceeded: a bundle of more than 8 MiB', async t => {
  const bare = signBundle(signer, statementFor(DIGEST), { note: '' }).bytes.byteLength
  const padded = (bytes: number) => signBundle(signer, statementFor(DIGEST), { note: 'x'.repeat(bytes - bare) })
  t.equal(found(padded(8 * 1024 * 1024)), 'proof')
  t.match(found(padded(8 * 1024 * 1024 + 1)), /^limit\.exceeded: .*8388608 bytes/)
})

t.test(
  'limit.exceeded: more values than a payload, a bundle or a statement has, and blanks in their place',
  async t => {
    const many = (values: number) => Array.from({ length: values }, () => 0)
    const payload = (values: number) => signPayload(signer, { ...payloadFor(DIGEST), optional: many(values) })
    t.equal(found(payload(900)), 'proof')
    t.match(found(payload(1000)), /^limit\.exceeded: .*1000 values/)
    const bundle = (values: number) => signBundle(signer, statementFor(DIGEST), { more: many(values) })
    t.equal(found(bundle(4900)), 'proof')
    t.match(found(bundle(5000)), /^limit\.exceeded: .*5000 values/)
    const statement = (values: number) => signBundle(signer, { ...statementFor(DIGEST), predicate: many(values) })
    t.equal(found(statement(199_900)), 'proof')
    t.match(found(statement(200_000)), /^limit\.exceeded: .*200000 values/)
    const blank = Buffer.from(bundle(1).bytes).toString()
    t.equal(found(toBundle(blank.padEnd(70_000))), 'proof')
    t.match(found(toBundle(blank.padEnd(100_000))), /^limit\.exceeded: .*5000 values/)
  },
)

t.test('limit.exceeded: a bundle deeper than 16 levels, a statement deeper than 64', async t => {
  t.equal(found(signBundle(signer, statementFor(DIGEST), { more: nested(15) })), 'proof')
  t.match(found(signBundle(signer, statementFor(DIGEST), { more: nested(16) })), /^limit\.exceeded: .*16 levels/)
  t.equal(found(signBundle(signer, { ...statementFor(DIGEST), predicate: nested(63) })), 'proof')
  t.match(
    found(signBundle(signer, { ...statementFor(DIGEST), predicate: nested(64) })),
    /^limit\.exceeded: .*64 levels/,
  )
})

t.test('limit.exceeded: more than 1024 subjects, whoever signed them', async t => {
  t.equal(found(signBundle(signer, { ...statementFor(DIGEST), subject: subjects(1024, ours) })), 'proof')
  for (const who of [signer, stranger])
    t.match(
      found(signBundle(who, { ...statementFor(DIGEST), subject: subjects(1025, ours) })),
      /^limit\.exceeded: .*1024 items in the subjects, got 1025/,
    )
})

t.test('limit.exceeded: more than 32 digests of one subject, whoever signed it', async t => {
  const digest = (count: number) =>
    Object.fromEntries([
      ...Array.from({ length: count - 1 }, (_, index) => [`alg${index}`, 'ab']),
      ['sha256', hexOf(DIGEST)],
    ])
  t.equal(found(signBundle(signer, { ...statementFor(DIGEST), subject: [{ digest: digest(32) }] })), 'proof')
  for (const who of [signer, stranger])
    t.match(
      found(signBundle(who, { ...statementFor(DIGEST), subject: [{ digest: digest(33) }] })),
      /^limit\.exceeded: .*32 digests of a subject, got 33/,
    )
})

t.test('limit.exceeded: more than 32 log entries or timestamps, whoever signed', async t => {
  const recorded = readImages().find(({ name }) => name === 'key-bundle-rekor2-tsa')?.artefacts[0]
  if (recorded?.layout !== 'bundle') throw new Error('no such bundle')
  const { verificationMaterial: real } = JSON.parse(Buffer.from(recorded.bytes).toString())
  const material = (entries: number, timestamps: number) => ({
    verificationMaterial: {
      publicKey: {},
      tlogEntries: Array.from({ length: entries }, () => real.tlogEntries[0]),
      timestampVerificationData: {
        rfc3161Timestamps: Array.from(
          { length: timestamps },
          () => real.timestampVerificationData.rfc3161Timestamps[0],
        ),
      },
    },
  })
  t.equal(found(signBundle(signer, statementFor(DIGEST), material(32, 32))), 'proof')
  for (const who of [signer, stranger]) {
    t.match(found(signBundle(who, statementFor(DIGEST), material(33, 32))), /^limit\.exceeded: .*log entries, got 33/)
    t.match(found(signBundle(who, statementFor(DIGEST), material(32, 33))), /^limit\.exceeded: .*timestamps, got 33/)
  }
})
