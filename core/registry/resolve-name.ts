/** Names of hosts, resolved so that a name server which never answers holds up nobody but who asked for its names. */
import type { LookupAddress } from 'node:dns'
import type { Resolver } from 'node:dns/promises'
import { makeTurns } from '#core/runtime/turns.ts'
import { codeOf } from './failure.ts'

/** Who is asked: name servers, each time by a resolver of its own that can be cancelled; and the operating system. */
export type NameSources = {
  readonly makeResolver: () => Resolver
  readonly askSystem: (host: string) => Promise<readonly LookupAddress[]>
}

/**
 * The operating system's getaddrinfo holds one of libuv's four threads, for the half minute that it may wait for an answer,
 * and nothing ends it. The threads are the process's, and files are read by them, too: two at most are spent on names.
 */
const SYSTEM_CALLS = 2
const inTurn = makeTurns(SYSTEM_CALLS)

/** What says that the servers know no such name, or that there are none; then there are still /etc/hosts and search domains. */
const UNKNOWN = ['ENOTFOUND', 'ENODATA', 'ECONNREFUSED']

/** Resolves a name to all its addresses; rejects with an error that has a code, when the signal comes at the latest. */
export async function resolveName(
  host: string,
  { makeResolver, askSystem }: NameSources,
  signal: AbortSignal,
): Promise<readonly LookupAddress[]> {
  // A name without a dot is none of the public's: `localhost`, or what a search domain completes.
  const found = host.includes('.') ? await askServers(host, makeResolver(), signal) : []
  if (found.length > 0) return found
  const asked = inTurn(async () => {
    if (signal.aborted) throw timeoutError()
    return await askSystem(host)
  })
  return await unlessAborted(asked, signal)
}

async function askServers(host: string, resolver: Resolver, signal: AbortSignal): Promise<readonly LookupAddress[]> {
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    const found = [
      ...addressesOf(four).map(address => ({ address, family: 4 })),
      ...addressesOf(six).map(address => ({ address, family: 6 })),
    ]
    const fault = [four, six].find(
      answer => answer.status === 'rejected' && !UNKNOWN.includes(codeOf(answer.reason) ?? ''),
    )
    if (found.length === 0 && fault?.status === 'rejected') throw fault.reason
    return found
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

function addressesOf(answer: PromiseSettledResult<readonly string[]>): readonly string[] {
  return answer.status === 'fulfilled' ? answer.value : []
}

/** Whoever waits leaves when the signal comes; the call itself cannot. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const leave = () => reject(timeoutError())
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

function timeoutError(): Error {
  return Object.assign(new Error('no answer about the name'), { code: 'ETIMEOUT' })
}
