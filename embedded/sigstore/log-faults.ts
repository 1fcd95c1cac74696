/** What can be wrong with an entry of a log, and with what the log says of it. */
import type { Head, NoteSigner } from './checkpoint.ts'
import { encodeCheckpoint } from './checkpoint.ts'
import type { BundleJson, Fault } from './fault.ts'
import { flipLastBit, makeEcKeys, spkiOf } from './key-pair.ts'
import type { LogEntry, Proof } from './log-entry.ts'

/** One more than sigstore-go reads. */
const TOO_MANY = 33
const HOUR_MS = 60 * 60 * 1000

export const LOG_FAULTS = {
  'entry-missing': { says: 'there is no entry, though one was ordered', needs: ['log'], entries: () => [] },
  'entry-other-digest': {
    says: 'the entry is for another digest',
    needs: ['log'],
    facts: (facts, { digest, envelope }) => ({ ...facts, digest, envelope }),
  },
  'entry-other-signature': {
    says: 'the entry is for another signature by the same signer',
    needs: ['log'],
    facts: (facts, { signature }) => ({ ...facts, signature }),
  },
  'entry-other-key': {
    says: 'the entry names another key than the one that signed',
    needs: ['log'],
    facts: facts => {
      const der = spkiOf(makeEcKeys().publicKey)
      return { ...facts, verifier: { form: 'publicKey', der, details: 'PKIX_ECDSA_P256_SHA_256' } }
    },
  },
  'entry-of-other-image': {
    says: 'the entry is a whole good one, for something else that the same signer signed',
    needs: ['log'],
    facts: (_, other) => other,
  },
  'entry-twice': {
    says: 'the same entry comes twice',
    needs: ['log', 'bundle'],
    entries: add => {
      const entry = add()
      return [entry, entry]
    },
  },
  'many-entries': {
    says: 'there are 33 entries, each good',
    needs: ['log', 'bundle'],
    entries: add => Array.from({ length: TOO_MANY }, add),
  },
  'unknown-kind': {
    says: 'the entry is of a kind that nobody knows',
    needs: ['log'],
    body: body => {
      const text = Buffer.from(body.bytes).toString()
      return { ...body, kind: 'unknown', bytes: Buffer.from(text.replace(`"kind":"${body.kind}"`, '"kind":"unknown"')) }
    },
  },
  'body-changed-after-promise': {
    says: 'a blank was added to the body after the log had signed it',
    needs: ['log'],
    entry: entry => ({ ...entry, body: Buffer.concat([entry.body, Buffer.from(' ')]) }),
  },
  'log-unknown': {
    says: 'the log has the same name and another key',
    needs: ['log'],
    from: { rekor1: 'forged', rekor2: 'forged' },
  },
  'log-key-ended': {
    says: 'the trust root says that the log had ended before',
    needs: ['log'],
    from: { rekor1: 'retired', rekor2: 'retired' },
  },
  'log-key-not-begun': {
    says: 'the trust root says that the log begins years later',
    needs: ['log'],
    from: { rekor1: 'future', rekor2: 'future' },
  },
  'promise-flipped': {
    says: 'a bit of the promise is flipped',
    needs: ['promise'],
    entry: entry => ({ ...entry, promise: flipLastBit(entry.promise ?? Buffer.alloc(1)) }),
  },
  'promise-missing-time-backdated': {
    says: 'logged an hour late, set back to when the certificate was valid, the promise that would tell left out (CVE-2026-48816)',
    needs: ['certificate', 'promise', 'proof'],
    moments: ({ logged }) => ({ signed: new Date(logged.getTime() - HOUR_MS), logged }),
    entry: entry => ({ ...entry, promise: undefined, integratedTime: (entry.integratedTime ?? 0) - HOUR_MS / 1000 }),
  },
  'proof-hash-flipped': {
    says: 'a bit of a hash on the path to the root is flipped',
    needs: ['proof'],
    entry: inProof(proof => ({ hashes: proof.hashes.map((hash, nth) => (nth === 0 ? flipLastBit(hash) : hash)) })),
  },
  'root-hash-differs': {
    says: 'the root hash beside the checkpoint is another than the one in it',
    needs: ['proof'],
    entry: inProof(proof => ({ rootHash: flipLastBit(proof.rootHash) })),
  },
  'index-out-of-range': {
    says: 'the index is the size of the tree',
    needs: ['proof'],
    entry: inProof(proof => ({ index: proof.treeSize })),
  },
  'checkpoint-missing': {
    says: 'there is no checkpoint',
    needs: ['proof'],
    entry: inProof(() => ({ checkpoint: undefined })),
  },
  'checkpoint-flipped': {
    says: 'a bit of the signature of the checkpoint is flipped',
    needs: ['proof'],
    entry: (entry, log) => {
      const { noteSigner } = log
      return withCheckpoint(entry, log.head(), { ...noteSigner, sign: note => flipLastBit(noteSigner.sign(note)) })
    },
  },
  'checkpoint-other-origin': {
    says: 'the checkpoint is signed by the log, but names another origin',
    needs: ['proof'],
    entry: (entry, log) => withCheckpoint(entry, { ...log.head(), origin: 'log.other.test' }, log.noteSigner),
  },
  'checkpoint-unknown-key': {
    says: 'the checkpoint is signed by a log of the same name and another key',
    needs: ['proof'],
    entry: (entry, log, { forged }) => withCheckpoint(entry, log.head(), forged[`rekor${log.version}`].noteSigner),
  },
  'checkpoint-wrong-hint': {
    says: 'the hint before the signature of the checkpoint is that of another key',
    needs: ['proof'],
    entry: (entry, log, { forged }) => {
      const { hint } = forged[`rekor${log.version}`].noteSigner
      return withCheckpoint(entry, log.head(), { ...log.noteSigner, hint })
    },
  },
  'relabelled-v01': {
    says: 'a bundle of version 0.3 is called 0.1, which needs no proof, and has none; nor was there ever a promise',
    needs: ['rekor2', 'bundle'],
    entry: entry => ({ ...entry, proof: undefined }),
    bundle: (bundle: BundleJson) => ({ ...bundle, mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1' }),
  },
} as const satisfies Record<string, Fault>

function inProof(change: (proof: Proof) => Partial<Proof>) {
  return (entry: LogEntry): LogEntry =>
    entry.proof === undefined ? entry : { ...entry, proof: { ...entry.proof, ...change(entry.proof) } }
}

function withCheckpoint(entry: LogEntry, head: Head, signer: NoteSigner): LogEntry {
  return inProof(() => ({ checkpoint: encodeCheckpoint(head, signer) }))(entry)
}
