/** Whether a log that is trusted holds a signature. Everything is in the entry: nothing is looked up, and keys come from the trust root alone (CVE-2023-47122, CVE-2024-51746). */
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { TransparencyLog, TrustRoot } from '#core/domain/trust-root.ts'
import { isWithin } from '#core/domain/trust-root.ts'
import type { InclusionProof, LogEntry } from '../material.ts'
import type { Logged } from './body.ts'
import { verifyBody } from './body.ts'
import { verifyCheckpoint } from './checkpoint.ts'
import type { Included } from './inclusion.ts'
import { verifyInclusion } from './inclusion.ts'
import { verifyPromise } from './promise.ts'

/** A trusted log has witnessed the signature. */
export type Witnessed = {
  readonly kind: 'witnessed'
  /** The id of the log, by which distinct logs are counted. */
  readonly log: string
  readonly baseUrl: string
  /** When, in milliseconds since 1970; only a promise signs that. */
  readonly at: number | undefined
}

/**
 * Verifies one entry about one signature: promise and proof, each where it is there and at least one of them; the log's
 * key at the time it was used; and that the entry is about this signature. `times` are what else is proven of when that
 * was made (milliseconds since 1970), and stand in for the log's own time where nobody has signed that: a log without
 * promises gives no time, and where nothing else does, nobody can say whether its key was in use.
 */
export function verifyLogEntry(
  entry: LogEntry,
  logged: Logged,
  trust: TrustRoot,
  times: readonly number[],
): Witnessed | Refusal {
  // Missing, not invalid: nothing in it is wrong, and whoever left out both has shown no more than who left out the entry.
  if (entry.promise === undefined && entry.proof === undefined)
    return refusal('log.missing', 'expected a promise or a proof of inclusion in the log entry, got neither')
  const witnessed = witnessAmong(entry, trust, times)
  if (witnessed.kind === 'refusal') return witnessed
  const matched = verifyBody(entry, logged)
  return matched.kind === 'refusal' ? matched : witnessed
}

/** The ids of the logs that have witnessed something: entries of one log count once, however many there are (CVE-2026-49834). */
export function distinctLogs(witnesses: readonly Witnessed[]): readonly string[] {
  return [...new Set(witnesses.map(({ log }) => log))]
}

/** A log that has changed its key, or had it for several stretches of time, may stand in a trust root more than once. */
function witnessAmong(entry: LogEntry, trust: TrustRoot, times: readonly number[]): Witnessed | Refusal {
  const refusals: Refusal[] = []
  for (const log of trust.logs) {
    if (log.id !== entry.logId) continue
    const found = verifyWitness(entry, log, times)
    if (found.kind === 'witnessed') return found
    refusals.push(found)
  }
  const unknown = refusal('log.untrusted', `expected a log of the trust root ${trust.name}, got ${entry.logId}`)
  // Where one key has made the signature, another's not having made it says nothing.
  return refusals.find(({ code }) => code === 'log.untrusted') ?? refusals[0] ?? unknown
}

function verifyWitness(entry: LogEntry, log: TransparencyLog, times: readonly number[]): Witnessed | Refusal {
  const promised = entry.promise === undefined ? undefined : verifyPromise(entry, log)
  if (promised?.kind === 'refusal') return promised
  const included = entry.proof === undefined ? undefined : verifyProof(entry.body, entry.proof, log)
  if (included?.kind === 'refusal') return included
  const outside = (promised === undefined ? times : [promised.at]).find(at => !isWithin(log.validFor, at))
  if (outside !== undefined) return untrustedAt(outside, log)
  return { kind: 'witnessed', log: log.id, baseUrl: log.baseUrl, at: promised?.at }
}

function verifyProof(body: Uint8Array, proof: InclusionProof, log: TransparencyLog): Included | Refusal {
  const head = verifyCheckpoint(proof.checkpoint, log)
  return head.kind === 'refusal' ? head : verifyInclusion(body, proof, head)
}

function untrustedAt(at: number, { baseUrl, validFor }: TransparencyLog): Refusal {
  const { from, until } = validFor
  const when = `from ${from === undefined ? 'ever' : timeText(from)} until ${until === undefined ? 'now' : timeText(until)}`
  return refusal('log.untrusted', `expected the key of the log ${baseUrl} to be used ${when}, got ${timeText(at)}`)
}

function timeText(at: number): string {
  return new Date(at).toISOString()
}
