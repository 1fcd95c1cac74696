/** How one host is reached and as whom, as an administrator writes it: the part that registries and their mirrors share. */
import { z } from 'zod'
import { InputError } from '#core/domain/input-error.ts'
import type { Rate } from './budget.ts'
import type { ClientCertificate } from './certificates.ts'
import { readCertificates, readClientCertificate } from './certificates.ts'
import type { Credential } from './credential.ts'
import { ANONYMOUS, parseCredential } from './credential.ts'
import type { ReadFile } from './named-file.ts'
import { parseRegistryName } from './registry-name.ts'

/** One host that answers as a registry does. */
export type Reach = {
  /** As `ImageRef.registry` writes it. */
  readonly name: string
  /** Where its requests go: scheme, host and port. */
  readonly origin: string
  /** Whether the administrator has listed it. Who is not listed is a stranger, wherever he sends us on to. */
  readonly isListed: boolean
  /** PEM certificates trusted for this registry besides the system's. */
  readonly authorities: string | undefined
  /** Shown to this host and to no other. */
  readonly clientCertificate: ClientCertificate | undefined
  readonly credential: Credential
  /** Whether every workload of the cluster may see what the credential sees, as when the nodes hold it, too. */
  readonly isForAllNamespaces: boolean
  /** Further hosts to which the registry may send the credential for a token. */
  readonly realms: readonly string[]
  /** How fast it may be asked; undefined where what holds for all does. */
  readonly rate: Rate | undefined
  /** Milliseconds that a connection may take, where it is less than what holds for all. */
  readonly dialMs: number | undefined
}

/** More is not a rate any more; a hundredth is one request in two minutes. */
export const RATE_SHAPE = z.strictObject({
  perSecond: z.number().min(0.01).max(10_000),
  burst: z.int().min(1).max(100_000),
})

export const REACH_SHAPE = {
  host: z.string(),
  plainHttp: z.boolean().optional(),
  caFile: z.string().min(1).optional(),
  certFile: z.string().min(1).optional(),
  keyFile: z.string().min(1).optional(),
  username: z.string().min(1).optional(),
  passwordFile: z.string().min(1).optional(),
  tokenFile: z.string().min(1).optional(),
  forAllNamespaces: z.boolean().optional(),
  realms: z.array(z.string()).optional(),
  requests: RATE_SHAPE.optional(),
}
const ReachEntry = z.strictObject(REACH_SHAPE)
export type ReachEntry = z.infer<typeof ReachEntry>

/** Docker Hub's name is not the address of its registry. */
const ADDRESSES: ReadonlyMap<string, string> = new Map([['index.docker.io', 'registry-1.docker.io']])

/** Parses an entry; throws an InputError that names the field. */
export function parseReach(entry: ReachEntry, readFile: ReadFile): Reach {
  const name = parseHost(entry.host)
  const origin = originOf(name, entry.plainHttp === true ? 'http' : 'https')
  if (origin === undefined) throw new InputError(`host: ${JSON.stringify(name)} is not the name of a host`)
  return {
    name,
    origin,
    isListed: true,
    authorities:
      entry.caFile === undefined ? undefined : readCertificates({ field: 'caFile', path: entry.caFile }, readFile),
    clientCertificate: parseClientCertificate(entry, readFile),
    credential: parseCredential(entry, readFile),
    isForAllNamespaces: entry.forAllNamespaces === true,
    realms: (entry.realms ?? []).map(parseRealmHost),
    rate: entry.requests,
    dialMs: undefined,
  }
}

/** A host of which nothing is said but where it is. */
export function unlisted(name: string, origin: string): Reach {
  return {
    name,
    origin,
    isListed: false,
    authorities: undefined,
    clientCertificate: undefined,
    credential: ANONYMOUS,
    isForAllNamespaces: false,
    realms: [],
    rate: undefined,
    dialMs: undefined,
  }
}

/** `1.2.3`, `0x7f.1` and `a.5` are names by the grammar of references and addresses, or nothing, to a URL: nobody's, here. */
export function originOf(name: string, scheme: 'http' | 'https'): string | undefined {
  const address = ADDRESSES.get(name) ?? name
  const url = URL.parse(`${scheme}://${address}`)
  return url?.hostname === address.replace(/:[0-9]+$/, '') ? url.origin : undefined
}

/** Runs a parser and puts the place in front of what it complains of. */
export function within<T>(place: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${place}: ${error.message}`, { cause: error.cause })
    throw error
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

function parseClientCertificate(
  { certFile, keyFile, plainHttp }: ReachEntry,
  readFile: ReadFile,
): ClientCertificate | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined
  if (certFile === undefined || keyFile === undefined)
    throw new InputError('certFile: expected certFile and keyFile together, got one of them')
  if (plainHttp === true) throw new InputError('certFile: expected no certificate where nothing is encrypted')
  return readClientCertificate({ field: 'certFile', path: certFile }, { field: 'keyFile', path: keyFile }, readFile)
}
