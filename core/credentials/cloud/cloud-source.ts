/** The identity that a cloud gives this process as a source of credentials: for registries of that cloud and for no other. */
import { Unavailable } from '#core/domain/unavailable.ts'
import type { Credential } from '#core/registry/credential.ts'
import { Kept, type Perishable } from '#core/registry/kept.ts'
import type { CredentialSource, Exchange } from '#core/registry/offer.ts'
import type { Cloud } from '#core/registry/registries.ts'
import { deadline, orGiveUp } from '#core/runtime/deadline.ts'

export type Login = {
  readonly credential: Credential
  /** Milliseconds since 1970 at which it ends; undefined where the cloud does not say. */
  readonly endsAt: number | undefined
}

export type CloudLogin = {
  readonly cloud: Cloud
  /**
   * What one login is for: one text for all hosts that it serves, and undefined for a host that is not the cloud's.
   * CVE-2025-27403: a token of the cloud was sent to a registry that only called itself one of its own.
   */
  readonly domainOf: (host: string) => string | undefined
  /** Logs in to a host that `domainOf` knows; what it rejects with is the SDK's. */
  readonly logIn: (host: string, exchange: Exchange, signal: AbortSignal) => Promise<Login>
}

type Time = {
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: () => number
  /** Milliseconds since 1970. */
  readonly today: () => number
  /** How long a login may take. */
  readonly patienceMs?: number
}

/** Half of the API server's ten seconds, as for a registry that is silent. */
const LOGIN_MS = 5000
/** Fetched anew after this, as an administrator who withdraws access expects, however long the cloud would let it be. */
export const LONGEST_MS = 3_600_000
/** It must outlive all that is asked with it: a review has at most thirty seconds. */
export const MARGIN_MS = 60_000
/** A login that does not say when it ends. */
const UNSAID_MS = 600_000
/** One that fails is not tried for every image of a rollout. */
export const FAILED_MS = 5000
/** One for each region, or each registry where a login is for one. */
const MOST_KEPT = 500

type Held = Credential | { readonly kind: 'failed'; readonly why: string }

/** Makes the source. Nothing of the cloud's SDK is loaded before an image of that cloud is asked about. */
export function makeCloudSource({ cloud, domainOf, logIn }: CloudLogin, time: Time): CredentialSource {
  const kept = new Kept<Held>(MOST_KEPT, time.nowMs)
  const source = `the ${cloud} identity of this process`
  return (registry, { registry: host }, exchange) => {
    const domain = domainOf(host)
    // By https and at its own address, whatever the list of registries says of it.
    if (domain === undefined || registry.origin !== `https://${host}`) return []
    const open = async (signal: AbortSignal): Promise<readonly Credential[]> => {
      const fetch = (signal: AbortSignal) => held(signal => logIn(host, exchange, signal), time, signal)
      const credential = await kept.get(domain, fetch, signal)
      if (credential.kind !== 'failed') return [credential]
      throw new Unavailable('registry.unauthorized', `${source} gave no credential: ${credential.why}`)
    }
    return [{ name: `cloud:${cloud}`, source, open }]
  }
}

async function held(
  logIn: (signal: AbortSignal) => Promise<Login>,
  { today, patienceMs = LOGIN_MS }: Time,
  signal: AbortSignal,
): Promise<Perishable<Held>> {
  using limit = deadline(patienceMs, signal)
  try {
    // The SDKs open sockets and start programs of their own, and not all of them can be told to stop.
    const { credential, endsAt } = await orGiveUp(logIn(limit.signal), limit.signal, 0)
    const leftMs = endsAt === undefined ? UNSAID_MS : endsAt - today() - MARGIN_MS
    return { value: credential, lifeMs: Math.min(leftMs, LONGEST_MS) }
  } catch (error) {
    signal.throwIfAborted()
    const why = limit.signal.aborted ? `no answer within ${patienceMs} ms` : reasonOf(error)
    return { value: { kind: 'failed', why }, lifeMs: FAILED_MS }
  }
}

/** An SDK's message can hold what a server wrote, or a piece of a secret; the name of the error is its own word. */
function reasonOf(error: unknown): string {
  if (error instanceof Unavailable) return error.message
  const { name, code } = error instanceof Error ? (error as Error & { readonly code?: unknown }) : {}
  const words = [name, code].filter(word => typeof word === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(word))
  return words.length === 0 ? 'it failed' : words.join(' ')
}
