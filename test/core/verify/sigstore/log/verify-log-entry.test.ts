import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import * as fc from 'fast-check'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import type { TrustRoot } from '#core/domain/trust-root.ts'
import { decodeLegacyEntry, decodeLogEntry } from '#core/verify/sigstore/log/decode-entry.ts'
import type { Witnessed } from '#core/verify/sigstore/log/verify-log-entry.ts'
import { distinctLogs, verifyLogEntry } from '#core/verify/sigstore/log/verify-log-entry.ts'
import type { LogEntry } from '#core/verify/sigstore/material.ts'
import type { Path } from './change-json.ts'
import { leavesOf, withLeaf } from './change-json.ts'
import type { Kind, MadeLog, Signed, Witness } from './make-log.ts'
import {
  AT,
  annotationOf,
  base64,
  bodyOf,
  entryOf,
  jsonOf,
  KINDS,
  makeLog,
  PAYLOAD_TYPE,
  promiseOf,
  proofOf,
  sha256,
  signedOf,
  trustOf,
} from './make-log.ts'

const made = makeLog()
const trust = trustOf(made.log)
const logged = signedOf('envelope')
const kind: Kind = 'dsse 0.0.1'
const body = bodyOf(kind, logged)

const entryBy = (by: Witness) => entryOf(made, kind, body, by)
const verify = (entry: LogEntry, within: TrustRoot = trust, times: readonly number[] = []) =>
  verifyLogEntry(entry, logged, within, times)

t.test('a promise, a proof, or both make a witness; only a promise gives a time', async t => {
  const witnessed = { kind: 'witnessed', log: made.log.id, baseUrl: 'https://log.example' }
  t.strictSame(verify(entryBy('promise')), { ...witnessed, at: AT * 1000 })
  t.strictSame(verify(entryBy('both')), { ...witnessed, at: AT * 1000 })
  t.strictSame(verify(entryBy('proof')), { ...witnessed, at: undefined })
})

t.test('a time that nobody has promised is no time (CVE-2026-48816)', async t => {
  t.match(verify({ ...entryBy('proof'), integratedTime: AT }), { kind: 'witnessed', at: undefined })
})

t.test('an entry with neither promise nor proof is no witness (CVE-2022-23649)', async t => {
  t.match(verify(entryBy('none')), { code: 'log.missing' })
  t.match(verify({ ...entryBy('none'), integratedTime: AT }), { code: 'log.missing' })
})

t.test('a promise that is bad is not made good by a proof, nor a proof by a promise', async t => {
  const both = entryBy('both')
  const other = entryOf(makeLog(), kind, body)
  t.match(verify({ ...both, promise: other.promise }), { code: 'log.invalid', detail: /promise by the log/ })
  t.match(verify({ ...both, proof: other.proof }), { code: 'log.invalid', detail: /signature by log.example/ })
  t.match(verify({ ...both, integratedTime: undefined }), { code: 'log.invalid', detail: /got no time/ })
})

t.test('a promise is for body, time, log and index', async t => {
  const entry = entryBy('promise')
  for (const change of [{ index: 7 }, { integratedTime: AT + 1 }, { body: Buffer.concat([body, Buffer.from(' ')]) }])
    t.match(verify({ ...entry, ...change }), { code: 'log.invalid', detail: /does not verify with its key/ })
  const renamed = { ...made.log, id: 'ab'.repeat(32) }
  t.match(verify({ ...entry, logId: renamed.id }, trustOf(renamed)), { code: 'log.invalid' })
})

t.test('every kind of key signs promises and checkpoints', async t => {
  for (const key of ['p256', 'p384', 'p521', 'rsa', 'ed25519'] as const) {
    const made = makeLog(key)
    const entry = entryOf(made, kind, body)
    t.match(verify(entry, trustOf(made.log)), { kind: 'witnessed' }, key)
    t.match(verify(entry, trustOf({ ...makeLog(key).log, id: made.log.id })), { code: 'log.invalid' }, key)
  }
})

t.test('a log is the one with the id that the entry names, and nothing is tried with the others', async t => {
  const entry = entryBy('both')
  t.match(verify(entry, trustOf()), { code: 'log.untrusted', detail: new RegExp(`got ${made.log.id}`) })
  t.match(verify(entry, trustOf(makeLog().log, makeLog('ed25519').log)), { code: 'log.untrusted' })
  // The right key under another id.
  t.match(verify(entry, trustOf({ ...made.log, id: 'ab'.repeat(32) })), { code: 'log.untrusted' })
  // A certificate log signs certificates.
  t.match(verify(entry, { ...trustOf(), certificateLogs: [made.log] }), { code: 'log.untrusted' })
  t.match(verify(entry, trustOf(makeLog().log, made.log)), { kind: 'witnessed' })
})

t.test('the key of a log counts while it was in use, both ends included', async t => {
  const until = (from: number | undefined, until: number | undefined) =>
    trustOf({ ...made.log, validFor: { from, until } })
  const at = AT * 1000
  for (const by of ['promise', 'both'] as const) {
    t.match(verify(entryBy(by), until(at, at)), { kind: 'witnessed' })
    t.match(verify(entryBy(by), until(at + 1, undefined)), { code: 'log.untrusted', detail: /until now, got 2027/ })
    t.match(verify(entryBy(by), until(undefined, at - 1)), { code: 'log.untrusted', detail: /from ever/ })
    // The log's own time is what says when its key was used.
    t.match(verify(entryBy(by), until(at, at), [0]), { kind: 'witnessed' })
  }
  const proof = entryBy('proof')
  t.match(verify(proof, until(at, at), [at, at]), { kind: 'witnessed', at: undefined })
  t.match(verify(proof, until(at, at), [at, at + 1]), { code: 'log.untrusted' })
  t.match(verify(proof, until(at, at), [at - 1]), { code: 'log.untrusted' })
  t.match(verify(proof, until(at, at), []), { kind: 'witnessed' })
})

t.test('of several keys under one id, the one that made the signature decides', async t => {
  const old = makeLog('p256', { id: made.log.id, keyHint: made.log.keyHint })
  const later = { ...made.log, validFor: { from: AT * 1000 + 1, until: undefined } }
  t.match(verify(entryBy('both'), trustOf(old.log, made.log)), { kind: 'witnessed' })
  t.match(verify(entryBy('both'), trustOf(later, made.log)), { kind: 'witnessed' })
  t.match(verify(entryBy('both'), trustOf(old.log, later)), { code: 'log.untrusted' })
  t.match(verify(entryBy('both'), trustOf(old.log)), { code: 'log.invalid' })
})

t.test('an entry of another signature, which the log holds as well, is no witness of this one', async t => {
  const other = signedOf('envelope')
  for (const kind of KINDS) {
    const entry = entryOf(made, kind, bodyOf(kind, other))
    t.match(verifyLogEntry(entry, other, trust, []), { kind: 'witnessed' })
    t.match(verify(entry), { code: 'log.mismatch' })
  }
})

t.test('entries of one log count once (CVE-2026-49834)', async t => {
  const other = makeLog()
  const entries = [entryBy('both'), { ...entryBy('proof'), index: 9 }, entryOf(other, kind, body)]
  const found = entries.map(entry => verify(entry, trustOf(made.log, other.log)))
  const witnesses = found.filter((one): one is Witnessed => one.kind === 'witnessed')
  t.equal(witnesses.length, 3)
  t.strictSame(distinctLogs(witnesses), [made.log.id, other.log.id])
  t.strictSame(distinctLogs([]), [])
})

/** What becomes of a good entry when one value of it is another good one: Rekor v1's, with promise and proof, and Rekor v2's, with a proof. */
const CHANGED: readonly (readonly [string, unknown, both: string, proof: string])[] = [
  ['logIndex', '1006', 'log.invalid', 'witnessed: nobody signs it, the proof has an index of its own'],
  ['logId.keyId', base64(Buffer.alloc(32, 7)), 'log.untrusted', 'log.untrusted'],
  ['kindVersion.kind', 'hashedrekord', 'log.mismatch', 'log.mismatch'],
  ['kindVersion.version', '0.0.2', 'log.mismatch', 'log.mismatch'],
  ['integratedTime', `${AT + 1}`, 'log.invalid', 'witnessed: nobody signs it, and it is not used'],
  ['inclusionPromise.signedEntryTimestamp', base64(Buffer.alloc(70, 7)), 'log.invalid', 'log.invalid'],
  ['inclusionProof.logIndex', '4', 'log.invalid', 'log.invalid'],
  ['inclusionProof.rootHash', base64(Buffer.alloc(32, 7)), 'log.invalid', 'log.invalid'],
  ['inclusionProof.treeSize', '8', 'log.invalid', 'log.invalid'],
  ['inclusionProof.hashes.0', base64(Buffer.alloc(32, 7)), 'log.invalid', 'log.invalid'],
  ['inclusionProof.hashes.1', base64(Buffer.alloc(32, 7)), 'log.invalid', 'log.invalid'],
  ['inclusionProof.hashes.2', base64(Buffer.alloc(32, 7)), 'log.invalid', 'log.invalid'],
  ['inclusionProof.checkpoint.envelope', proofOf(makeLog(), body).checkpoint, 'log.invalid', 'log.invalid'],
  ['canonicalizedBody', base64(bodyOf(kind, signedOf('envelope'))), 'log.invalid', 'log.invalid'],
]

t.test('each value of an entry is proven, or is known to be used for nothing', async t => {
  const good = { both: jsonOf(entryBy('both')), proof: jsonOf(entryBy('proof')) }
  t.strictSame(new Set(leavesOf(good.both).map(({ path }) => path.join('.'))), new Set(CHANGED.map(([path]) => path)))
  for (const [where, value, both, proof] of CHANGED) {
    const path: Path = where.split('.').map(part => (/^\d$/.test(part) ? Number(part) : part))
    for (const [json, becomes] of [
      [good.both, both],
      [good.proof, proof],
    ] as const) {
      const changed =
        path[0] === 'inclusionPromise'
          ? { ...json, inclusionPromise: { [String(path[1])]: value } }
          : withLeaf(json, path, value)
      const is = verify(decodeLogEntry(changed))
      t.equal(is.kind === 'witnessed' ? is.kind : is.code, becomes.split(':')[0], where)
    }
  }
})

t.test('each value of cosign’s annotation is proven', async t => {
  const annotation: unknown = JSON.parse(annotationOf(entryBy('promise')))
  const changed: readonly (readonly [Path, unknown, string])[] = [
    [['SignedEntryTimestamp'], base64(Buffer.alloc(70, 7)), 'log.invalid'],
    [['Payload', 'body'], base64(bodyOf(kind, signedOf('envelope'))), 'log.invalid'],
    [['Payload', 'integratedTime'], AT + 1, 'log.invalid'],
    [['Payload', 'integratedTime'], 0, 'log.invalid'],
    [['Payload', 'logIndex'], 1006, 'log.invalid'],
    [['Payload', 'logID'], 'ab'.repeat(32), 'log.untrusted'],
  ]
  t.match(verify(decodeLegacyEntry(JSON.stringify(annotation))), { kind: 'witnessed', at: AT * 1000 })
  for (const [path, value, code] of changed)
    t.match(
      verify(decodeLegacyEntry(JSON.stringify(withLeaf(annotation, path, value)))),
      { kind: 'refusal', code },
      path.join('.'),
    )
})

t.test('a body that cannot be read is refused although the log holds it', async t => {
  for (const text of ['', 'x', '{}', '{"apiVersion":"0.0.1","kind":"intoto","spec":{}}', '['.repeat(100)]) {
    const bytes = Buffer.from(text)
    const entry = {
      logId: made.log.id,
      kind: undefined,
      index: 1,
      integratedTime: AT,
      body: bytes,
      promise: undefined,
      proof: undefined,
    }
    const promise = promiseOf(made, entry)
    t.match(
      verify({ ...entry, promise, proof: proofOf(made, bytes) }),
      { kind: 'refusal', code: /log.invalid|limit.exceeded/ },
      text,
    )
  }
})

t.test('nothing in an entry makes it throw, and whatever is witnessed is this signature', async t => {
  const json = jsonOf(entryBy('both'))
  const leaves = leavesOf(json)
  const text = fc.oneof(
    fc.string(),
    fc.base64String(),
    fc.nat().map(String),
    fc.constantFrom(...leaves.map(({ leaf }) => leaf)),
  )
  const changes = fc.array(fc.tuple(fc.nat({ max: leaves.length - 1 }), text), { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(changes, changes => {
      const changed = changes.reduce<unknown>(
        (value, [at, leaf]) => withLeaf(value, leaves[at]?.path ?? [], leaf),
        json,
      )
      try {
        const is = verify(decodeLogEntry(changed))
        return is.kind === 'refusal' || JSON.stringify(changed) === JSON.stringify(json) || isSameEntry(changed, json)
      } catch (error) {
        return error instanceof InputError
      }
    }),
    { numRuns: 300 },
  )
  t.pass()
})

/** Whether two write the same: members in another order, a number in another form. */
function isSameEntry(one: unknown, other: unknown): boolean {
  const sorted = (value: unknown) =>
    leavesOf(value)
      .map(({ path, leaf }) => `${path.join('.')}=${String(leaf)}`)
      .toSorted()
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
}

/** The same, asked of Sigstore's own verifier for JavaScript. */
function verifyElsewhere(made: MadeLog, signed: Signed, entry: LogEntry): string {
  const start = '2020-01-01T00:00:00Z'
  const keyDetails = made.log.key.spki.length < 100 ? 'PKIX_ED25519' : 'PKIX_ECDSA_P256_SHA_256'
  const root = TrustedRoot.fromJSON({
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [
      {
        baseUrl: made.log.baseUrl,
        hashAlgorithm: 'SHA2_256',
        publicKey: { rawBytes: made.log.key.spki, keyDetails, validFor: { start } },
        logId: { keyId: base64(Buffer.from(made.log.id, 'hex')) },
      },
    ],
  })
  const { payload, message, signature } = signed
  const material = toTrustMaterial(root, () => ({ publicKey: signed.key, validFor: () => true }))
  const content =
    payload === undefined
      ? {
          messageSignature: {
            messageDigest: { algorithm: 'SHA2_256', digest: base64(sha256(message)) },
            signature: base64(signature),
          },
        }
      : {
          dsseEnvelope: {
            payload: base64(payload),
            payloadType: PAYLOAD_TYPE,
            signatures: [{ sig: base64(signature), keyid: '' }],
          },
        }
  const bundle = bundleFromJSON({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'key' }, tlogEntries: [jsonOf(entry)] },
    ...content,
  })
  try {
    new Verifier(material, { tlogThreshold: 1, timestampThreshold: 0 }).verify(
      toSignedEntity(bundle, payload === undefined ? Buffer.from(message) : undefined),
    )
    return 'verified'
  } catch (error) {
    return String(error)
  }
}

/** What it can be asked about. An envelope that is logged as what it is signed over is one to it in Rekor v2 only. */
const KNOWN_ELSEWHERE = KINDS.flatMap(kind => {
  const all = kind.startsWith('hashedrekord') ? (['message', 'envelope'] as const) : (['envelope'] as const)
  return all.map(what => ({ kind, what })).filter(({ what }) => kind !== 'hashedrekord 0.0.1' || what === 'message')
})

t.test('what is made here is what Sigstore’s own verifier takes for an entry', async t => {
  for (const key of ['p256', 'ed25519'] as const)
    for (const { kind, what } of KNOWN_ELSEWHERE) {
      const made = makeLog(key)
      const signed = signedOf(what)
      const isRekor2 = kind === 'hashedrekord 0.0.2' || kind === 'dsse 0.0.2'
      const entry = entryOf(made, kind, bodyOf(kind, signed), isRekor2 ? 'proof' : 'both')
      t.match(verifyLogEntry(entry, signed, trustOf(made.log), []), { kind: 'witnessed' })
      t.equal(verifyElsewhere(made, signed, entry), 'verified', `${kind} of ${what} by ${key}`)
    }
  t.equal(KNOWN_ELSEWHERE.length, 6)
})
