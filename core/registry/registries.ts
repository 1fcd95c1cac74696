/** How each registry is reached and as whom. One that is not listed: https, the system's authorities, anonymous. */
import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { InputError } from '#core/domain/input-error.ts'
import type { Credential } from './credential.ts'
import { ANONYMOUS, parseCredential } from './credential.ts'
import type { ReadFile } from './named-file.ts'
import { readNamedFile } from './named-file.ts'
import { parseRegistryName } from './registry-name.ts'

export type Registry = {
  /** As `ImageRef.registry` writes it. */
  readonly name: string
  /** Where its requests go: scheme, host and port. */
  readonly origin: string
  /** PEM certificates trusted for this registry besides the system's. */
  readonly authorities: string | undefined
  readonly credential: Credential
  /** Whether every workload of the cluster may see what the credential sees, as when the nodes hold it, too. */
  readonly isForAllNamespaces: boolean
  /** Further hosts to which the registry may send the credential for a token. */
  readonly realms: readonly string[]
}

/** By the name of the registry, whole and normalised: `cr.io` finds nothing of `ghcr.io`. */
export type Registries = ReadonlyMap<string, Registry>

/** Docker Hub's name is not the address of its registry. */
const ADDRESSES: ReadonlyMap<string, string> = new Map([['index.docker.io', 'registry-1.docker.io']])

/** RFC 6761 section 6.4: no name under `invalid` is ever found. */
const NOWHERE = 'https://registry.invalid'

/** Enough for every registry that a cluster pulls from; a longer list is a generated one gone wrong. */
const MAX_REGISTRIES = 1000

const Entry = z.strictObject({
  host: z.string(),
  plainHttp: z.boolean().optional(),
  caFile: z.string().min(1).optional(),
  username: z.string().min(1).optional(),
  passwordFile: z.string().min(1).optional(),
  tokenFile: z.string().min(1).optional(),
  forAllNamespaces: z.boolean().optional(),
  realms: z.array(z.string()).optional(),
})
type Entry = z.infer<typeof Entry>

const Document = z.strictObject({ registries: z.array(Entry).max(MAX_REGISTRIES) })

/** Parses the list of registries; throws an InputError that names the field, and never holds what a secret file said. */
export function parseRegistries(value: unknown, readFile: ReadFile): Registries {
  const parsed = Document.safeParse(value)
  if (!parsed.success) throw new InputError(complaintOf(parsed.error))
  const registries = new Map<string, Registry>()
  for (const [index, entry] of parsed.data.registries.entries()) {
    const registry = within(`registries[${index}]`, () => parseRegistry(entry, readFile))
    if (registries.has(registry.name)) throw new InputError(`registries[${index}]: ${registry.name} is listed twice`)
    registries.set(registry.name, registry)
  }
  return registries
}

/** The registry of this name, listed or not. */
export function registryOf(registries: Registries, name: string): Registry {
  return (
    registries.get(name) ?? {
      name,
      origin: originOf(name, 'https') ?? NOWHERE,
      authorities: undefined,
      credential: ANONYMOUS,
      isForAllNamespaces: false,
      realms: [],
    }
  )
}

function parseRegistry(entry: Entry, readFile: ReadFile): Registry {
  const name = parseHost(entry.host)
  const origin = originOf(name, entry.plainHttp === true ? 'http' : 'https')
  if (origin === undefined) throw new InputError(`host: ${JSON.stringify(name)} is not the name of a host`)
  return {
    name,
    origin,
    authorities: entry.caFile === undefined ? undefined : readAuthorities(entry.caFile, readFile),
    credential: parseCredential(entry, readFile),
    isForAllNamespaces: entry.forAllNamespaces === true,
    realms: (entry.realms ?? []).map(parseRealmHost),
  }
}

function parseHost(host: string): string {
  const scheme = /^[a-z]+:\/\//i.exec(host)?.[0]
  if (scheme !== undefined) throw new InputError(`host: write the host without ${scheme}`)
  return within('host', () => parseRegistryName(host))
}

/** A realm's host is compared with that of a URL, so it must be spelt as a URL spells it. */
function parseRealmHost(host: string): string {
  if (URL.parse(`https://${host}`)?.host === host) return host
  throw new InputError(`realms: expected a lower-case host without scheme or path, got ${JSON.stringify(host)}`)
}

/** `1.2.3`, `0x7f.1` and `a.5` are names by the grammar of references and addresses, or nothing, to a URL: nobody's, here. */
function originOf(name: string, scheme: 'http' | 'https'): string | undefined {
  const address = ADDRESSES.get(name) ?? name
  const url = URL.parse(`${scheme}://${address}`)
  return url?.hostname === address.replace(/:[0-9]+$/, '') ? url.origin : undefined
}

function readAuthorities(path: string, readFile: ReadFile): string {
  const pem = readNamedFile('caFile', path, readFile)
  try {
    void new X509Certificate(pem)
    return pem
  } catch (error) {
    throw new InputError(`caFile: expected certificates in PEM in ${JSON.stringify(path)}`, { cause: error })
  }
}

/** Runs a parser and puts the place in front of what it complains of. */
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
  const message = issue?.message ?? 'not a list of registries'
  return `${path === '' ? 'the list of registries' : path.slice(1)}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
}
