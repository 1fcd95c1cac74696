/** Docker's configuration of the operator as a source of credentials: its entries, and the helpers that it names. */
import { Unavailable } from '#core/domain/unavailable.ts'
import type { Credential } from '#core/registry/credential.ts'
import { credentialName } from '#core/registry/credential.ts'
import type { OperatorDockerConfig } from '#core/registry/docker-config.ts'
import { Kept } from '#core/registry/kept.ts'
import type { Login } from '#core/registry/keychain.ts'
import { fittingLogins } from '#core/registry/keychain.ts'
import type { CredentialSource, Offer } from '#core/registry/offer.ts'
import { askHelper, type Helped, type HelperDeps } from './docker-helper.ts'

/** For so long a helper is not asked again; somebody who logs in anew waits no longer than this. */
const HELD_MS = 60_000
/** Somebody is told that there is no credential, logs in, and tries again. */
const NONE_MS = 10_000
/** One that fails is not started for every image of a rollout. */
const FAILED_MS = 5000
/** One for each helper and registry: more than a cluster pulls from, though any user can name as many. */
const MOST_KEPT = 500

type Deps = HelperDeps & {
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: () => number
}

/**
 * Makes the source. As Docker does, a registry that has a helper of its own is asked for there, and any other in the store
 * that serves all; what the file itself holds for a path goes before, because it is the more particular, and what it holds
 * for the whole registry after.
 */
export function makeDockerSource(config: OperatorDockerConfig, deps: Deps): CredentialSource {
  const kept = new Kept<Helped>(MOST_KEPT, deps.nowMs)
  return (_registry, ref) => {
    const logins = fittingLogins(config.logins, ref)
    const helper = config.helpers.get(ref.registry) ?? config.store
    const offers = helper === undefined ? [] : [offerOfHelper(helper, ref.registry, kept, deps)]
    return [
      ...logins.filter(({ path }) => path !== '').map(offerOfLogin),
      ...offers,
      ...logins.filter(({ path }) => path === '').map(offerOfLogin),
    ]
  }
}

function offerOfLogin({ credential }: Login): Offer {
  return { name: credentialName(credential), source: 'the docker configuration', open: async () => [credential] }
}

function offerOfHelper(name: string, registry: string, kept: Kept<Helped>, deps: Deps): Offer {
  const source = `docker-credential-${name}`
  const open = async (signal: AbortSignal): Promise<readonly Credential[]> => {
    const ask = async (signal: AbortSignal) => {
      const value = await askHelper(name, registry, deps, signal)
      return { value, lifeMs: LIFE_MS[value.kind] }
    }
    const helped = await kept.get(`${name} ${registry}`, ask, signal)
    if (helped.kind === 'failed') throw new Unavailable('registry.unauthorized', `${source} ${helped.why}`)
    return helped.kind === 'none' ? [] : [helped.credential]
  }
  return { name: `docker-helper:${name}`, source, open }
}

const LIFE_MS: Readonly<Record<Helped['kind'], number>> = { credential: HELD_MS, none: NONE_MS, failed: FAILED_MS }
