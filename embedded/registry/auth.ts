/** Who may pull: nobody asked, Basic, or Bearer with a token endpoint that checks credentials, scope and time. */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Asked } from './distribution.ts'
import type { Reply } from './reply.ts'
import { errorReply, jsonReply } from './reply.ts'

export const authShape = z.strictObject({
  repository: z.string().optional(),
  mode: z.enum(['none', 'basic', 'token', 'anonymous-token']),
  username: z.string().optional(),
  password: z.string().optional(),
  tokenSeconds: z.number().optional(),
  realm: z.string().optional(),
  service: z.string().optional(),
})

export type AuthSettings = Readonly<z.infer<typeof authShape>>

/** Empty repository: good for the ping alone. */
type Token = { readonly repository: string; readonly endsAt: number }

const DEFAULT_TOKEN_SECONDS = 300
/** Tokens held at once; the oldest goes first. */
const MOST_TOKENS = 1000
const PULL_SCOPE = /^repository:(?<repository>[^:]+):(?:[^:]*,)?pull(?:,[^:]*)?$/

export class Auth {
  readonly #settings = new Map<string, AuthSettings>()
  readonly #tokens = new Map<string, Token>()

  /** Sets how one repository is guarded, or all that have no setting of their own. All tokens given so far end. */
  set(settings: AuthSettings): void {
    this.#settings.set(settings.repository ?? '', settings)
    this.#tokens.clear()
  }

  /** The 401 that this request must get; undefined when it may pass. */
  challenge(asked: Asked, authorization: string | undefined, host: string): Reply | undefined {
    const settings = this.#of(asked.repository)
    if (settings.mode === 'none') return undefined
    if (settings.mode === 'basic') {
      return isLogin(settings, authorization) ? undefined : refuse(`Basic realm="${settings.realm ?? host}"`)
    }
    const error = this.#faultOf(bearerOf(authorization), asked.repository)
    return error === undefined ? undefined : refuse(bearerChallenge(settings, asked.repository, host) + error)
  }

  /** The token endpoint (distribution, docs/spec/auth/token.md): one scope, `repository:NAME:pull`, or none. */
  giveToken({ url }: Asked, authorization: string | undefined, host: string): Reply {
    const scope = url.searchParams.get('scope')
    const repository = scope === null ? '' : PULL_SCOPE.exec(scope)?.groups?.['repository']
    if (repository === undefined) return errorReply(400, `cannot grant ${JSON.stringify(scope)}`)
    const settings = this.#of(repository)
    if (url.searchParams.get('service') !== (settings.service ?? host)) return errorReply(400, 'unknown service')
    const isAnonymous = settings.mode === 'anonymous-token' && authorization === undefined
    if (!isAnonymous && !isLogin(settings, authorization)) return errorReply(401, 'wrong user name or password')
    return this.#issue(repository, settings)
  }

  #of(repository: string): AuthSettings {
    return this.#settings.get(repository) ?? this.#settings.get('') ?? { mode: 'none' }
  }

  #issue(repository: string, { tokenSeconds = DEFAULT_TOKEN_SECONDS }: AuthSettings): Reply {
    const token = randomBytes(24).toString('base64url')
    this.#tokens.set(token, { repository, endsAt: Date.now() + tokenSeconds * 1000 })
    const [oldest] = this.#tokens.keys()
    if (this.#tokens.size > MOST_TOKENS && oldest !== undefined) this.#tokens.delete(oldest)
    const issued = new Date().toISOString()
    return jsonReply(200, { token, access_token: token, expires_in: Math.ceil(tokenSeconds), issued_at: issued })
  }

  /** RFC 6750, section 3.1: what is wrong with the token, as a further challenge parameter; undefined when nothing is. */
  #faultOf(bearer: string | undefined, repository: string): string | undefined {
    if (bearer === undefined) return ''
    const token = this.#tokens.get(bearer)
    if (token === undefined || token.endsAt <= Date.now()) return ',error="invalid_token"'
    return repository === '' || token.repository === repository ? undefined : ',error="insufficient_scope"'
  }
}

function bearerChallenge({ realm, service }: AuthSettings, repository: string, host: string): string {
  const scope = repository === '' ? '' : `,scope="repository:${repository}:pull"`
  return `Bearer realm="${realm ?? `http://${host}/_token`}",service="${service ?? host}"${scope}`
}

function refuse(challenge: string): Reply {
  const reply = errorReply(401, 'authentication required')
  return { ...reply, headers: { ...reply.headers, 'www-authenticate': challenge } }
}

function isLogin({ username = '', password = '' }: AuthSettings, authorization = ''): boolean {
  const [scheme = '', credentials] = authorization.split(' ')
  return scheme.toLowerCase() === 'basic' && credentials === Buffer.from(`${username}:${password}`).toString('base64')
}

function bearerOf(authorization = ''): string | undefined {
  const [scheme = '', token] = authorization.split(' ')
  return scheme.toLowerCase() === 'bearer' ? token : undefined
}
