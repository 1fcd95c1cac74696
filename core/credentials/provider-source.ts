/** The programs of a kubelet's CredentialProviderConfig as sources of credentials: asked as a kubelet asks, and for as long believed. */
import { join } from 'node:path'
import type { ImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { BoundedMap } from '#core/registry/bounded-map.ts'
import type { CredentialSource, Offer } from '#core/registry/offer.ts'
import type { Environment } from '#core/runtime/settings.ts'
import { SingleFlight } from '#core/runtime/single-flight.ts'
import { imageNameOf, matchesImage, registryNameOf } from './match-image.ts'
import { environmentFor } from './program-environment.ts'
import type { CacheKeyType, ProviderAnswer } from './provider-answer.ts'
import { CACHE_KEY_TYPES, credentialsFor, encodeProviderRequest, parseProviderAnswer } from './provider-answer.ts'
import type { CredentialProvider } from './provider-config.ts'
import type { RunProgram } from './run-program.ts'

type Deps = {
  /** Folder of the programs: no other is run. */
  readonly folder: string
  readonly run: RunProgram
  readonly environment: Environment
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: () => number
}

/** One for each image, where a provider answers for images; any user can name as many. */
const MOST_KEPT = 1000
/** One that fails is not started for every image of a rollout. */
const FAILED_MS = 5000

/** Makes the source: all providers that are for an image, in the order of the file. */
export function makeProviderSource(providers: readonly CredentialProvider[], deps: Deps): CredentialSource {
  const asked = providers.map(provider => ({ provider, asking: new Asking(provider, deps) }))
  return (_registry, ref) =>
    asked
      .filter(({ provider }) => provider.patterns.some(pattern => matchesImage(pattern, ref)))
      .map(({ provider, asking }) => offerOf(provider, asking, ref))
}

function offerOf({ name }: CredentialProvider, asking: Asking, ref: ImageRef): Offer {
  const source = `credential provider ${name}`
  const open = async (signal: AbortSignal) => {
    const said = await asking.about(ref, signal)
    if (typeof said === 'string') throw new Unavailable('registry.unauthorized', `${source} ${said}`)
    return credentialsFor(said, ref)
  }
  return { name: `provider:${name}`, source, open }
}

/** What was answered about which image, or why nothing was. */
type Said = { readonly about: ImageRef; readonly answer: ProviderAnswer | string }

/**
 * One program and its answers. For what an answer holds besides its image, the program says with it: until it has said so
 * once, all who ask wait for the first, and from then on those who would be given the same answer wait for one.
 */
class Asking {
  readonly #provider: CredentialProvider
  readonly #deps: Deps
  readonly #kept = new BoundedMap<{ readonly answer: ProviderAnswer | string; readonly endsAtMs: number }>(MOST_KEPT)
  readonly #flights = new SingleFlight<Said>()
  #usualType: CacheKeyType = 'Global'

  constructor(provider: CredentialProvider, deps: Deps) {
    this.#provider = provider
    this.#deps = deps
  }

  /** The answer, or why there is none. Throws the reason of the signal. */
  async about(ref: ImageRef, signal: AbortSignal): Promise<ProviderAnswer | string> {
    for (;;) {
      const kept = this.#keptFor(ref)
      if (kept !== undefined) return kept
      const type = this.#usualType
      const fetch = (signal: AbortSignal) => this.#fetch(ref, signal)
      const { about, answer } = await this.#flights.run(keyOf(type, ref), fetch, signal)
      if (covers(answer, about, ref)) return answer
      // The program has not said what its answers hold for, because it failed, or says now this and now that.
      if (this.#usualType === type) return (await this.#flights.run(keyOf('Image', ref), fetch, signal)).answer
    }
  }

  #keptFor(ref: ImageRef): ProviderAnswer | string | undefined {
    for (const type of CACHE_KEY_TYPES) {
      const kept = this.#kept.get(keyOf(type, ref))
      if (kept !== undefined && kept.endsAtMs > this.#deps.nowMs()) return kept.answer
    }
    return undefined
  }

  async #fetch(ref: ImageRef, signal: AbortSignal): Promise<Said> {
    const answer = await this.#run(ref, signal)
    const isAnswer = typeof answer !== 'string'
    if (isAnswer) this.#usualType = answer.cacheKeyType
    const lifeMs = isAnswer ? (answer.cacheMs ?? this.#provider.defaultCacheMs) : FAILED_MS
    const key = keyOf(holdsFor(answer), ref)
    if (lifeMs > 0) this.#kept.set(key, { answer, endsAtMs: this.#deps.nowMs() + lifeMs })
    return { about: ref, answer }
  }

  async #run(ref: ImageRef, signal: AbortSignal): Promise<ProviderAnswer | string> {
    const { name, args, environment } = this.#provider
    const { folder, run } = this.#deps
    const seen = environmentFor(this.#deps.environment, environment)
    const program = { file: join(folder, name), args, input: encodeProviderRequest(ref), environment: seen }
    const ended = await run(program, signal)
    if (ended.kind === 'failed') return ended.why
    if (ended.code !== 0) return `ended with code ${ended.code ?? 'none: it was killed'}`
    try {
      return parseProviderAnswer(ended.output)
    } catch (error) {
      // Its words are left behind: what was read is a secret.
      if (error instanceof InputError) return 'answered with something that is no CredentialProviderResponse'
      throw error
    }
  }
}

function covers(answer: ProviderAnswer | string, about: ImageRef, ref: ImageRef): boolean {
  return keyOf(holdsFor(answer), about) === keyOf(holdsFor(answer), ref)
}

/** That it fails is known of one image: somebody who names one that it stumbles over must not silence it for all. */
function holdsFor(answer: ProviderAnswer | string): CacheKeyType {
  return typeof answer === 'string' ? 'Image' : answer.cacheKeyType
}

/** No two of them are the same text: only an image has a slash, and only a registry is not empty besides. */
function keyOf(type: CacheKeyType, ref: ImageRef): string {
  if (type === 'Global') return ''
  return type === 'Registry' ? registryNameOf(ref.registry) : imageNameOf(ref)
}
