/** Google's registries: an access token of the identity that the SDK finds (application default credentials), as a password. */
import type * as GoogleAuthLibrary from 'google-auth-library'
import { InputError } from '#core/domain/input-error.ts'
import type { CloudLogin } from './cloud-source.ts'

type Sdk = typeof GoogleAuthLibrary

/** To read, and nothing more, as far as whoever gives the token heeds it: a metadata service may have scopes of its own. */
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform.read-only'

/** Google's login. `load` brings the SDK when it is needed. */
export function makeGoogleLogin(load = (): Promise<Sdk> => import('google-auth-library')): CloudLogin {
  let found: ReturnType<InstanceType<Sdk['GoogleAuth']>['getClient']> | undefined
  const find = async () => {
    const { GoogleAuth } = await load()
    const client = new GoogleAuth({ scopes: [SCOPE] }).getClient()
    // One that was not found is looked for again: a metadata service can come up after us.
    client.catch(() => {
      found = undefined
    })
    return client
  }
  return {
    cloud: 'google',
    domainOf: host => (isGoogles(host) ? 'google' : undefined),
    async logIn() {
      const client = await (found ??= find())
      const { token } = await client.getAccessToken()
      if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw new InputError('expected an access token')
      return {
        credential: { kind: 'password', username: 'oauth2accesstoken', password: token },
        endsAt: client.credentials.expiry_date ?? undefined,
      }
    },
  }
}

/** Artifact Registry and the Container Registry before it; whole labels, and no port. */
function isGoogles(host: string): boolean {
  return host === 'gcr.io' || host.endsWith('.gcr.io') || host.endsWith('.pkg.dev')
}
