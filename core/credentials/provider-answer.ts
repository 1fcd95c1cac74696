/** What is said to a kubelet credential provider and what it answers (credentialprovider.kubelet.k8s.io/v1). */
import type { ImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'
import { asObject, asString, type JsonObject, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import type { Credential } from '#core/registry/credential.ts'
import { parseGoDuration } from './go-duration.ts'
import { type ImagePattern, imageNameOf, matchesImage, parseImagePattern } from './match-image.ts'
import { PROVIDER_API } from './provider-config.ts'
import { PROGRAM_BYTES } from './run-program.ts'

export const CACHE_KEY_TYPES = ['Image', 'Registry', 'Global'] as const

/** For what else an answer holds that was given for one image. */
export type CacheKeyType = (typeof CACHE_KEY_TYPES)[number]

export type ProviderAnswer = {
  readonly cacheKeyType: CacheKeyType
  /** Milliseconds; undefined where it does not say. */
  readonly cacheMs: number | undefined
  /** In the order in which a kubelet tries them: its keys from Z to A, and so the longer before the shorter. */
  readonly logins: readonly { readonly pattern: ImagePattern; readonly credential: Credential }[]
}

/** The answer, `auth`, an entry; one more than that. And two hundred entries. */
const ANSWER = { bytes: PROGRAM_BYTES, depth: 4, values: 1000 }

/** What is asked about this image. */
export function encodeProviderRequest(ref: ImageRef): string {
  return JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion: PROVIDER_API, image: imageNameOf(ref) })
}

/** Parses an answer; an InputError, whose words may hold a secret, where it is none. */
export function parseProviderAnswer(bytes: Uint8Array): ProviderAnswer {
  const fields = asObject(parseUntrustedJson(bytes, ANSWER), 'the answer')
  if (fields['kind'] !== 'CredentialProviderResponse') throw new InputError('expected a CredentialProviderResponse')
  if (fields['apiVersion'] !== PROVIDER_API) throw new InputError(`expected an answer of ${PROVIDER_API}`)
  const cacheKeyType = CACHE_KEY_TYPES.find(type => type === fields['cacheKeyType'])
  if (cacheKeyType === undefined) throw new InputError(`expected a cacheKeyType of ${CACHE_KEY_TYPES.join(', ')}`)
  const duration = fields['cacheDuration'] ?? undefined
  return {
    cacheKeyType,
    cacheMs: duration === undefined ? undefined : parseGoDuration(asString(duration, 'cacheDuration')),
    logins: parseLogins(asObject(fields['auth'] ?? {}, 'auth')),
  }
}

/** The credentials of an answer that are for this image. */
export function credentialsFor({ logins }: ProviderAnswer, ref: ImageRef): readonly Credential[] {
  return logins.filter(({ pattern }) => matchesImage(pattern, ref)).map(({ credential }) => credential)
}

function parseLogins(auth: JsonObject): ProviderAnswer['logins'] {
  return Object.entries(auth)
    .map(([key, entry]) => ({ place: placeOf(key), credential: parseEntry(asObject(entry, 'an entry')) }))
    .toSorted((a, b) => (a.place < b.place ? 1 : -1))
    .map(({ place, credential }) => ({ pattern: parseImagePattern(place), credential }))
}

/** A kubelet reads these keys as it does those of Docker's file: a scheme, and the version of the API as a path, say nothing. */
function placeOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '')
}

function parseEntry(entry: JsonObject): Credential {
  const [username, password] = [asString(entry['username'], 'username'), asString(entry['password'], 'password')]
  // RFC 7617 section 2: a colon would move the end of the name into the password.
  if (username === '' || password === '' || username.includes(':'))
    throw new InputError('expected a user name and a password')
  return { kind: 'password', username, password }
}
