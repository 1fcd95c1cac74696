/** One repository of one registry: where its things are, and asking for one of them with whatever credential that takes. */
import type { Refusal } from '#core/domain/refusal.ts'
import type { Auth } from './auth.ts'
import type { Cap } from './body.ts'
import { throwFailure, unauthorized } from './failure.ts'
import type { RegistryLimits } from './limits.ts'
import type { Registry } from './registries.ts'
import type { Answer, Transport } from './transport.ts'

type Deps = { readonly transport: Transport; readonly auth: Auth; readonly limits: RegistryLimits }

export type Ask = { readonly url: URL; readonly accept: string; readonly cap: Cap }

export class Repository {
  /** Named in every detail: `ghcr.io/acme/app`. */
  readonly about: string
  readonly limits: RegistryLimits
  readonly #registry: Registry
  readonly #name: string
  readonly #deps: Deps

  constructor(registry: Registry, name: string, deps: Deps) {
    this.about = `${registry.name}/${name}`
    this.limits = deps.limits
    this.#registry = registry
    this.#name = name
    this.#deps = deps
  }

  /** The address of a thing in here. The path is made of parsed parts only: a tag, or a digest. */
  urlOf(path: string): URL {
    return new URL(`/v2/${this.#name}/${path}`, this.#registry.origin)
  }

  /**
   * Gets it, whatever the status. A 401 is met once: with what the registry asks for, or with a new token when the one
   * that was held has ended. Throws Unavailable.
   */
  async get(ask: Ask, signal: AbortSignal): Promise<Answer | Refusal> {
    try {
      let pass = await this.#deps.auth.pass(this.#registry, this.#name, signal)
      for (const isLast of [false, true]) {
        if (pass.kind === 'refusal') return pass
        const request = { ...ask, about: this.about, authorization: pass.authorization }
        const answer = await this.#deps.transport.follow(this.#registry, request, signal)
        // Whoever it was redirected to may ask for a credential, too, and gets none.
        if (answer.kind === 'refusal' || answer.status !== 401 || answer.url.origin !== this.#registry.origin)
          return answer
        pass.reject()
        if (isLast || !pass.isRenewable) break
        pass = await this.#deps.auth.passFor(answer.headers.get('www-authenticate'), this.#registry, this.#name, signal)
      }
      throw unauthorized(this.about, 'the registry does not accept what it asked for')
    } catch (error) {
      return throwFailure(error, this.about, signal)
    }
  }
}
