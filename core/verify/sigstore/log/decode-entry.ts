/** Log entries in the two forms in which they come along with a signature. Decoded and bounded; nothing of them is verified. */
import { decodeBase64 } from '#core/domain/base64.ts'
import { InputError } from '#core/domain/input-error.ts'
import { SIGNATURE_BYTES } from '#core/domain/public-key.ts'
import { LimitError } from '#core/json/limit-error.ts'
import type { JsonLimits } from '#core/json/untrusted-json.ts'
import { asArray, asString, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { quote } from '#core/verify/quote.ts'
import type { InclusionProof, LogEntry } from '../material.ts'
import { BODY_BYTES } from './body.ts'
import { asClosedObject } from './closed-object.ts'

/** SHA-256: of the log's key or of its name and key, of a node of its tree. */
const HASH_BYTES = 32

/** The height of a tree of 2^64 leaves; the index of none is written with more bits. */
export const MOST_HASHES = 64

/** The largest checkpoints have a few lines and a dozen witnesses of some 150 bytes each; a post-quantum witness takes 3 KiB. */
export const CHECKPOINT_CHARACTERS = 32 * 1024

/** The last second that RFC 3339 can write, year 9999: a later one is no time that anything can be compared with. */
const LAST_SECOND = 253_402_300_799

/** The body once more in base64, and around it below 2 KiB. Two levels, six values. */
const ANNOTATION: JsonLimits = { bytes: 2 * BODY_BYTES, depth: 4, values: 32 }

const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/
const LOG_ID = /^[0-9a-f]{64}$/

/**
 * Decodes an item of a bundle's `tlogEntries` (sigstore_rekor.proto, TransparencyLogEntry), as protobuf writes it in JSON:
 * zeros and empty lists may be left out, whole numbers may be text. Throws an InputError, a LimitError where there is too
 * much of something.
 */
export function decodeLogEntry(value: unknown): LogEntry {
  const entry = asClosedObject(value, 'the log entry', [
    'logIndex',
    'logId',
    'kindVersion',
    'integratedTime',
    'inclusionPromise',
    'inclusionProof',
    'canonicalizedBody',
  ])
  const { keyId } = asClosedObject(entry['logId'], 'logId', ['keyId'])
  const { kind, version } = asClosedObject(entry['kindVersion'], 'kindVersion', ['kind', 'version'])
  return {
    logId: Buffer.from(decodeHash(keyId, 'logId.keyId')).toString('hex'),
    kind: { name: asString(kind, 'kindVersion.kind'), version: asString(version, 'kindVersion.version') },
    index: decodeCount(entry['logIndex'], 'logIndex'),
    integratedTime: timeOf(decodeCount(entry['integratedTime'], 'integratedTime')),
    promise: decodePromise(entry['inclusionPromise']),
    proof: decodeProof(entry['inclusionProof']),
    body: decodeBytes(entry['canonicalizedBody'], 'canonicalizedBody', BODY_BYTES),
  }
}

/** Decodes cosign's annotation `dev.sigstore.cosign/bundle`, JSON of its own with a promise. Throws as above. */
export function decodeLegacyEntry(annotation: string): LogEntry {
  const json = parseUntrustedJson(Buffer.from(annotation), ANNOTATION)
  const { SignedEntryTimestamp, Payload } = asClosedObject(json, 'the log bundle', ['SignedEntryTimestamp', 'Payload'])
  const payload = asClosedObject(Payload, 'Payload', ['body', 'integratedTime', 'logIndex', 'logID'])
  const logId = asString(payload['logID'], 'logID')
  if (!LOG_ID.test(logId)) throw new InputError(`expected logID to be 64 hex digits, got ${quote(logId)}`)
  return {
    logId,
    kind: undefined,
    index: asCount(payload['logIndex'], 'logIndex'),
    integratedTime: timeOf(asCount(payload['integratedTime'], 'integratedTime')),
    promise: decodeBytes(SignedEntryTimestamp, 'SignedEntryTimestamp', SIGNATURE_BYTES),
    proof: undefined,
    body: decodeBytes(payload['body'], 'body', BODY_BYTES),
  }
}

function decodePromise(value: unknown): Uint8Array | undefined {
  if (isLeftOut(value)) return undefined
  const { signedEntryTimestamp } = asClosedObject(value, 'inclusionPromise', ['signedEntryTimestamp'])
  return decodeBytes(signedEntryTimestamp, 'signedEntryTimestamp', SIGNATURE_BYTES)
}

/** Without a checkpoint it is no proof of anything: anybody can make a tree. */
function decodeProof(value: unknown): InclusionProof | undefined {
  if (isLeftOut(value)) return undefined
  const members = ['logIndex', 'rootHash', 'treeSize', 'hashes', 'checkpoint']
  const proof = asClosedObject(value, 'inclusionProof', members)
  const hashes = isLeftOut(proof['hashes']) ? [] : proof['hashes']
  return {
    index: decodeCount(proof['logIndex'], 'inclusionProof.logIndex'),
    treeSize: decodeCount(proof['treeSize'], 'inclusionProof.treeSize'),
    rootHash: decodeHash(proof['rootHash'], 'inclusionProof.rootHash'),
    hashes: asArray(hashes, 'inclusionProof.hashes', MOST_HASHES).map(hash =>
      decodeHash(hash, 'a hash of inclusionProof'),
    ),
    checkpoint: decodeCheckpointText(proof['checkpoint']),
  }
}

function decodeCheckpointText(value: unknown): string {
  const envelope = asString(asClosedObject(value, 'checkpoint', ['envelope'])['envelope'], 'checkpoint.envelope')
  if (envelope.length > CHECKPOINT_CHARACTERS)
    throw new LimitError(`expected at most ${CHECKPOINT_CHARACTERS} characters of checkpoint, got ${envelope.length}`)
  return envelope
}

/** protobuf's JSON: a message that is null is one that is not there. */
function isLeftOut(value: unknown): value is null | undefined {
  return value === undefined || value === null
}

/** A whole number as protobuf's JSON has it: text in decimal, or a number, or left out where it is zero. Below 2^53: a double holds it. */
function decodeCount(value: unknown, what: string): number {
  if (value === undefined) return 0
  if (typeof value !== 'string') return asCount(value, what)
  const count = Number(value)
  if (DECIMAL.test(value) && Number.isSafeInteger(count)) return count
  throw new InputError(`expected ${what} to be a whole number from 0 below 2^53 in decimal, got ${quote(value)}`)
}

function asCount(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  const got = typeof value === 'number' ? value : typeof value
  throw new InputError(`expected ${what} to be a whole number from 0 below 2^53, got ${got}`)
}

/** Logs that give no time (Rekor v2) leave it out or write zero, and protobuf's JSON cannot tell the two. */
function timeOf(seconds: number): number | undefined {
  if (seconds <= LAST_SECOND) return seconds === 0 ? undefined : seconds
  throw new InputError(`expected integratedTime to be at most ${LAST_SECOND}, got ${seconds}`)
}

function decodeHash(value: unknown, what: string): Uint8Array {
  const hash = decodeBytes(value, what, HASH_BYTES)
  if (hash.length === HASH_BYTES) return hash
  throw new InputError(`expected ${what} to be ${HASH_BYTES} bytes, got ${hash.length}`)
}

/** Never empty: no bytes are no signature, no hash and no body. */
function decodeBytes(value: unknown, what: string, most: number): Uint8Array {
  const bytes = decodeBase64(asString(value, what), what, most)
  if (bytes.length === 0) throw new InputError(`expected ${what}, got nothing`)
  if (bytes.length > most) throw new LimitError(`expected at most ${most} bytes of ${what}, got ${bytes.length}`)
  return bytes
}
