/** Tokens of the distribution token protocol (distribution docs, spec/auth/token.md and oauth.md): fetched once, held until shortly before they end. */
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { asObject, asString, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { SingleFlight } from '#core/runtime/single-flight.ts'
import { BoundedMap } from './bounded-map.ts'
import { basicAuthorization, credentialName } from './credential.ts'
import { statusFailure, unauthorized, unreachable } from './failure.ts'
import type { RegistryLimits } from './limits.ts'
import type { Registry } from './registries.ts'
import type { Answer, Request, Transport } from './transport.ts'

/** For what a token is wanted: to pull from one repository. */
export type Wanted = {
  readonly registry: Registry
  readonly repository: string
  readonly realm: URL
  readonly service: string | undefined
}

/** `isFresh`: it was fetched for this very request, so fetching another would bring no better one. */
export type Grant = { readonly kind: 'grant'; readonly token: string; readonly isFresh: boolean }

type Held = { readonly token: string; readonly endsAtMs: number }

/** The protocol's own default, for a service that does not say. */
const DEFAULT_TOKEN_MS = 60_000
/** A service that says more has its token fetched anew after this, as an administrator who withdraws access expects. */
const LONGEST_TOKEN_MS = 3_600_000
/** A token must outlive the request that carries it, and the API server gives us ten seconds. */
const TOKEN_MARGIN_MS = 10_000
/** One for each repository: more than a cluster pulls from at a time, though any user can name as many. */
const MOST_TOKENS = 1000

export class Tokens {
  readonly #transport: Transport
  readonly #limits: RegistryLimits
  readonly #nowMs: () => number
  readonly #flights = new SingleFlight<string | Refusal>()
  readonly #held = new BoundedMap<Held>(MOST_TOKENS)

  /** `nowMs` need not be the time of day, but must never go back. */
  constructor(transport: Transport, limits: RegistryLimits, nowMs: () => number) {
    this.#transport = transport
    this.#limits = limits
    this.#nowMs = nowMs
  }

  /** A token that is held, or a new one; all who want it at the same time share one request. Throws Unavailable. */
  async grant(wanted: Wanted, signal: AbortSignal): Promise<Grant | Refusal> {
    const key = keyOf(wanted)
    const held = this.#held.get(key)
    if (held !== undefined && held.endsAtMs - this.#nowMs() > TOKEN_MARGIN_MS)
      return { kind: 'grant', token: held.token, isFresh: false }
    const token = await this.#flights.run(key, signal => this.#fetch(key, wanted, signal), signal)
    return typeof token === 'string' ? { kind: 'grant', token, isFresh: true } : token
  }

  /** Forgets a token that the registry did not accept; another that has come in the meantime stays. */
  forget(wanted: Wanted, token: string): void {
    if (this.#held.get(keyOf(wanted))?.token === token) this.#held.delete(keyOf(wanted))
  }

  async #fetch(key: string, wanted: Wanted, signal: AbortSignal): Promise<string | Refusal> {
    const askedAtMs = this.#nowMs()
    const request = tokenRequest(wanted, this.#limits.tokenBytes)
    // Not followed when redirected: a realm is judged before it sees a credential, and what it redirects to is another.
    const answer = await this.#transport.exchange(wanted.registry, request, signal)
    if (answer.kind === 'refusal') return answer
    const { token, lifeMs } = this.#decode(answer, wanted, request.about)
    this.#held.set(key, { token, endsAtMs: askedAtMs + lifeMs })
    return token
  }

  #decode(answer: Answer, { registry }: Wanted, about: string): { readonly token: string; readonly lifeMs: number } {
    if ([400, 401, 403].includes(answer.status))
      throw unauthorized(
        about,
        `gave no token to ${registry.credential.kind === 'anonymous' ? 'us' : 'the credential'}`,
      )
    if (answer.status !== 200) throw statusFailure(answer, about)
    try {
      const { tokenBytes, jsonDepth, jsonValues } = this.#limits
      const limits = { bytes: tokenBytes, depth: jsonDepth, values: jsonValues }
      const fields = asObject(parseUntrustedJson(answer.bytes, limits), 'the answer')
      const token = asString(fields['token'] ?? fields['access_token'], 'the token')
      if (!/^[\x21-\x7e]+$/.test(token)) throw new InputError('expected a token of visible ASCII')
      return { token, lifeMs: lifeOf(fields['expires_in']) }
    } catch (error) {
      // The message may hold a piece of what was sent, and what was sent may hold a token.
      if (error instanceof InputError) throw unreachable(about, 'answered with something that is no token')
      throw error
    }
  }
}

/** The scope is ours: to pull from this repository. What the registry's challenge names could be more, or another's. */
function tokenRequest({ registry, repository, realm, service }: Wanted, bytes: number): Request {
  const { credential } = registry
  const about = `${registry.name}/${repository}: token service ${JSON.stringify(realm.host.slice(0, 120))}`
  const excess = (found: string) =>
    refusal('limit.exceeded', `${about}: expected an answer of at most ${bytes} bytes, got ${found}`)
  const common = { about, accept: 'application/json', cap: { bytes, excess } }
  const fields = { ...(service === undefined ? {} : { service }), scope: `repository:${repository}:pull` }
  if (credential.kind === 'token') {
    const grant = { grant_type: 'refresh_token', client_id: 'shedu', refresh_token: credential.token }
    return { ...common, url: realm, authorization: undefined, form: new URLSearchParams({ ...fields, ...grant }) }
  }
  const url = new URL(realm)
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value)
  return { ...common, url, authorization: basicAuthorization(credential) }
}

function keyOf({ registry, repository, realm, service }: Wanted): string {
  return JSON.stringify([registry.name, repository, realm.href, service, credentialName(registry.credential)])
}

function lifeOf(expiresIn: unknown): number {
  if (typeof expiresIn !== 'number' || !(expiresIn > 0)) return DEFAULT_TOKEN_MS
  return Math.min(expiresIn * 1000, LONGEST_TOKEN_MS)
}
