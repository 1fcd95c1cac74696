/**
 * Puts together what containerd's folder and the list of registries say. The folder says where a registry's things lie and
 * whom to trust; as whom we come, and that a host may be spoken to in plain, only the list says.
 */
import { InputError } from '#core/domain/input-error.ts'
import type { Mirror } from '../mirrors.ts'
import { MOST_MIRRORS } from '../mirrors.ts'
import type { ReadFile } from '../named-file.ts'
import type { Detour, Registry } from '../registries.ts'
import { originOf } from '../registry-entry.ts'
import type { HostTable } from './host-table.ts'
import type { HostsFolder } from './hosts-folder.ts'
import type { SaidHosts } from './hosts-toml.ts'
import { namedByFolder, plainHttpError, withTables } from './table-reach.ts'

type Listed = ReadonlyMap<string, Registry>
type Around = { readonly listed: Listed; readonly readFile: ReadFile }

type Joined = { readonly registries: Map<string, Registry>; readonly otherwise: Detour }

/** Joins them; throws an InputError that says which of the two has to say less. */
export function joinHosts(listed: Listed, { named, otherwise }: HostsFolder, readFile: ReadFile): Joined {
  const around = { listed, readFile }
  const joined = [...named].map(([name, said]) => [name, joinRegistry(name, said, around)] as const)
  return {
    registries: new Map([...listed, ...joined]),
    otherwise: otherwise === undefined ? { mirrors: [], standIn: undefined } : joinOtherwise(otherwise, around),
  }
}

function joinRegistry(name: string, said: SaidHosts, around: Around): Registry {
  const entry = around.listed.get(name)
  const { mirrors, own, standIn } = partsOf(name, said)
  const [mirror] = mirrors
  if (entry !== undefined && entry.mirrors.length > 0 && mirror !== undefined)
    throw new InputError(`${mirror.placeOf()}: the registries file lists mirrors of ${name}, too: leave those of one`)
  if (entry !== undefined && standIn !== undefined)
    throw new InputError(
      `${standIn.placeOf()}: expected ${name} itself, for the registries file lists it, and nobody would ask it: take it out of one of them`,
    )
  const known = entry ?? unlistedRegistry(name, said)
  for (const table of own) checkOwnAddress(table, known)
  return {
    ...withTables(known, own, around.readFile),
    mirrors: [...known.mirrors, ...mirrorsOf(mirrors, around)],
    standIn: standIn && standInOf(standIn, around),
  }
}

function unlistedRegistry(name: string, { server }: SaidHosts): Registry {
  const origin = originOf(name, 'https')
  if (origin === undefined) throw new InputError(`${server.placeOf()}: ${name} is not the name of a host`)
  return { ...namedByFolder(name, origin), mirrors: [], standIn: undefined }
}

/** For registries that nobody has named. What would be trusted, or shown, wherever somebody's image may lie is refused. */
function joinOtherwise({ hosts, server }: SaidHosts, around: Around): Detour {
  const mirrors = mirrorsOf(hosts, around)
  if (server.address !== undefined) return { mirrors, standIn: standInOf(server, around) }
  const [field] = Object.entries({ ca: server.ca[0], client: server.client, dial_timeout: server.dialMs })
    .filter(([, said]) => said !== undefined)
    .map(([field]) => field)
  if (field === undefined) return { mirrors, standIn: undefined }
  throw new InputError(
    `${server.placeOf(field)}: expected a server beside it, for without one it is for every registry there is: give those that are meant folders of their own`,
  )
}

type Parts = {
  readonly mirrors: readonly HostTable[]
  /** What is said of the registry itself. */
  readonly own: readonly HostTable[]
  readonly standIn: HostTable | undefined
}

/** A host may be the registry itself, as in containerd's own examples. Its word is the last here, so nobody comes after it. */
function partsOf(name: string, { hosts, server }: SaidHosts): Parts {
  const origins = [originOf(name, 'https'), originOf(name, 'http')]
  const isOwn = ({ address }: HostTable) =>
    address === undefined || (origins.includes(address.origin) && address.path === '/v2')
  const first = hosts.findIndex(isOwn)
  const mirrors = first < 0 ? hosts : hosts.slice(0, first)
  const rest = [...hosts.slice(mirrors.length), server]
  const own = rest.filter(isOwn)
  const [standIn] = rest.filter(table => !isOwn(table))
  if (own.length > 0 && standIn !== undefined)
    throw new InputError(
      `${standIn.placeOf()}: expected nobody after ${name} itself, whose word is the last: move it up`,
    )
  if (own.length > 0 && own.every(cannotResolve)) throw serverError(server)
  return { mirrors, own, standIn }
}

function checkOwnAddress(table: HostTable, { name, origin }: Registry): void {
  if (table.address === undefined || table.address.origin === origin) return
  if (table.address.origin.startsWith('http:')) throw plainHttpError(table, name)
  throw new InputError(`${table.placeOf()}: expected ${origin}, for the registries file lists it with plainHttp: true`)
}

/** A host from which no content is to be had is not asked, as by containerd. */
function mirrorsOf(hosts: readonly HostTable[], around: Around): readonly Mirror[] {
  const useful = hosts.filter(({ capabilities }) => capabilities.includes('pull'))
  const excess = useful[MOST_MIRRORS]
  if (excess === undefined) return useful.map(table => mirrorOf(table, around))
  throw new InputError(`${excess.placeOf()}: expected at most ${MOST_MIRRORS} hosts, got ${useful.length}`)
}

function standInOf(server: HostTable, around: Around): Mirror {
  if (cannotResolve(server)) throw serverError(server)
  return mirrorOf(server, around)
}

/** A credential comes from the list, by scheme, host and port, or there is none: whoever may write hosts.toml has none to give. */
function mirrorOf(table: HostTable, { listed, readFile }: Around): Mirror {
  const { name, origin, path } = table.address as NonNullable<HostTable['address']>
  const entry = [...listed.values()].find(registry => registry.origin === origin)
  if (entry === undefined && origin.startsWith('http:')) throw plainHttpError(table, name)
  return {
    reach: withTables(entry ?? namedByFolder(name, origin), [table], readFile),
    path,
    capabilities: table.capabilities,
  }
}

/** containerd asks nobody for a tag who is not trusted with it, and a server that is not named can do everything. */
function cannotResolve({ address, capabilities }: HostTable): boolean {
  return address !== undefined && capabilities.length < 2
}

function serverError(server: HostTable): InputError {
  return new InputError(
    `${server.placeOf('capabilities')}: expected pull and resolve of the server, for nobody is asked after it`,
  )
}
