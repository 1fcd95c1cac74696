/** Whether a certificate log has promised to publish a certificate, so that whoever was issued one in another's name can be found out. */
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { isWithin, type TransparencyLog } from '#core/domain/trust-root.ts'
import { LimitError } from '#core/json/limit-error.ts'
import { quote } from '#core/verify/quote.ts'
import { logSignerOf } from '../log/log-signature.ts'
import type { Certificate } from './certificate.ts'
import { OID } from './extensions.ts'
import { encodePrecertificate } from './precertificate.ts'
import { decodeScts, type Sct } from './sct-list.ts'
import { inWords, isoOf, nameOf } from './words.ts'

/** What was promised. */
export type Promised = {
  readonly kind: 'promised'
  /** Each log once, by its id, with the time of its earliest promise in milliseconds since 1970. Never empty. */
  readonly logs: ReadonlyMap<string, number>
}

/**
 * Verifies the promises in `leaf`, which `issuer` has signed. One by a known log whose key was in use then must be there,
 * and none that names a known log may be wrong; those of unknown logs are nobody's, and count for nothing.
 */
export function verifyScts(
  leaf: Certificate,
  issuer: Certificate,
  logs: readonly TransparencyLog[],
): Promised | Refusal {
  const scts = decodeList(leaf)
  if ('kind' in scts) return scts
  const known = scts.filter(({ log }) => logs.some(({ id }) => id === log))
  if (known.length === 0) return missing(leaf, scts)
  const found = verifyAll(known, encodeEntry(leaf, issuer), logs)
  if ('kind' in found) return found
  const inUse = found.filter(({ sct, log }) => isWithin(log.validFor, sct.at))
  if (inUse.length === 0) return outdated(found)
  const earliestLast = inUse.toSorted((a, b) => b.sct.at - a.sct.at)
  return { kind: 'promised', logs: new Map(earliestLast.map(({ sct }) => [sct.log, sct.at])) }
}

function decodeList(leaf: Certificate): readonly Sct[] | Refusal {
  const extension = leaf.extensions.get(OID.promises)
  if (extension === undefined) return []
  try {
    return decodeScts(extension.value)
  } catch (error) {
    if (error instanceof LimitError) return refusal('limit.exceeded', error.message)
    if (error instanceof InputError) return refusal('sct.invalid', error.message)
    throw error
  }
}

/** Who signed it: a log that is known, under one of the stretches of time in which its key was in use. */
type Kept = { readonly sct: Sct; readonly log: TransparencyLog }

function verifyAll(
  scts: readonly Sct[],
  entry: Uint8Array,
  logs: readonly TransparencyLog[],
): readonly Kept[] | Refusal {
  const kept: Kept[] = []
  for (const sct of scts) {
    const message = encodeSigned(sct, entry)
    const signers = logs.filter(
      ({ id, key }) =>
        id === sct.log && ALGORITHMS.has(sct.algorithm) && logSignerOf(message, sct.signature, key) === key,
    )
    if (signers.length === 0)
      return refusal(
        'sct.invalid',
        `expected a promise by certificate log ${sct.log}, got one that does not verify with its key`,
      )
    kept.push(...signers.map(log => ({ sct, log })))
  }
  return kept
}

/**
 * RSA and ECDSA over SHA-256, -384 and -512 (RFC 5246, section 7.4.1.4.1), and Ed25519 (RFC 8422, section 5.1.3). What is
 * named here only keeps other names out; the key of the log decides how its signatures are made.
 */
const ALGORITHMS: ReadonlySet<number> = new Set([0x0401, 0x0403, 0x0501, 0x0503, 0x0601, 0x0603, 0x0807])

/** `precert_entry` of section 3.2: the key of the issuer, and the certificate without the promises. */
function encodeEntry(leaf: Certificate, issuer: Certificate): Uint8Array {
  const certificate = encodePrecertificate(leaf.der)
  const length = Buffer.alloc(3)
  length.writeUIntBE(certificate.length, 0, 3)
  return Buffer.concat([Uint8Array.of(0, 1), Buffer.from(issuer.key.fingerprint, 'hex'), length, certificate])
}

/** Version 1 and `certificate_timestamp` in front, time, entry, extensions. */
function encodeSigned({ timestamp, extensions }: Sct, entry: Uint8Array): Uint8Array {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(extensions.length)
  return Buffer.concat([Uint8Array.of(0, 0), timestamp, entry, length, extensions])
}

function missing(leaf: Certificate, unknown: readonly Sct[]): Refusal {
  const [first, ...more] = [...new Set(unknown.map(({ log }) => log))].toSorted()
  const expected = `expected a promise by a known certificate log in ${nameOf(leaf)}`
  if (first === undefined) return refusal('sct.missing', `${expected}, got none`)
  return refusal(
    'sct.untrusted',
    `${expected}, got one by log ${first}${more.length === 0 ? '' : ` and ${more.length} more`}`,
  )
}

function outdated(kept: readonly Kept[]): Refusal {
  const [one] = kept.toSorted(
    (a, b) => a.sct.at - b.sct.at || (inWords(a.log.validFor) < inWords(b.log.validFor) ? -1 : 1),
  )
  if (one === undefined) throw new TypeError('a promise that was kept is gone')
  const { sct, log } = one
  const got = `${quote(log.baseUrl)}, whose key was in use ${inWords(log.validFor)}`
  return refusal(
    'sct.untrusted',
    `expected a promise by a certificate log whose key was in use at ${isoOf(sct.at)}, got one by ${got}`,
  )
}
