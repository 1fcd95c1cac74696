/**
 * Azure's registries: an Entra token of the identity that the SDK finds, which each registry exchanges for a token of its
 * own (Azure/acr, AAD-OAuth.md), which is an identity token to the distribution's token protocol.
 */
import type * as AzureIdentity from '@azure/identity'
import { InputError } from '#core/domain/input-error.ts'
import { refusal } from '#core/domain/refusal.ts'
import { asObject, asString, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { statusFailure, unauthorized } from '#core/registry/failure.ts'
import type { Exchange } from '#core/registry/offer.ts'
import type { CloudLogin } from './cloud-source.ts'

type Sdk = typeof AzureIdentity
type Identity = Pick<InstanceType<Sdk['DefaultAzureCredential']>, 'getToken'>

/** What an Entra token has to be for, by cloud. The registries' own where there is one: it opens nothing but registries. */
const SCOPES: ReadonlyMap<string, string> = new Map([
  ['io', 'https://containerregistry.azure.net/.default'],
  ['cn', 'https://management.chinacloudapi.cn/.default'],
  ['us', 'https://management.usgovcloudapi.net/.default'],
])

/** A registry's name is one label of letters and digits, or has parts put behind it by hyphens. */
const HOST = /^[a-z0-9][a-z0-9-]{0,62}\.azurecr\.(io|cn|us)$/

/** Its tokens live for three hours; what it says of that is in a token that is not ours to read. */
const TOKEN_MS = 3_600_000

const ANSWER = { bytes: 64 * 1024, depth: 2, values: 20 }

type Deps = { readonly load?: () => Promise<Sdk>; readonly today: () => number }

/** Azure's login. `load` brings the SDK when it is needed; `today` is the time in milliseconds since 1970. */
export function makeAzureLogin({ load = () => import('@azure/identity'), today }: Deps): CloudLogin {
  let identity: Promise<Identity> | undefined
  const find = async () => new (await load()).DefaultAzureCredential()
  return {
    cloud: 'azure',
    // A token is for one registry.
    domainOf: host => (HOST.test(host) ? host : undefined),
    async logIn(host, exchange, signal) {
      const scope = SCOPES.get(host.split('.').at(-1) ?? '')
      if (scope === undefined) throw new TypeError(`${host} is not one of Azure's`)
      identity ??= find()
      const { token } = await (await identity).getToken(scope, { abortSignal: signal })
      return {
        credential: { kind: 'token', token: await exchangeToken(host, token, exchange, signal) },
        endsAt: today() + TOKEN_MS,
      }
    },
  }
}

async function exchangeToken(host: string, token: string, exchange: Exchange, signal: AbortSignal): Promise<string> {
  const about = `${host}: token exchange`
  const request = {
    url: new URL(`https://${host}/oauth2/exchange`),
    about,
    accept: 'application/json',
    authorization: undefined,
    form: new URLSearchParams({ grant_type: 'access_token', service: host, access_token: token }),
    cap: {
      bytes: ANSWER.bytes,
      excess: (found: string) =>
        refusal('limit.exceeded', `${about}: expected at most ${ANSWER.bytes} bytes, got ${found}`),
    },
  }
  const answer = await exchange(request, signal)
  if (answer.kind === 'refusal') throw unauthorized(about, 'answered with more than a token')
  if (answer.status !== 200) throw statusFailure(answer, about)
  try {
    const refresh = asString(asObject(parseUntrustedJson(answer.bytes, ANSWER), 'the answer')['refresh_token'], 'it')
    if (/^[\x21-\x7e]+$/.test(refresh)) return refresh
  } catch (error) {
    if (!(error instanceof InputError)) throw error
  }
  throw unauthorized(about, 'answered with something that is no token')
}
