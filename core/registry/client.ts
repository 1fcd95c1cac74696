/** The registry as the gate sees it: what a tag points at, and what is attached to an image. Read-only. */
import type { Discovery } from '#core/domain/artefact.ts'
import type { Digest } from '#core/domain/digest.ts'
import type { ImageRef, PinnedRef } from '#core/domain/image-ref.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import type { Search } from '#core/domain/search.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { AnswerSource } from './answers/question.ts'
import { fromRegistry } from './answers/question.ts'
import { Auth } from './auth.ts'
import type { Caller } from './candidates.ts'
import { askInTurn, candidatesOf, explain, isUnauthorized } from './candidates.ts'
import { discoverInTurn } from './discover.ts'
import type { Keychain } from './keychain.ts'
import type { RegistryLimits } from './limits.ts'
import { REGISTRY_LIMITS } from './limits.ts'
import type { CredentialSource, Exchange } from './offer.ts'
import type { Registries } from './registries.ts'
import { registryOf } from './registries.ts'
import { Repository } from './repository.ts'
import { resolveTag } from './resolve-tag.ts'
import { ResolvedTags } from './resolved-tags.ts'
import { rewritten } from './rewrites.ts'
import type { Share } from './room.ts'
import { makeRoom } from './room.ts'
import { Tokens } from './tokens.ts'
import type { TransportDeps } from './transport.ts'
import { Transport } from './transport.ts'

/** All registries as one workload sees them. */
export type RegistryView = {
  /** Asks what the tag points at: once, and once more for each credential that is refused. Throws Unavailable. */
  readonly resolve: (ref: ImageRef, signal: AbortSignal) => Promise<Digest | Refusal>
  /** Starts looking for what is attached to the image, in all places of the search at once; the answers come in their order. The signal is to be ended when they are of no more use. */
  readonly discover: (image: PinnedRef, search: Search, signal: AbortSignal) => Discovery
  /** From where and as whom this image's registry may be asked, in order; no scope names a secret or holds a space. */
  readonly scopesOf: (ref: ImageRef) => readonly string[]
  /** Adds to the reason for a `registry.unauthorized` what the owner of the workload can do about it. */
  readonly explain: (ref: ImageRef, detail: string) => string
}

export type RegistryClient = {
  /** With a keychain as that workload, without one as the configured credentials. */
  readonly viewOf: (keychain: Keychain | undefined) => RegistryView
  readonly close: () => Promise<void>
}

export type RegistryClientDeps = TransportDeps & {
  /** What stands between the client and the network. */
  readonly answers: AnswerSource
}

/**
 * Makes a client for all registries; `sources` say whom else the operator has configured. It holds connections and tokens
 * until it is closed.
 */
export function makeRegistryClient(
  registries: Registries,
  limits: Partial<RegistryLimits> = {},
  sources: readonly CredentialSource[] = [],
  deps: Partial<RegistryClientDeps> = {},
): RegistryClient {
  const all = { ...REGISTRY_LIMITS, ...limits }
  const transport = new Transport(registries, all, deps)
  const { nowMs = () => performance.now(), answers = fromRegistry } = deps
  const auth = new Auth(new Tokens(transport, all, nowMs))
  const { tagsKeptMs, rewrites } = registries.common
  const tags = new ResolvedTags(tagsKeptMs, nowMs)
  const room = makeRoom()
  const viewOf = (keychain: Keychain | undefined): RegistryView => {
    const candidates = (named: ImageRef) => {
      const ref = rewritten(named, rewrites)
      const registry = registryOf(registries, ref.registry)
      const exchange: Exchange = (request, signal) => transport.exchange(registry, request, signal)
      const offers = sources.flatMap(source => source(registry, ref, exchange))
      return candidatesOf(registry, ref, keychain, offers)
    }
    const open = (ref: ImageRef, share: Share) => (caller: Caller) => {
      const { repository } = rewritten(ref, rewrites)
      return new Repository(caller.registry, repository, { transport, auth, limits: all, share, answers })
    }
    return {
      resolve: async (ref, signal) => {
        // A reference that has a digest needs no asking.
        if (ref.digest !== undefined) return ref.digest
        const share = room()
        try {
          const resolveAs = (caller: Caller) => {
            const key = { scope: caller.scope, tag: ref.tag ?? 'latest' }
            return tags.get(key, known => resolveTag(open(ref, share)(caller), ref, known, signal))
          }
          return await askInTurn(candidates(ref), resolveAs, signal)
        } catch (error) {
          if (!isUnauthorized(error)) throw error
          throw new Unavailable(error.code, explain(error.message, candidates(ref), keychain))
        } finally {
          share.end()
        }
      },
      discover: (image, search, signal) => {
        const share = room()
        // What was found is held until it has been verified, and whoever looks ends the signal then.
        signal.addEventListener('abort', share.end, { once: true })
        return discoverInTurn(candidates(image), open(image, share), { image, search }, signal)
      },
      scopesOf: ref => candidates(ref).map(({ scope }) => scope),
      explain: (ref, detail) => explain(detail, candidates(ref), keychain),
    }
  }
  return { viewOf, close: () => transport.close() }
}
