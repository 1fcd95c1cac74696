/** What a request to a registry carries to be let in: nothing until the registry asks, and from then on what it asked for. */
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { BoundedMap } from './bounded-map.ts'
import type { Challenge } from './challenge.ts'
import { parseChallenges } from './challenge.ts'
import { basicAuthorization } from './credential.ts'
import { unauthorized } from './failure.ts'
import { parseRealm } from './realm.ts'
import type { Registry } from './registries.ts'
import type { Tokens, Wanted } from './tokens.ts'

export type Pass = {
  readonly kind: 'pass'
  readonly authorization: string | undefined
  /** Whether a 401 is no last word: nothing was sent yet, or a token that may have ended since. */
  readonly isRenewable: boolean
  /** Tells that the registry did not accept it. */
  readonly reject: () => void
}

/** One for each registry that has let us in: more than a cluster pulls from, though any user can name as many. */
const MOST_CHALLENGES = 1000

export class Auth {
  readonly #tokens: Tokens
  /** By name of the registry; only such as were met with success, so that a registry that changes its mind is asked again. */
  readonly #challenges = new BoundedMap<Challenge>(MOST_CHALLENGES)

  constructor(tokens: Tokens) {
    this.#tokens = tokens
  }

  /** What to send before the registry has said anything about this request. Throws Unavailable. */
  async pass(registry: Registry, repository: string, signal: AbortSignal): Promise<Pass | Refusal> {
    const known = this.#challenges.get(registry.name)
    if (known === undefined) return bare()
    try {
      return await this.#meet(known, registry, repository, signal)
    } catch (error) {
      this.#challenges.delete(registry.name)
      // Perhaps this repository asks for nothing, or for something else: the registry will say.
      if (error instanceof Unavailable && error.code === 'registry.unauthorized') return bare()
      throw error
    }
  }

  /** What to send after a 401 with this WWW-Authenticate. Throws Unavailable where it cannot or must not be met. */
  async passFor(
    header: string | undefined,
    registry: Registry,
    repository: string,
    signal: AbortSignal,
  ): Promise<Pass | Refusal> {
    const about = `${registry.name}/${repository}`
    const challenge = chooseChallenge(header, about)
    const pass = await this.#meet(challenge, registry, repository, signal)
    if (pass.kind === 'pass') this.#challenges.set(registry.name, challenge)
    return pass
  }

  async #meet(
    challenge: Challenge,
    registry: Registry,
    repository: string,
    signal: AbortSignal,
  ): Promise<Pass | Refusal> {
    const about = `${registry.name}/${repository}`
    const reject = () => this.#challenges.delete(registry.name)
    if (challenge.scheme === 'basic') {
      const authorization = basicAuthorization(registry.credential)
      if (authorization === undefined)
        throw unauthorized(about, 'asks for a name and password, and none are configured')
      return { kind: 'pass', authorization, isRenewable: false, reject }
    }
    const text = challenge.parameters.get('realm')
    // RFC 6750 section 3 lets a registry ask for a bearer token without naming a service that gives one.
    if (text === undefined && registry.credential.kind === 'token')
      return { kind: 'pass', authorization: `Bearer ${registry.credential.token}`, isRenewable: false, reject }
    const realm = realmOf(text, registry, about)
    const wanted: Wanted = { registry, repository, realm, service: challenge.parameters.get('service') }
    const grant = await this.#tokens.grant(wanted, signal)
    if (grant.kind === 'refusal') return grant
    return {
      kind: 'pass',
      authorization: `Bearer ${grant.token}`,
      isRenewable: !grant.isFresh,
      reject: () => {
        this.#tokens.forget(wanted, grant.token)
        reject()
      },
    }
  }
}

function bare(): Pass {
  return { kind: 'pass', authorization: undefined, isRenewable: true, reject: () => {} }
}

/** Bearer before Basic: a token is good for one repository and some minutes, a password for everything. */
function chooseChallenge(header: string | undefined, about: string): Challenge {
  if (header === undefined) throw unauthorized(about, 'asks for a credential without saying which')
  try {
    const offered = parseChallenges(header)
    const chosen = ['bearer', 'basic'].map(scheme => offered.find(one => one.scheme === scheme)).find(Boolean)
    if (chosen !== undefined) return chosen
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw unauthorized(about, `asks for a credential in a way that cannot be read: ${error.message}`)
  }
  throw unauthorized(about, 'asks for a credential of a kind that is not supported')
}

function realmOf(text: string | undefined, registry: Registry, about: string): URL {
  try {
    return parseRealm(text ?? '', registry)
  } catch (error) {
    if (error instanceof InputError) throw unauthorized(about, error.message)
    throw error
  }
}
