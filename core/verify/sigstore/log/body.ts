/** Whether a log entry is about this very signature: all that its body says is compared, and a body of which nothing can be compared is refused. */
import { createHash } from 'node:crypto'
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { JsonLimits } from '#core/json/untrusted-json.ts'
import { asString, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { quote } from '#core/verify/quote.ts'
import { encodePreAuth } from '#core/verify/statement/dsse.ts'
import type { LogEntry } from '../material.ts'
import { digestOfMessage, type Message } from '../message.ts'
import type { Claim, Verifier } from './claim.ts'
import { asClosedObject } from './closed-object.ts'
import { decodeDsse1, decodeHashedRekord1, decodeInToto } from './rekor1-claims.ts'
import { decodeDsse2, decodeHashedRekord2 } from './rekor2-claims.ts'
import { refusalOfUnreadable } from './unreadable.ts'

/** What a log is said to hold: already verified but for the log. */
export type Logged = {
  /** What the signature is over: the payload, or the PAE of an envelope. */
  readonly message: Message
  readonly signature: Uint8Array
  /** Of the envelope, if it is one. */
  readonly payload: Uint8Array | undefined
  /** What the signature was verified with. */
  readonly verifier: Verifier
}

/** The entry is about the signature it came with; the kind of its body and the version of that. */
export type Matched = { readonly kind: 'matched'; readonly as: string }

/**
 * A PEM block of 16 KiB, which is the longest that is read (core/domain/pem.ts), takes 22 in base64; a signature of an RSA
 * key of 8192 bits, base64 twice over, takes 2; the rest is hashes.
 */
export const BODY_BYTES = 32 * 1024

/** Seven levels and 17 values at most, over all the kinds. */
const BODY: JsonLimits = { bytes: BODY_BYTES, depth: 8, values: 64 }

/** intoto 0.0.1 is not among them on purpose: it holds no signature, so it is an entry of any signature over that payload. */
const KINDS: Readonly<Record<string, (spec: unknown) => Claim>> = {
  'hashedrekord 0.0.1': decodeHashedRekord1,
  'dsse 0.0.1': decodeDsse1,
  'intoto 0.0.2': decodeInToto,
  'hashedrekord 0.0.2': decodeHashedRekord2,
  'dsse 0.0.2': decodeDsse2,
}

/**
 * Compares kind, hash, signature and verifier: of an entry that agrees in less, any signature could be said to be logged
 * (CVE-2022-36056, CVE-2026-22703).
 */
export function verifyBody(entry: Pick<LogEntry, 'kind' | 'body'>, logged: Logged): Matched | Refusal {
  try {
    const { as, claim } = decodeBody(entry.body)
    const said = entry.kind === undefined ? as : `${entry.kind.name} ${entry.kind.version}`
    if (said !== as) return mismatch(`of kind ${quote(said)}, as it is called beside it`, `one of kind ${quote(as)}`)
    return differenceOf(claim, logged) ?? { kind: 'matched', as }
  } catch (error) {
    return refusalOfUnreadable(error)
  }
}

function decodeBody(bytes: Uint8Array): { readonly as: string; readonly claim: Claim } {
  const body = asClosedObject(parseUntrustedJson(bytes, BODY), 'the body', ['apiVersion', 'kind', 'spec'])
  const as = `${asString(body['kind'], 'the kind')} ${asString(body['apiVersion'], 'the apiVersion')}`
  const decode = Object.hasOwn(KINDS, as) ? KINDS[as] : undefined
  if (decode === undefined)
    throw new InputError(`expected a log entry of kind ${Object.keys(KINDS).join(', ')}, got ${quote(as)}`)
  return { as, claim: decode(body['spec']) }
}

function differenceOf(claim: Claim, logged: Logged): Refusal | undefined {
  const hashed = claim.over === 'message' ? logged.message : logged.payload
  if (hashed === undefined) return mismatch('of a signature over no envelope', 'one of an envelope')
  const type = claim.payloadType
  if (type !== undefined && !isPreAuth(logged, type))
    return mismatch('of the payload type that was signed', `one of ${quote(type)}`)
  const hash = digestOfMessage(hashed, claim.hash.algorithm)
  if (hash === undefined)
    return mismatch('of a digest that is known', `one by ${claim.hash.algorithm}: the bytes are needed to compare it`)
  if (!isSame(hash, claim.hash.value))
    return mismatch(`of ${claim.over} ${hexOf(hash)}`, `one of ${hexOf(claim.hash.value)}`)
  if (!isSame(claim.signature, logged.signature))
    return mismatch('of this signature', 'one of another over the same content')
  const { kind, der } = logged.verifier
  if (claim.verifier.kind !== kind || !isSame(claim.verifier.der, der))
    return mismatch(`of a signature by ${nameOf(logged.verifier)}`, `one by ${nameOf(claim.verifier)}`)
  return undefined
}

function isPreAuth({ message, payload }: Logged, type: string): boolean {
  return message instanceof Uint8Array && payload !== undefined && isSame(encodePreAuth(type, payload), message)
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function nameOf({ kind, der }: Verifier): string {
  return `the ${kind} ${createHash('sha256').update(der).digest('hex')}`
}

function mismatch(expected: string, got: string): Refusal {
  return refusal('log.mismatch', `expected a log entry ${expected}, got ${got}`)
}
