/** Promises of a log to hold an entry from a certain time on (Rekor's signed entry timestamps). */
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { TransparencyLog } from '#core/domain/trust-root.ts'
import type { LogEntry } from '../material.ts'
import { logSignerOf } from './log-signature.ts'

/** The log has signed that it took the entry in at that time, in milliseconds since 1970. */
export type Promised = { readonly kind: 'promised'; readonly at: number }

/** Verifies the promise of an entry with the key of this log. Only what is signed gives a time: without a promise there is none (CVE-2026-48816). */
export function verifyPromise(entry: LogEntry, log: TransparencyLog): Promised | Refusal {
  const { promise, integratedTime } = entry
  if (promise === undefined || integratedTime === undefined)
    return refusal(
      'log.invalid',
      `expected a promise and the time it is for, got ${promise ? 'no time' : 'no promise'}`,
    )
  if (logSignerOf(encodePromised(entry, integratedTime), promise, log.key) === undefined)
    return refusal(
      'log.invalid',
      `expected a promise by the log ${log.baseUrl}, got one that does not verify with its key`,
    )
  return { kind: 'promised', at: integratedTime * 1000 }
}

/** RFC 8785: members by name, no white space, numbers as ECMAScript writes them. Base64 and hex have nothing to escape. */
function encodePromised({ body, logId, index }: LogEntry, integratedTime: number): Uint8Array {
  const text = Buffer.from(body).toString('base64')
  return Buffer.from(JSON.stringify({ body: text, integratedTime, logID: logId, logIndex: index }))
}
