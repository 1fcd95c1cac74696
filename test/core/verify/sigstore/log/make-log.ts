/** A log of signatures made on the spot: keys, tree, promises and checkpoints as Rekor's two generations write them, and whatever a log would not do. */
import type { KeyObject } from 'node:crypto'
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { decodePublicKey } from '#core/domain/public-key.ts'
import type { TransparencyLog, TrustRoot } from '#core/domain/trust-root.ts'
import type { Logged } from '#core/verify/sigstore/log/body.ts'
import type { InclusionProof, LogEntry } from '#core/verify/sigstore/material.ts'
import { encodePreAuth } from '#core/verify/statement/dsse.ts'

export type MadeLog = { readonly log: TransparencyLog; readonly sign: (message: Uint8Array) => Buffer }

const PAIRS = {
  p256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  p521: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ed25519: () => generateKeyPairSync('ed25519'),
}

export type LogKey = keyof typeof PAIRS

const HASHES = { p256: 'sha256', p384: 'sha384', p521: 'sha512', rsa: 'sha256', ed25519: null }

export function makeLog(key: LogKey = 'p256', changes: Partial<TransparencyLog> = {}): MadeLog {
  const { publicKey, privateKey } = PAIRS[key]()
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  const id = createHash('sha256').update(spki).digest('hex')
  const validFor = { from: undefined, until: undefined }
  const log = { baseUrl: 'https://log.example', id, keyHint: id.slice(0, 8), key: decodePublicKey(spki), validFor }
  return { log: { ...log, ...changes }, sign: message => sign(HASHES[key], message, privateKey) }
}

export function trustOf(...logs: readonly TransparencyLog[]): TrustRoot {
  return {
    name: 'made',
    version: '00'.repeat(32),
    authorities: [],
    timestampAuthorities: [],
    logs,
    certificateLogs: [],
  }
}

/** RFC 6962, section 2.1, as it is defined there: from the top down, which the verifier does not do. */
export function rootOf(leaves: readonly Uint8Array[]): Buffer {
  const [leaf] = leaves
  if (leaves.length === 1 && leaf !== undefined) return hashOf(0, leaf)
  const split = splitOf(leaves.length)
  return hashOf(1, rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)))
}

/** RFC 6962, section 2.1.1. */
export function pathOf(leaves: readonly Uint8Array[], index: number): readonly Buffer[] {
  if (leaves.length === 1) return []
  const split = splitOf(leaves.length)
  return index < split
    ? [...pathOf(leaves.slice(0, split), index), rootOf(leaves.slice(split))]
    : [...pathOf(leaves.slice(split), index - split), rootOf(leaves.slice(0, split))]
}

function splitOf(size: number): number {
  return 2 ** Math.floor(Math.log2(size - 1))
}

export function hashOf(prefix: 0 | 1, ...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha256')
    .update(Buffer.concat([Uint8Array.of(prefix), ...parts]))
    .digest()
}

export type Note = {
  readonly origin?: string
  readonly name?: string
  readonly hint?: string
  readonly others?: readonly string[]
}

export function noteOf(made: MadeLog, size: number, root: Uint8Array, note: Note = {}): string {
  const host = new URL(made.log.baseUrl).hostname
  const lines = [note.origin ?? host, size, Buffer.from(root).toString('base64'), ...(note.others ?? [])]
  const text = lines.map(line => `${line}\n`).join('')
  return `${text}\n${lineOf(note.name ?? host, note.hint ?? made.log.keyHint, made.sign(Buffer.from(text)))}`
}

export function lineOf(name: string, hint: string, signature: Uint8Array): string {
  return `\u2014 ${name} ${Buffer.concat([Buffer.from(hint, 'hex'), signature]).toString('base64')}\n`
}

/** The proof of a body between others. */
export function proofOf(made: MadeLog, body: Uint8Array, { index = 5, size = 7, note = {} } = {}): InclusionProof {
  const leaves = Array.from({ length: size }, (_, at) => (at === index ? body : Buffer.from(`leaf ${at}`)))
  const rootHash = rootOf(leaves)
  return {
    index,
    treeSize: size,
    rootHash,
    hashes: pathOf(leaves, index),
    checkpoint: noteOf(made, size, rootHash, note),
  }
}

export function promiseOf(made: MadeLog, { body, integratedTime, logId, index }: Unsigned): Buffer {
  const text = Buffer.from(body).toString('base64')
  return made.sign(
    Buffer.from(`{"body":"${text}","integratedTime":${integratedTime},"logID":"${logId}","logIndex":${index}}`),
  )
}

type Unsigned = Pick<LogEntry, 'body' | 'integratedTime' | 'logId' | 'index'>

/** Seconds since 1970. */
export const AT = 1_800_000_000

export type Witness = 'promise' | 'proof' | 'both' | 'none'

export function entryOf(made: MadeLog, kind: Kind, body: Uint8Array, by: Witness = 'both'): LogEntry {
  const [name = '', version = ''] = kind.split(' ')
  const hasPromise = by === 'promise' || by === 'both'
  const entry = { logId: made.log.id, index: 1005, integratedTime: hasPromise ? AT : undefined, body }
  return {
    ...entry,
    kind: { name, version },
    promise: hasPromise ? promiseOf(made, entry) : undefined,
    proof: by === 'proof' || by === 'both' ? proofOf(made, body) : undefined,
  }
}

/** As protobuf writes it in JSON. */
export function jsonOf({ logId, kind, index, integratedTime, promise, proof, body }: LogEntry) {
  return {
    logIndex: index.toString(),
    logId: { keyId: Buffer.from(logId, 'hex').toString('base64') },
    kindVersion: { kind: kind?.name, version: kind?.version },
    ...(integratedTime === undefined ? {} : { integratedTime: integratedTime.toString() }),
    ...(promise === undefined ? {} : { inclusionPromise: { signedEntryTimestamp: base64(promise) } }),
    ...(proof === undefined
      ? {}
      : {
          inclusionProof: {
            logIndex: proof.index.toString(),
            rootHash: base64(proof.rootHash),
            treeSize: proof.treeSize.toString(),
            hashes: proof.hashes.map(base64),
            checkpoint: { envelope: proof.checkpoint },
          },
        }),
    canonicalizedBody: base64(body),
  }
}

/** As cosign writes it into an annotation. */
export function annotationOf({ logId, index, integratedTime, promise, body }: LogEntry): string {
  const payload = { body: base64(body), integratedTime, logIndex: index, logID: logId }
  return JSON.stringify({ SignedEntryTimestamp: base64(promise ?? Buffer.alloc(0)), Payload: payload })
}

export const PAYLOAD_TYPE = 'application/vnd.in-toto+json'

/** Of which the bytes are known, and not only a digest. */
type LoggedBytes = Logged & { readonly message: Uint8Array }

export type Signed = LoggedBytes & { readonly key: KeyObject }

/** Something signed; of an envelope, if it is said to be one. By a key, or by a certificate that nobody looks into. */
export function signedOf(what: 'message' | 'envelope', by: 'key' | 'certificate' = 'key'): Signed {
  const { publicKey, privateKey } = PAIRS.p256()
  const payload = randomBytes(40)
  const message = what === 'envelope' ? encodePreAuth(PAYLOAD_TYPE, payload) : payload
  return {
    message,
    payload: what === 'envelope' ? payload : undefined,
    signature: sign('sha256', message, privateKey),
    verifier: { kind: by, der: by === 'key' ? publicKey.export({ format: 'der', type: 'spki' }) : randomBytes(100) },
    key: publicKey,
  }
}

/** The bodies by kind, as the logs write them. */
export const BODIES = {
  'hashedrekord 0.0.1': ({ message, signature, verifier }: LoggedBytes) => ({
    data: { hash: { algorithm: 'sha256', value: sha256(message).toString('hex') } },
    signature: { content: base64(signature), publicKey: { content: base64(pemOf(verifier)) } },
  }),
  'dsse 0.0.1': ({ payload, signature, verifier }: LoggedBytes) => ({
    envelopeHash: { algorithm: 'sha256', value: '5e'.repeat(32) },
    payloadHash: { algorithm: 'sha256', value: sha256(payload).toString('hex') },
    signatures: [{ signature: base64(signature), verifier: base64(pemOf(verifier)) }],
  }),
  'intoto 0.0.2': ({ payload, signature, verifier }: LoggedBytes) => ({
    content: {
      envelope: {
        payloadType: PAYLOAD_TYPE,
        signatures: [{ keyid: 'any', publicKey: base64(pemOf(verifier)), sig: base64(Buffer.from(base64(signature))) }],
      },
      hash: { algorithm: 'sha256', value: '5e'.repeat(32) },
      payloadHash: { algorithm: 'sha256', value: sha256(payload).toString('hex') },
    },
  }),
  'hashedrekord 0.0.2': ({ message, signature, verifier }: LoggedBytes) => ({
    hashedRekordV002: {
      data: { algorithm: 'SHA2_256', digest: base64(sha256(message)) },
      signature: { content: base64(signature), verifier: rekor2VerifierOf(verifier) },
    },
  }),
  'dsse 0.0.2': ({ payload, signature, verifier }: LoggedBytes) => ({
    dsseV002: {
      payloadHash: { algorithm: 'SHA2_256', digest: base64(sha256(payload)) },
      signatures: [{ content: base64(signature), verifier: rekor2VerifierOf(verifier) }],
    },
  }),
}

export type Kind = keyof typeof BODIES

export const KINDS = Object.keys(BODIES) as readonly Kind[]

export function bodyOf(kind: Kind, logged: LoggedBytes): Buffer {
  return encodeBody(kind, BODIES[kind](logged))
}

export function encodeBody(kind: string, spec: unknown): Buffer {
  const [name, apiVersion] = kind.split(' ')
  return Buffer.from(JSON.stringify({ apiVersion, kind: name, spec }))
}

export function pemOf({ kind, der }: Logged['verifier']): Buffer {
  const label = kind === 'key' ? 'PUBLIC KEY' : 'CERTIFICATE'
  const lines = base64(der).match(/.{1,64}/g) ?? []
  return Buffer.from([`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n'))
}

function rekor2VerifierOf({ kind, der }: Logged['verifier']) {
  const keyDetails = 'PKIX_ECDSA_P256_SHA_256'
  return kind === 'key'
    ? { publicKey: { rawBytes: base64(der) }, keyDetails }
    : { x509Certificate: { rawBytes: base64(der) }, keyDetails }
}

export function sha256(bytes: Uint8Array | undefined): Buffer {
  return createHash('sha256')
    .update(bytes ?? '')
    .digest()
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
