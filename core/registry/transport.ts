/** HTTP exchanges with registries, token services and blob stores: bounded, never encoded, redirects followed by hand. */
import { Agent } from 'undici'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { type ObserveRequest, UNSEEN } from '#core/runtime/sight.ts'
import { SingleFlight } from '#core/runtime/single-flight.ts'
import { answerTime } from './answer-time.ts'
import type { Cap, Headers } from './body.ts'
import { discardBody, readBody } from './body.ts'
import type { Budget } from './budget.ts'
import { makeBudget } from './budget.ts'
import { credentialName } from './credential.ts'
import { Dialer } from './dial.ts'
import { codeOf, throwFailure, unreachable } from './failure.ts'
import type { RegistryLimits } from './limits.ts'
import type { ProxyFor } from './proxy.ts'
import type { Registries } from './registries.ts'
import { reachesOf } from './registries.ts'
import type { Reach } from './registry-entry.ts'
import type { NameSources } from './resolve-name.ts'
import type { Share } from './room.ts'
import { answerClass, seenRequest } from './seen-request.ts'
import type { Errand } from './sparing.ts'
import { Sparing } from './sparing.ts'

export type Request = {
  readonly url: URL
  /** Whom it is about, for messages: `ghcr.io/acme/app`. */
  readonly about: string
  readonly accept: string
  readonly authorization: string | undefined
  /** The entity tag of what we have: a 304 says that it is still that. */
  readonly ifNoneMatch?: string | undefined
  /** Sent by POST when there is one. */
  readonly form?: URLSearchParams
  readonly cap: Cap
  /** Where the bytes of the answer are counted, besides the cap. */
  readonly share?: Share
}

export type Answer = {
  readonly kind: 'answer'
  /** Where it came from in the end. */
  readonly url: URL
  readonly status: number
  /** By name in lower case; what occurs twice is joined by a comma, as RFC 9110 section 5.3 reads it. */
  readonly headers: Headers
  /** The body of a 200; of everything else nothing is kept. */
  readonly bytes: Uint8Array
}

type Response = Awaited<ReturnType<Agent['request']>>

const REDIRECTS = new Set([301, 302, 303, 307, 308])

export type TransportDeps = {
  /** Shared with other replicas where they share one. */
  readonly budget: Budget
  readonly proxyFor: ProxyFor
  readonly names: NameSources
  /** Milliseconds of a time that never goes back. */
  readonly nowMs: () => number
  /** From 0 to 1. */
  readonly random: () => number
  /** Follows each request that is sent. */
  readonly observe: ObserveRequest
}

/** Connections to all hosts, kept alive between requests until `close`. */
export class Transport {
  readonly #registries: Registries
  readonly #limits: RegistryLimits
  readonly #dialer: Dialer
  readonly #sparing: Sparing
  readonly #flights = new SingleFlight<Answer | Refusal>()
  readonly #agents = new Map<string, Agent>()
  readonly #rates: ReadonlyMap<string, Errand['rate']>
  readonly #observe: ObserveRequest

  constructor(registries: Registries, limits: RegistryLimits, deps: Partial<TransportDeps> = {}) {
    const { proxyFor = () => undefined, nowMs = () => performance.now(), random = Math.random } = deps
    const { silenceMs, waitMs } = limits
    this.#observe = deps.observe ?? UNSEEN.request
    this.#registries = registries
    this.#limits = limits
    this.#dialer = new Dialer(registries, { silenceMs, proxyFor, names: deps.names })
    this.#sparing = new Sparing({ nowMs, random, waitMs, budget: deps.budget ?? makeBudget(nowMs) })
    this.#rates = new Map(
      reachesOf(registries).flatMap(({ origin, rate }) => (rate === undefined ? [] : [[origin, rate]])),
    )
  }

  /** Sends the request and follows redirects; who asks for the same as the same caller shares one. Throws Unavailable. */
  async follow(registry: Reach, request: Request, signal: AbortSignal): Promise<Answer | Refusal> {
    const { url, about, accept, authorization, ifNoneMatch, cap } = request
    const caller = credentialName(registry.credential)
    const flight = JSON.stringify([registry.name, caller, url, about, accept, authorization, ifNoneMatch, cap.bytes])
    return await this.#flights.run(flight, signal => this.#follow(registry, request, signal), signal)
  }

  async #follow(registry: Reach, request: Request, signal: AbortSignal): Promise<Answer | Refusal> {
    const most = this.#limits.redirects
    let hop = request
    for (let redirects = 0; redirects <= most; redirects++) {
      const answer = await this.exchange(registry, hop, signal)
      if (answer.kind === 'refusal' || !REDIRECTS.has(answer.status)) return answer
      const url = redirectTarget(hop, answer.headers.get('location'))
      // Whoever it is sent on to has not asked for the credential, and it does not come back by a second redirect.
      const authorization = url.origin === hop.url.origin ? hop.authorization : undefined
      const about =
        url.origin === request.url.origin
          ? request.about
          : `${request.about}, redirected to ${JSON.stringify(url.host.slice(0, 120))}`
      hop = { ...hop, url, authorization, about }
    }
    return refusal('limit.exceeded', `${request.about}: expected at most ${most} redirects, got more`)
  }

  /** Sends the request to where it says and nowhere else. Throws Unavailable. */
  async exchange(registry: Reach, request: Request, signal: AbortSignal): Promise<Answer | Refusal> {
    const isStale = (error: unknown) => this.#dialer.isStale(error)
    try {
      const attempt = () => this.#attempt(registry, request, signal)
      const send = () => this.#observe(seenRequest(request), attempt, outcome => answerClass(outcome, signal))
      return await this.#sparing.run(this.#errandOf(registry, request), send, isStale, signal)
    } catch (error) {
      if (codeOf(error) === 'UND_ERR_HEADERS_OVERFLOW' && !signal.aborted) {
        const most = this.#limits.headerBytes
        return refusal('limit.exceeded', `${request.about}: expected at most ${most} bytes of headers, got more`)
      }
      return throwFailure(error, request.about, signal)
    }
  }

  /** Lets what is under way end, then closes all connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map(agent => agent.close()))
  }

  async #attempt(registry: Reach, request: Request, signal: AbortSignal): Promise<Answer | Refusal> {
    using time = answerTime(this.#limits.answerMs, signal)
    const { statusCode: status, body, headers: raw } = await this.#send(registry, request, time.signal)
    const headers = headersOf(raw)
    const { cap, about, share } = request
    const take = (bytes: number) => {
      const room = share?.take(bytes, signal)
      return room === undefined ? undefined : time.without(room)
    }
    const bytes = status === 200 ? await readBody(body, headers, { cap, about, take }) : await discardBody(body)
    return bytes instanceof Uint8Array ? { kind: 'answer', url: request.url, status, headers, bytes } : bytes
  }

  #errandOf({ credential }: Reach, { url, about, form }: Request): Errand {
    const rate = this.#rates.get(url.origin) ?? this.#registries.common.rate
    return { host: url.origin, caller: credentialName(credential), about, rate, isIdempotent: form === undefined }
  }

  #send(registry: Reach, request: Request, signal: AbortSignal): Promise<Response> {
    const { url, accept, authorization, ifNoneMatch, form } = request
    const headers: Record<string, string> = { accept, 'accept-encoding': 'identity', 'user-agent': 'shedu' }
    if (authorization !== undefined) headers['authorization'] = authorization
    if (ifNoneMatch !== undefined) headers['if-none-match'] = ifNoneMatch
    if (form !== undefined) headers['content-type'] = 'application/x-www-form-urlencoded'
    return this.#agentOf(registry).request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: form === undefined ? 'GET' : 'POST',
      body: form?.toString() ?? null,
      headers,
      signal,
    })
  }

  /** One for each set of trusted authorities and client certificate, and one for strangers: redirects and realms of a registry go where it may go, trusting whom it trusts. */
  #agentOf(registry: Reach): Agent {
    const key = agentKey(registry)
    const known = this.#agents.get(key)
    if (known !== undefined) return known
    const { connectionsPerHost, headerBytes, silenceMs } = this.#limits
    const agent = new Agent({
      connect: this.#dialer.connector(registry),
      connections: connectionsPerHost,
      maxHeaderSize: headerBytes,
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
      allowH2: false,
    })
    this.#agents.set(key, agent)
    return agent
  }
}

/** Whoever shows a certificate shares no connection with whoever does not, or shows another, or to somebody else. */
function agentKey({ origin, isListed, authorities, clientCertificate, dialMs }: Reach): string {
  const shown = clientCertificate === undefined ? undefined : [origin, clientCertificate.cert]
  return JSON.stringify([isListed, authorities, shown, dialMs])
}

function headersOf(raw: Response['headers']): Headers {
  const fields = Object.entries(raw).map(([name, value]): [string, string] => [
    name.toLowerCase(),
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ])
  return new Map(fields)
}

/** From https it never goes on by http; and a name and password in the address are nobody's business here. */
function redirectTarget({ url, about }: Request, location: string | undefined): URL {
  const target = URL.parse(location ?? '', url.href)
  if (location === undefined || target === null || target.username !== '' || target.password !== '')
    throw unreachable(about, 'redirected to something that is no address')
  if (target.protocol !== 'https:' && target.protocol !== url.protocol)
    throw unreachable(
      about,
      `redirected from ${url.protocol.slice(0, -1)} to ${JSON.stringify(target.protocol.slice(0, 20))}`,
    )
  return target
}
