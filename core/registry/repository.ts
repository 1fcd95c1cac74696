/** One repository of one registry: where its things are, and asking for one of them with whatever credential that takes. */
import type { Refusal } from '#core/domain/refusal.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { deadline } from '#core/runtime/deadline.ts'
import type { AnswerSource, Question } from './answers/question.ts'
import type { Auth } from './auth.ts'
import { throwFailure, unauthorized } from './failure.ts'
import type { RegistryLimits } from './limits.ts'
import type { Capability, Mirror } from './mirrors.ts'
import { settle } from './outcome.ts'
import type { Registry } from './registries.ts'
import type { Share } from './room.ts'
import type { Answer, Transport } from './transport.ts'

type Deps = {
  readonly transport: Transport
  readonly auth: Auth
  readonly limits: RegistryLimits
  readonly share: Share
  readonly answers: AnswerSource
}

/** Where a repository lies: on the registry itself, on one of its mirrors, or on who stands in for it. */
export class Repository {
  /** Named in every detail: `ghcr.io/acme/app`. */
  readonly about: string
  readonly limits: RegistryLimits
  /** Scheme, host and port. */
  readonly origin: string
  readonly #registry: Registry
  readonly #name: string
  readonly #deps: Deps
  readonly #mirrors: readonly { readonly can: readonly Capability[]; readonly repository: Repository }[]
  /** Whose word is the last. */
  readonly #last: Repository
  readonly #path: string
  readonly #query: string

  constructor(
    registry: Registry,
    name: string,
    deps: Deps,
    mirrored?: { readonly of: string; readonly mirror: Mirror },
  ) {
    const { path, of } = { path: mirrored?.mirror.path ?? '/v2', of: mirrored?.of }
    this.about = of === undefined ? `${registry.name}/${name}` : `${of}/${name}: mirror ${registry.name}`
    this.limits = deps.limits
    this.origin = registry.origin
    this.#registry = registry
    // What a mirror calls the repository, and so its tokens: `/v2/proxy` has it below `proxy`.
    this.#name = path.startsWith('/v2/') ? `${path.slice('/v2/'.length)}/${name}` : name
    this.#path = `${path}/${name}`
    // containerd's, by which a mirror of several registries tells which is meant.
    this.#query = of === undefined ? '' : `?ns=${of === 'index.docker.io' ? 'docker.io' : of}`
    this.#deps = deps
    const at = (mirror: Mirror) => {
      const there = { ...mirror.reach, mirrors: [], standIn: undefined }
      return new Repository(there, name, deps, { of: registry.name, mirror })
    }
    this.#mirrors = registry.mirrors.map(mirror => ({ can: mirror.capabilities, repository: at(mirror) }))
    this.#last = registry.standIn === undefined ? this : at(registry.standIn)
  }

  /** The address of a thing in here. The path is made of parsed parts only: a tag, or a digest. */
  urlOf(path: string): URL {
    return new URL(`${this.#path}/${path}${this.#query}`, this.#registry.origin)
  }

  /**
   * Asks the mirrors that can, one after the other, and then the registry or who stands in for it, whose word is the last.
   * What a mirror says counts only where `isFound`: one that lies, lacks something or is down is passed over, because what it does not have
   * may lie in the registry all the same. Throws Unavailable.
   */
  async inTurn<T extends { readonly kind: string }>(
    need: Capability,
    ask: (at: Repository, signal: AbortSignal) => Promise<T>,
    isFound: (answer: T) => boolean,
    signal: AbortSignal,
  ): Promise<T> {
    const notes: string[] = []
    for (const { repository } of this.#mirrors.filter(({ can }) => can.includes(need))) {
      using limit = deadline(this.limits.mirrorMs, signal)
      const answer = await settle(ask(repository, limit.signal))
      if (answer.kind !== 'silence' && isFound(answer as T)) return answer as T
      notes.push('detail' in answer ? answer.detail : `${repository.about}: not there`)
    }
    try {
      return await ask(this.#last, signal)
    } catch (error) {
      if (!(error instanceof Unavailable) || notes.length === 0) throw error
      throw new Unavailable(error.code, [error.message, ...notes].join('; '))
    }
  }

  /** Gets it, whatever the status. Throws Unavailable. */
  async get(question: Question, signal: AbortSignal): Promise<Answer | Refusal> {
    const { answers, share } = this.#deps
    const ask = () => this.#ask(question, signal)
    try {
      return await answers(question, { about: this.about, share, signal, ask })
    } catch (error) {
      return throwFailure(error, this.about, signal)
    }
  }

  /** A 401 is met once: with what the registry asks for, or with a new token when the one that was held has ended. */
  async #ask({ url, accept, cap, ifNoneMatch }: Question, signal: AbortSignal): Promise<Answer | Refusal> {
    const { auth, transport, share } = this.#deps
    let pass = await auth.pass(this.#registry, this.#name, signal)
    for (const isLast of [false, true]) {
      if (pass.kind === 'refusal') return pass
      const { authorization } = pass
      const request = { url, accept, cap, ifNoneMatch, share, about: this.about, authorization }
      const answer = await transport.follow(this.#registry, request, signal)
      // Whoever it was redirected to may ask for a credential, too, and gets none.
      if (answer.kind === 'refusal' || answer.status !== 401 || answer.url.origin !== this.#registry.origin)
        return answer
      pass.reject()
      if (isLast || !pass.isRenewable) break
      pass = await auth.passFor(answer.headers.get('www-authenticate'), this.#registry, this.#name, signal)
    }
    throw unauthorized(this.about, 'the registry does not accept what it asked for')
  }
}
