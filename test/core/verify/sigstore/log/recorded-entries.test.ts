import t from 'tap'
import { parseTrustedRoot } from '#certs/trusted/parse-trusted-root.ts'
import { InputError } from '#core/domain/input-error.ts'
import { decodeLegacyEntry, decodeLogEntry } from '#core/verify/sigstore/log/decode-entry.ts'
import { verifyLogEntry } from '#core/verify/sigstore/log/verify-log-entry.ts'
import { flipsOf, leavesOf, withLeaf } from './change-json.ts'
import type { RecordedEntry } from './recorded-entries.ts'
import { readRecordedEntries, trustedRoot } from './recorded-entries.ts'

const trust = parseTrustedRoot(trustedRoot(), 'recorded')
const recorded = readRecordedEntries()

t.test('every recorded entry is witnessed by its log, with a time where the log has signed one', async t => {
  const found = recorded.map(({ image, entry, logged }) => ({ image, is: verifyLogEntry(entry, logged, trust, []) }))
  for (const { image, is } of found) {
    const isLegacy = image.includes('legacy')
    t.match(is, { kind: 'witnessed', baseUrl: isLegacy ? 'http://127.0.0.1:7080' : 'http://127.0.0.1:7030' }, image)
    t.equal(is.kind === 'witnessed' && is.at !== undefined, isLegacy, image)
  }
  t.equal(recorded.length, 13)
  t.strictSame(new Set(recorded.map(({ entry }) => entry.kind?.version)), new Set(['0.0.2', undefined]))
})

t.test('an entry of one signature is not one of any other (CVE-2022-36056)', async t => {
  for (const one of recorded)
    for (const other of recorded)
      if (one !== other)
        t.match(verifyLogEntry(one.entry, other.logged, trust, []), { kind: 'refusal', code: 'log.mismatch' })
})

t.test('a signature is compared in each of its parts (CVE-2026-22703)', async t => {
  for (const { image, entry, logged } of recorded) {
    const flip = (bytes: Uint8Array) => Buffer.from(bytes).fill((bytes[9] ?? 0) ^ 1, 9, 10)
    const { kind, der } = logged.verifier
    const changed = {
      content: {
        ...logged,
        message: flip(logged.message as Uint8Array),
        payload: logged.payload && flip(logged.payload),
      },
      signature: { ...logged, signature: flip(logged.signature) },
      verifier: { ...logged, verifier: { kind, der: flip(der) } },
      'kind of verifier': {
        ...logged,
        verifier: { kind: kind === 'key' ? ('certificate' as const) : ('key' as const), der },
      },
    }
    for (const [what, one] of Object.entries(changed))
      t.match(verifyLogEntry(entry, one, trust, []), { kind: 'refusal', code: 'log.mismatch' }, `${image}: ${what}`)
  }
})

/** Whether the entry is witnessed still; one that cannot be read is not. */
function isWitnessed({ raw, logged }: RecordedEntry, changed: unknown): boolean {
  try {
    const entry = typeof raw === 'string' ? decodeLegacyEntry(JSON.stringify(changed)) : decodeLogEntry(changed)
    return verifyLogEntry(entry, logged, trust, []).kind === 'witnessed'
  } catch (error) {
    if (error instanceof InputError) return false
    throw error
  }
}

t.test('no bit of a recorded entry can be turned, but in an index that nobody has signed', async t => {
  const proven = new Set<string>()
  for (const one of recorded) {
    const value: unknown = typeof one.raw === 'string' ? JSON.parse(one.raw) : one.raw
    for (const { path, leaf } of leavesOf(value))
      if (flipsOf(leaf).some(flipped => isWitnessed(one, withLeaf(value, path, flipped)))) proven.add(path.join('.'))
  }
  t.strictSame([...proven], ['logIndex'])
})
