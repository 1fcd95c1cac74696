/** One host as a hosts.toml says it: by the file's own fields, or by those of one of its `[host]` tables. */
import { isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { InputError } from '#core/domain/input-error.ts'
import type { Capability } from '../mirrors.ts'
import { within } from '../registry-entry.ts'
import { parseDuration } from './duration.ts'
import type { HostAddress } from './host-address.ts'
import { parseHostAddress } from './host-address.ts'

export type HostTable = {
  /** What a message begins with: where it stands, or one of its fields. */
  readonly placeOf: (field?: string) => string
  /** Undefined where no server is named: it is then the registry itself. */
  readonly address: HostAddress | undefined
  readonly capabilities: readonly Capability[]
  /** Files of authorities. */
  readonly ca: readonly string[]
  /** A file of a certificate and a file of its key, which may be one. */
  readonly client: readonly [cert: string, key: string] | undefined
  /** Milliseconds that a connection may take. */
  readonly dialMs: number | undefined
}

const PATHS = z.union([z.string(), z.array(z.string())], { error: 'expected the path of a file, or a list of them' })
const PAIR = z.tuple([z.string(), z.string()])
const CLIENTS = z.union([z.string(), z.array(z.union([z.string(), PAIR]))], {
  error: 'expected the path of a file, or a list of one pair of paths',
})

/** The fields that are read. */
export const TABLE_FIELDS = {
  capabilities: z.array(z.string()).optional(),
  ca: PATHS.optional(),
  client: CLIENTS.optional(),
  skip_verify: z.boolean().optional(),
  override_path: z.boolean().optional(),
  dial_timeout: z.string().optional(),
}
const Table = z.strictObject(TABLE_FIELDS)
export type TableFields = z.infer<typeof Table>

/** The fields that say what Shedu does not do, and what to do instead; containerd's own, and `rewrite` of k3s and RKE2. */
export const REFUSED_FIELDS: Readonly<Record<string, string>> = {
  header:
    'expected none, for Shedu sends no headers of others: a login stands in the registries file, where the host is listed with username and passwordFile or with tokenFile',
  proxy: 'expected none, for proxies are taken from the environment: HTTPS_PROXY, HTTP_PROXY and NO_PROXY',
  rewrite: 'expected none, for rewrites stand in the registries file, under rewrites',
}

/** Where the fields of a table are to be looked for, and what a message says of them. */
export type Around = { readonly folder: string; readonly placeOf: HostTable['placeOf'] }

/** Makes a table of its fields; `server` is the address that they are about. Throws an InputError that names the field. */
export function parseHostTable(
  server: string | undefined,
  fields: TableFields,
  { folder, placeOf }: Around,
): HostTable {
  const { capabilities, ca, client, skip_verify, override_path = false, dial_timeout } = fields
  if (skip_verify === true)
    throw new InputError(
      `${placeOf('skip_verify')}: expected false, for who is not verified may be anybody: name the authority of its certificate under ca`,
    )
  const inFolder = (path: string) => (isAbsolute(path) ? path : join(folder, path))
  return {
    placeOf,
    address:
      server === undefined ? undefined : inPlace(placeOf, undefined, () => parseHostAddress(server, override_path)),
    capabilities: inPlace(placeOf, 'capabilities', () => parseCapabilities(capabilities)),
    ca: [ca ?? []].flat().map(inFolder),
    client: inPlace(placeOf, 'client', () => parseClient(client, inFolder)),
    dialMs: inPlace(placeOf, 'dial_timeout', () => parseDuration(dial_timeout ?? '')),
  }
}

/** Runs a parser and puts the place in front of what it complains of, looked for only then: to find it takes parsing again. */
export function inPlace<T>(placeOf: HostTable['placeOf'], field: string | undefined, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    return within(placeOf(field), () => {
      throw error
    })
  }
}

function parseCapabilities(texts: readonly string[] = []): readonly Capability[] {
  const known = ['pull', 'resolve', 'push', 'referrers'] as const
  const wanted = texts.map(text => {
    const capability = known.find(one => one === text.toLowerCase())
    if (capability === undefined) throw new InputError(`expected pull, resolve, push or referrers, got ${quoted(text)}`)
    return capability
  })
  // An empty list is none at all to containerd, and then a host can do everything.
  return wanted.length === 0 ? ['pull', 'resolve'] : wanted.filter(one => one === 'pull' || one === 'resolve')
}

function parseClient(client: TableFields['client'], inFolder: (path: string) => string): HostTable['client'] {
  const [first, ...more] = typeof client === 'string' ? [client] : (client ?? [])
  if (first === undefined) return undefined
  // A server of TLS says whose certificates it takes, and containerd chooses by that.
  if (more.length > 0)
    throw new InputError(
      `expected one certificate, got ${more.length + 1}; one with its key in another file is a pair in the list: [["client.cert", "client.key"]]`,
    )
  const [cert, key] = typeof first === 'string' ? [first, ''] : first
  return [inFolder(cert), inFolder(key === '' ? cert : key)]
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 120))
}
