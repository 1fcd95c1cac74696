/** The real registries: one that knows referrers, one that does not. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { buildPrograms } from './build.ts'
import { findFreePort } from './free-port.ts'
import type { Owner } from './owner.ts'
import { type Launch, type Running, startProgram } from './start-program.ts'
import { makeWorkFolder } from './work-folder.ts'

export type Registry = Running & {
  /** `127.0.0.1:PORT`, as it begins an image reference. It speaks plain HTTP. */
  readonly host: string
}

/** Starts olareg, which answers the referrers API. It stores in its folder and asks nobody who they are. `more` flags are its own. */
export async function startOlareg(owner: Owner, more: readonly string[] = []): Promise<Registry> {
  const { olareg: file } = await buildPrograms(['olareg'])
  const folder = await makeWorkFolder(owner, 'olareg')
  const port = await findFreePort()
  const store = ['--store-type=dir', `--dir=${join(folder, 'store')}`]
  const args = ['serve', '--addr=127.0.0.1', `--port=${port}`, ...store, ...more]
  return startRegistry(owner, { name: 'olareg', file, args, folder }, port)
}

export type Distribution = Registry & {
  /** Where it keeps its blobs: `docker/registry/v2/blobs/…`. */
  readonly store: string
}

/** Starts distribution, which answers 404 to the referrers API: clients fall back to a tag. `more` sections of its configuration are added. */
export async function startDistribution(owner: Owner, more: object = {}): Promise<Distribution> {
  const { distribution: file } = await buildPrograms(['distribution'])
  const folder = await makeWorkFolder(owner, 'distribution')
  const port = await findFreePort()
  const store = join(folder, 'store')
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: store }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
    ...more,
  }
  await writeFile(join(folder, 'config.yaml'), stringify(config))
  const launch = { name: 'distribution', file, args: ['serve', 'config.yaml'], folder }
  return { ...(await startRegistry(owner, launch, port)), store }
}

async function startRegistry(owner: Owner, launch: Omit<Launch, 'ready'>, port: number): Promise<Registry> {
  const host = `127.0.0.1:${port}`
  // One that wants to know who asks says so with a 401, and is ready.
  const ready = async (signal: AbortSignal) => {
    const { status } = await fetch(`http://${host}/v2/`, { signal })
    if (status >= 500) throw new Error(`expected an answer, found status ${status}`)
  }
  return { ...(await startProgram(owner, { ...launch, ready })), host }
}
