/** Who saw a signature, and when: the logs that hold it, and the authorities that stamped it. */
import type { Demand } from '#core/domain/demand.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { PublicKey } from '#core/domain/public-key.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { mostTelling, refusal } from '#core/domain/refusal.ts'
import type { TrustRoot, TrustRoots } from '#core/domain/trust-root.ts'
import { decodeCertificate } from './certificate/certificate.ts'
import { distinctLogs, verifyLogEntry, type Witnessed } from './log/verify-log-entry.ts'
import type { Material } from './material.ts'
import type { Sighting, SignedThing, World } from './signer.ts'
import { type Stamped, verifyTimestamp } from './time/verify-timestamp.ts'

export type WitnessQuestion = Pick<Demand, 'log' | 'timestamp'> & {
  /** Names of the trust roots whose word on the time is taken although nothing is asked of them. */
  readonly believed: readonly string[]
  /** The key that the signature verifies with. */
  readonly key: PublicKey
}

export type Witnesses = {
  readonly kind: 'witnesses'
  /** Ids of the distinct logs that were asked for and hold it, sorted. */
  readonly logs: readonly string[]
  /** Every moment at which somebody believed saw it, in milliseconds since 1970, the earliest first. */
  readonly times: readonly number[]
  /** The same moments, each with who saw it, in their order. */
  readonly sightings: readonly Sighting[]
  /** Why the timestamps that came along do not count, those that do not. */
  readonly doubts: readonly Refusal[]
}

type Seen<T> = { readonly proven: readonly T[]; readonly refusals: readonly Refusal[] }

/**
 * What is asked for must be there. What else there is counts where it verifies and its word is believed, and is nobody's
 * where it does not: whoever can write to a registry can add to a signature as well as take away.
 */
export function verifyWitnesses(
  thing: SignedThing,
  { log, timestamp, believed, key }: WitnessQuestion,
  { trust, now }: World,
): Witnesses | Refusal {
  const stamps = stampsOf(thing, rootsOf(stampingRoots({ log, timestamp, believed }), trust))
  if (timestamp !== undefined && stamps.proven.length === 0) return mostTelling(stamps.refusals) ?? NO_STAMP
  // Where nothing says when, a log is believed only as long as it is in use: an old key may be anybody's by now.
  const stamped = stamps.proven.length > 0 ? stamps.proven.map(({ at }) => at) : [now.getTime()]
  const entries = entriesOf(thing, key, rootsOf(loggingRoots({ log, timestamp, believed }), trust), stamped)
  const logs = distinctLogs(entries.proven).toSorted()
  if (log !== undefined && logs.length < log.atLeast) return tooFew(log.atLeast, logs.length, entries.refusals)
  const sightings = sightingsOf(stamps.proven, entries.proven)
  const times = [...new Set(sightings.map(({ at }) => at))]
  return { kind: 'witnesses', logs: log === undefined ? [] : logs, times, sightings, doubts: stamps.refusals }
}

/** An entry says when only where a promise does. */
function sightingsOf(stamps: readonly Stamped[], entries: readonly Witnessed[]): readonly Sighting[] {
  const stamped = stamps.map(({ at, authority: name }) => ({ at, by: 'timestamp authority', name }) as const)
  const promised = entries.flatMap(({ at, baseUrl: name }) =>
    at === undefined ? [] : [{ at, by: 'log', name } as const],
  )
  return [...stamped, ...promised].toSorted((a, b) => a.at - b.at)
}

type Asked = Omit<WitnessQuestion, 'key'>

/** Whose timestamps are believed: where one is asked for, those of that trust root alone. */
function stampingRoots({ log, timestamp, believed }: Asked): readonly string[] {
  if (timestamp !== undefined) return [timestamp.trustRoot]
  return log === undefined ? believed : [...believed, log.trustRoot]
}

/** Whose logs are: none where a timestamp is asked for and no log, for then the log is left out of it. */
function loggingRoots({ log, timestamp, believed }: Asked): readonly string[] {
  if (log !== undefined) return [log.trustRoot]
  return timestamp === undefined ? believed : []
}

const NO_STAMP = refusal('time.missing', 'expected a timestamp (RFC 3161) beside the signature, got none')

function tooFew(expected: number, found: number, refusals: readonly Refusal[]): Refusal {
  const telling = mostTelling(refusals)
  if (telling !== undefined) return telling
  const what = expected === 1 ? 'an entry in a log' : `entries in ${expected} logs`
  return refusal('log.missing', `expected ${what} beside the signature, got ${found === 0 ? 'none' : `${found}`}`)
}

function rootsOf(names: readonly string[], trust: TrustRoots): readonly TrustRoot[] {
  return [...new Set(names)].map(name => {
    const root = trust.get(name)
    if (root === undefined) throw new TypeError(`the trust root ${JSON.stringify(name)} is not there: ask before`)
    return root
  })
}

function stampsOf(
  { signing, material, stamped = signing.signature }: SignedThing,
  roots: readonly TrustRoot[],
): Seen<Stamped> {
  const answers = roots.flatMap(root => material.timestamps.map(timestamp => verifyTimestamp(timestamp, stamped, root)))
  return {
    proven: answers.filter(answer => answer.kind === 'stamped'),
    refusals: answers.filter(answer => answer.kind === 'refusal'),
  }
}

function entriesOf(
  { signing, material }: SignedThing,
  key: PublicKey,
  roots: readonly TrustRoot[],
  times: readonly number[],
): Seen<Witnessed> {
  const logged = { ...signing, verifier: verifierOf(material, key) }
  const answers = roots.flatMap(root => material.entries.map(entry => verifyLogEntry(entry, logged, root, times)))
  return {
    proven: answers.filter(answer => answer.kind === 'witnessed'),
    refusals: answers.filter(answer => answer.kind === 'refusal'),
  }
}

/** What the log was told to verify with: the certificate if there is one for this key, else the key. */
function verifierOf({ certificate }: Material, key: PublicKey) {
  if (certificate !== undefined && keyIn(certificate) === key.fingerprint)
    return { kind: 'certificate', der: certificate } as const
  return { kind: 'key', der: Buffer.from(key.spki, 'base64') } as const
}

/** A signature by a key may come with any certificate: one that cannot be read is none of that key. */
function keyIn(certificate: Uint8Array): string | undefined {
  try {
    return decodeCertificate(certificate).key.fingerprint
  } catch (error) {
    if (error instanceof InputError) return undefined
    throw error
  }
}
