/** containerd's folder of registries: one folder for each, named by host, with a hosts.toml or, as Docker has it, with certificates. */
import { join } from 'node:path'
import { InputError } from '#core/domain/input-error.ts'
import type { FolderEntry, ListFolder, ReadFile } from '../named-file.ts'
import { listNamedFolder, readNamedFile } from '../named-file.ts'
import { within } from '../registry-entry.ts'
import { parseRegistryName } from '../registry-name.ts'
import { parseHostTable } from './host-table.ts'
import type { SaidHosts } from './hosts-toml.ts'
import { parseHostsToml } from './hosts-toml.ts'

export type HostsFolder = {
  /** By the name of the registry, as `ImageRef.registry` writes it. */
  readonly named: ReadonlyMap<string, SaidHosts>
  /** What holds for registries of which nothing else is said. */
  readonly otherwise: SaidHosts | undefined
}

export type Files = { readonly readFile: ReadFile; readonly listFolder: ListFolder }

const OTHERWISE = '_default'

/** As many as the list of registries may have. */
export const MOST_FOLDERS = 1000

/**
 * Reads the folders of a `config_path`, which has a colon between two of them: what the first says of a registry holds,
 * and behind a `_default` nothing is looked for. Throws an InputError that names the file, and the line where there is one.
 */
export function readHostsFolders(configPath: string, files: Files): HostsFolder {
  const [first, ...others] = configPath.split(':').map(folder => readHostsFolder(folder, files))
  return others.reduce((before, next) => {
    if (before.otherwise !== undefined) return before
    return { named: new Map([...next.named, ...before.named]), otherwise: next.otherwise }
  }, first as HostsFolder)
}

function readHostsFolder(folder: string, files: Files): HostsFolder {
  const folders = visible(listNamedFolder('folder', folder, files.listFolder)).filter(({ isFolder }) => isFolder)
  if (folders.length > MOST_FOLDERS)
    throw new InputError(`expected at most ${MOST_FOLDERS} folders in ${folder}, got ${folders.length}`)
  const named = new Map<string, SaidHosts>()
  let otherwise: SaidHosts | undefined
  for (const { name } of folders) {
    const path = join(folder, name)
    const entries = visible(listNamedFolder('folder', path, files.listFolder))
    const registry = name === OTHERWISE ? OTHERWISE : registryIn(path, name, entries)
    if (registry === undefined) continue
    if (named.has(registry))
      throw new InputError(`${path}: another folder is one of ${registry}, too: leave one of them`)
    const said = readHosts(path, entries, files)
    if (registry === OTHERWISE) otherwise = said
    else named.set(registry, said)
  }
  return { named, otherwise }
}

/** `registry.example:5000`, or `registry.example_5000_` where a colon cannot stand in a name; what names no host and says nothing of one is passed over. */
function registryIn(path: string, name: string, entries: readonly FolderEntry[]): string | undefined {
  try {
    return within(path, () => parseRegistryName(name.replace(/_([0-9]+)_$/, ':$1')))
  } catch (error) {
    if (hasHostsToml(entries)) throw error
    return undefined
  }
}

/** An empty hosts.toml is none, to containerd. */
function readHosts(folder: string, entries: readonly FolderEntry[], { readFile }: Files): SaidHosts {
  const file = join(folder, 'hosts.toml')
  const text = hasHostsToml(entries) ? readNamedFile('file', file, readFile) : ''
  return text === '' ? certificatesOf(folder, entries) : parseHostsToml(text, file)
}

function hasHostsToml(entries: readonly FolderEntry[]): boolean {
  return entries.some(({ name }) => name === 'hosts.toml')
}

/** Docker's layout: `.crt` are authorities, `.cert` is a certificate of ours and `.key` of the same name its key. */
function certificatesOf(folder: string, entries: readonly FolderEntry[]): SaidHosts {
  const names = entries.filter(({ isFolder }) => !isFolder).map(({ name }) => name)
  const client = names
    .filter(name => name.endsWith('.cert'))
    .map((cert): [string, string] => {
      const key = cert.replace(/cert$/, 'key')
      return [cert, names.includes(key) ? key : '']
    })
  const fields = { ca: names.filter(name => name.endsWith('.crt')), ...(client.length > 0 ? { client } : {}) }
  return {
    hosts: [],
    server: parseHostTable(undefined, fields, { folder, placeOf: field => [folder, field ?? []].flat().join(': ') }),
  }
}

/** A mounted ConfigMap keeps its versions under names that begin with a dot. */
function visible(entries: readonly FolderEntry[]): readonly FolderEntry[] {
  return entries.filter(({ name }) => !name.startsWith('.')).toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
