/** The file that tells a kubelet which programs it may ask for credentials: CredentialProviderConfig of kubelet.config.k8s.io/v1. */
import { z } from 'zod'
import { InputError } from '#core/domain/input-error.ts'
import { isProgramName } from './find-program.ts'
import { parseGoDuration } from './go-duration.ts'
import { type ImagePattern, parseImagePattern } from './match-image.ts'

export type CredentialProvider = {
  /** Of the program in the folder of providers. */
  readonly name: string
  readonly patterns: readonly ImagePattern[]
  /** Milliseconds for which an answer is used that does not say for how long. */
  readonly defaultCacheMs: number
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** The version of what is said to a program, and of what it answers. */
export const PROVIDER_API = 'credentialprovider.kubelet.k8s.io/v1'

/** A cluster has one for each of its clouds. */
const MOST_PROVIDERS = 32
/** Each is compared with every image that is asked about. */
const MOST_PATTERNS = 256
const MOST_ARGS = 256

/** Neither an argument nor a variable of a process can hold one. */
const WITHOUT_NUL = /^[^\0]*$/

const Provider = z.strictObject({
  name: z.string(),
  matchImages: z.array(z.string()).min(1).max(MOST_PATTERNS),
  defaultCacheDuration: z.string(),
  apiVersion: z.literal(PROVIDER_API),
  args: z.array(z.string().regex(WITHOUT_NUL)).max(MOST_ARGS).nullish(),
  env: z
    .array(z.strictObject({ name: z.string().regex(/^[^\0=]+$/), value: z.string().regex(WITHOUT_NUL) }))
    .max(MOST_ARGS)
    .nullish(),
})

const Document = z.strictObject({
  apiVersion: z.literal('kubelet.config.k8s.io/v1'),
  kind: z.literal('CredentialProviderConfig'),
  providers: z.array(Provider).min(1).max(MOST_PROVIDERS),
})

/**
 * Parses the document; an InputError names the field. `tokenAttributes` is refused with all that is unknown: Shedu has no
 * token of the workload to hand on, and a provider without it would answer as somebody else.
 */
export function parseProviderConfig(value: unknown): readonly CredentialProvider[] {
  const parsed = Document.safeParse(value)
  if (!parsed.success) throw new InputError(complaintOf(parsed.error))
  const providers = parsed.data.providers.map((provider, index) =>
    within(`providers[${index}]`, () => parseProvider(provider)),
  )
  const twice = providers.find(({ name }, index) => providers.findIndex(one => one.name === name) < index)
  if (twice !== undefined) throw new InputError(`providers: ${twice.name} is listed twice`)
  return providers
}

function parseProvider(provider: z.infer<typeof Provider>): CredentialProvider {
  const { name, matchImages, defaultCacheDuration, args, env } = provider
  if (!isProgramName(name))
    throw new InputError(`name: expected the name of a program, and no path, got ${JSON.stringify(name.slice(0, 80))}`)
  return {
    name,
    patterns: matchImages.map((text, index) => within(`matchImages[${index}]`, () => parseImagePattern(text))),
    defaultCacheMs: within('defaultCacheDuration', () => parseGoDuration(defaultCacheDuration)),
    args: args ?? [],
    environment: Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
  }
}

function within<T>(place: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${place}: ${error.message}`, { cause: error.cause })
    throw error
  }
}

/** zod names fields and types and never repeats a value. */
function complaintOf(error: z.ZodError): string {
  const issue = error.issues[0]
  const path = (issue?.path ?? []).map(step => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')
  const message = issue?.message ?? 'not a configuration'
  return `${path === '' ? 'the configuration' : path.slice(1)}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
}
