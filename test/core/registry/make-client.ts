/** Makes a registry client for one test out of what an administrator would write; it is closed when the test ends. */
import type { ImageRef, PinnedRef } from '#core/domain/image-ref.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import type { Search } from '#core/domain/search.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { RegistryClient, RegistryClientDeps, RegistryView } from '#core/registry/client.ts'
import { makeRegistryClient } from '#core/registry/client.ts'
import type { Keychain } from '#core/registry/keychain.ts'
import type { RegistryLimits } from '#core/registry/limits.ts'
import type { FolderEntry } from '#core/registry/named-file.ts'
import type { Registries } from '#core/registry/registries.ts'
import { parseRegistries } from '#core/registry/registries.ts'

type Test = { readonly teardown: (end: () => Promise<void>) => unknown }
type Setup = {
  /** Content of the files that entries name. */
  readonly files?: Readonly<Record<string, string>>
  readonly limits?: Partial<RegistryLimits>
  /** Content of containerd's folder, by path in it: `docker.io/hosts.toml`, or by the whole path. */
  readonly hosts?: Readonly<Record<string, string>>
  /** What the file says besides the entries. No tag is remembered unless this says so: most tests ask to be answered. */
  readonly common?: object
  /** The budget, the clock, chance, proxies, and where answers come from. */
  readonly deps?: Partial<RegistryClientDeps>
  /** Makes it the view of a workload. */
  readonly keychain?: Keychain
}

/** What a demand for a signature in any layout looks into. */
export const SIGNATURES: Search = { places: ['signature-tag', 'referrers'], isForAttestations: false }

/** A signal that never comes. */
export const patience = new AbortController().signal

export function makeClient(t: Test, entries: readonly object[], setup: Setup = {}): RegistryView {
  return makeViews(t, entries, setup)(setup.keychain)
}

/** One client as several workloads see it. */
export function makeViews(
  t: Test,
  entries: readonly object[],
  { limits = {}, deps = {}, ...said }: Setup = {},
): RegistryClient['viewOf'] {
  const registries = parse(entries, said)
  const client = makeRegistryClient(registries, limits, [], deps)
  t.teardown(() => client.close())
  return client.viewOf
}

/** Where containerd's folder is, unless `common` names others. */
const HOSTS = '/certs.d'

/** Parses entries, and a folder of containerd's if there is one, out of files that are held in memory. */
export function parse(
  entries: readonly object[],
  { files = {}, hosts, common = {} }: Pick<Setup, 'files' | 'hosts' | 'common'> = {},
): Registries {
  const all: Readonly<Record<string, string>> = {
    ...files,
    ...Object.fromEntries(
      Object.entries(hosts ?? {}).map(([path, content]) => [path.startsWith('/') ? path : `${HOSTS}/${path}`, content]),
    ),
  }
  const readFile = (path: string) => {
    const content = all[path]
    if (content === undefined) throw new Error(`no file ${path}`)
    return content
  }
  const containerdHosts = hosts === undefined ? {} : { containerdHosts: HOSTS }
  const document = { keepTagsSeconds: 0, ...containerdHosts, ...common, registries: entries }
  return parseRegistries(document, readFile, folder => entriesOf(folder, Object.keys(all)))
}

function entriesOf(folder: string, paths: readonly string[]): readonly FolderEntry[] {
  const below = paths.filter(path => path.startsWith(`${folder}/`)).map(path => path.slice(folder.length + 1))
  const names = new Map(below.map(path => [path.split('/')[0] ?? '', path.includes('/')]))
  return [...names].map(([name, isFolder]) => ({ name, isFolder }))
}

/** A reference that has a tag, or a digest. */
export function ref(host: string, rest: string): ImageRef {
  return parseImageRef(`${host}/${rest}`)
}

export function pinned(host: string, repository: string, digest: string): PinnedRef {
  return parseImageRef(`${host}/${repository}@${digest}`) as PinnedRef
}

/** What a promise was rejected with, which must be an Unavailable. */
export async function unavailable(promise: Promise<unknown>): Promise<Unavailable> {
  const outcome = await promise.then(
    value => new Error(`expected a rejection, got ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )
  if (outcome instanceof Unavailable) return outcome
  throw outcome
}
