/** The registry as the gate sees it: what a tag points at, and what is attached to an image. Read-only. */
import type { Discovery } from '#core/domain/artefact.ts'
import type { Digest } from '#core/domain/digest.ts'
import type { ImageRef, PinnedRef } from '#core/domain/image-ref.ts'
import { nameOf } from '#core/domain/image-ref.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { Search } from '#core/domain/search.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { Auth } from './auth.ts'
import type { Candidate } from './candidates.ts'
import { askInTurn, candidatesOf, explain, isUnauthorized } from './candidates.ts'
import { ambiguous, fetchTag } from './content.ts'
import { discoverInTurn } from './discover.ts'
import type { Keychain } from './keychain.ts'
import type { RegistryLimits } from './limits.ts'
import { REGISTRY_LIMITS } from './limits.ts'
import type { Registries } from './registries.ts'
import { registryOf } from './registries.ts'
import { Repository } from './repository.ts'
import { Tokens } from './tokens.ts'
import { Transport } from './transport.ts'

/** All registries as one workload sees them. */
export type RegistryView = {
  /** Asks what the tag points at: once, and once more for each credential that is refused. Throws Unavailable. */
  readonly resolve: (ref: ImageRef, signal: AbortSignal) => Promise<Digest | Refusal>
  /** Starts looking for what is attached to the image, in all places of the search at once; the answers come in their order. */
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

/** Makes a client for all registries. It holds connections and tokens until it is closed. */
export function makeRegistryClient(registries: Registries, limits: Partial<RegistryLimits> = {}): RegistryClient {
  const all = { ...REGISTRY_LIMITS, ...limits }
  const transport = new Transport(registries, all)
  const auth = new Auth(new Tokens(transport, all, () => performance.now()))
  const viewOf = (keychain: Keychain | undefined): RegistryView => {
    const candidates = (ref: ImageRef) => candidatesOf(registryOf(registries, ref.registry), ref, keychain)
    const open = (ref: ImageRef) => (candidate: Candidate) =>
      new Repository(candidate.registry, ref.repository, { transport, auth, limits: all })
    return {
      resolve: async (ref, signal) => {
        try {
          return await askInTurn(candidates(ref), candidate => resolve(open(ref)(candidate), ref, signal))
        } catch (error) {
          if (!isUnauthorized(error)) throw error
          throw new Unavailable(error.code, explain(error.message, candidates(ref), keychain))
        }
      },
      discover: (image, search, signal) => discoverInTurn(candidates(image), open(image), { image, search }, signal),
      scopesOf: ref => candidates(ref).map(({ scope }) => scope),
      explain: (ref, detail) => explain(detail, candidates(ref), keychain),
    }
  }
  return { viewOf, close: () => transport.close() }
}

/**
 * One GET of the manifest, never a HEAD before it: a registry that answers the two differently (CVE-2022-47633) would have
 * one thing verified and another run. A reference that has a digest needs no asking.
 */
async function resolve(repository: Repository, ref: ImageRef, signal: AbortSignal): Promise<Digest | Refusal> {
  if (ref.digest !== undefined) return ref.digest
  const tag = ref.tag ?? 'latest'
  const manifest = await fetchTag(repository, tag, signal)
  if (manifest.kind === 'refusal') return manifest
  if (manifest.kind === 'absent') return refusal('image.not-found', nameOf(ref))
  if (manifest.kind === 'other')
    return ambiguous(repository, tag, `expected an image or an index, got ${manifest.mediaType}`)
  return manifest.digest
}
