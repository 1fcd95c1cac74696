/** The registry as the gate sees it: what a tag points at, and what is attached to an image. Read-only. */
import type { Discovery } from '#core/domain/artefact.ts'
import type { Digest } from '#core/domain/digest.ts'
import type { ImageRef, PinnedRef } from '#core/domain/image-ref.ts'
import { nameOf } from '#core/domain/image-ref.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { Auth } from './auth.ts'
import { ambiguous, fetchTag } from './content.ts'
import { credentialName } from './credential.ts'
import { discover } from './discover.ts'
import type { RegistryLimits } from './limits.ts'
import { REGISTRY_LIMITS } from './limits.ts'
import type { Registries } from './registries.ts'
import { registryOf } from './registries.ts'
import { Repository } from './repository.ts'
import { Tokens } from './tokens.ts'
import { Transport } from './transport.ts'

export type RegistryClient = {
  /** Asks once what the tag points at. Throws Unavailable. */
  readonly resolve: (ref: ImageRef, signal: AbortSignal) => Promise<Digest | Refusal>
  /** Starts looking for everything that is attached to the image. */
  readonly discover: (image: PinnedRef, signal: AbortSignal) => Discovery
  /** From where and as whom this image's registry is asked; names no secret and holds no space. */
  readonly scopeOf: (ref: ImageRef) => string
  readonly close: () => Promise<void>
}

/** Makes a client for all registries. It holds connections and tokens until it is closed. */
export function makeRegistryClient(registries: Registries, limits: Partial<RegistryLimits> = {}): RegistryClient {
  const all = { ...REGISTRY_LIMITS, ...limits }
  const transport = new Transport(registries, all)
  const auth = new Auth(new Tokens(transport, all, () => performance.now()))
  const repositoryOf = ({ registry, repository }: ImageRef) =>
    new Repository(registryOf(registries, registry), repository, { transport, auth, limits: all })
  return {
    resolve: async (ref, signal) => resolve(repositoryOf(ref), ref, signal),
    discover: (image, signal) => discover(repositoryOf(image), image, signal),
    scopeOf: ({ registry, repository }) =>
      `${registry}/${repository}#${credentialName(registryOf(registries, registry).credential)}`,
    close: () => transport.close(),
  }
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
