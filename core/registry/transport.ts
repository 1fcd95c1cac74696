/** HTTP exchanges with registries, token services and blob stores: bounded, never encoded, redirects followed by hand. */
import { Agent } from 'undici'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { Cap, Headers } from './body.ts'
import { discardBody, readBody } from './body.ts'
import { Dialer } from './dial.ts'
import { codeOf, throwFailure, unreachable } from './failure.ts'
import type { RegistryLimits } from './limits.ts'
import type { Registries, Registry } from './registries.ts'

export type Request = {
  readonly url: URL
  /** Whom it is about, for messages: `ghcr.io/acme/app`. */
  readonly about: string
  readonly accept: string
  readonly authorization: string | undefined
  /** Sent by POST when there is one. */
  readonly form?: URLSearchParams
  readonly cap: Cap
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

/** Where a registry's authorities stand for others, which are PEM. */
const STRANGERS = 'strangers'

const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** Connections to all hosts, kept alive between requests until `close`. */
export class Transport {
  readonly #limits: RegistryLimits
  readonly #dialer: Dialer
  readonly #agents = new Map<string | undefined, Agent>()

  constructor(registries: Registries, limits: RegistryLimits) {
    this.#limits = limits
    this.#dialer = new Dialer(registries, limits.silenceMs)
  }

  /** Sends the request and follows redirects. Throws Unavailable. */
  async follow(registry: Registry, request: Request, signal: AbortSignal): Promise<Answer | Refusal> {
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
  async exchange(registry: Registry, request: Request, signal: AbortSignal): Promise<Answer | Refusal> {
    try {
      const { statusCode: status, body, headers: raw } = await this.#begin(registry, request, signal)
      const headers = headersOf(raw)
      const bytes = status === 200 ? await readBody(body, headers, request.cap, request.about) : await discardBody(body)
      return bytes instanceof Uint8Array ? { kind: 'answer', url: request.url, status, headers, bytes } : bytes
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

  async #begin(registry: Registry, request: Request, signal: AbortSignal): Promise<Response> {
    try {
      return await this.#send(registry, request, signal)
    } catch (error) {
      // A kept-alive connection may be closed at any moment (RFC 9112 section 9.3.1); once, that is nobody's fault.
      if (this.#dialer.isStale(error)) return await this.#send(registry, request, signal)
      throw error
    }
  }

  #send(registry: Registry, { url, accept, authorization, form }: Request, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { accept, 'accept-encoding': 'identity', 'user-agent': 'shedu' }
    if (authorization !== undefined) headers['authorization'] = authorization
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

  /** One for each set of trusted authorities, and one for strangers: redirects and realms of a registry go where it may go, trusting whom it trusts. */
  #agentOf(registry: Registry): Agent {
    const key = this.#dialer.isListed(registry) ? registry.authorities : STRANGERS
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
    throw unreachable(about, `redirected from https to ${JSON.stringify(target.protocol.slice(0, 20))}`)
  return target
}
