/** The real registries: one that knows referrers, one that does not. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { buildPrograms } from './build.ts'
import { expectAnswer } from './expect-answer.ts'
import { findFreePort } from './free-port.ts'
import type { Owner } from './owner.ts'
import { type Launch, type Running, startProgram } from './start-program.ts'
import { makeWorkFolder } from './work-folder.ts'

export type Registry = Running & {
  /** `127.0.0.1:PORT`, as it begins an image reference. It speaks plain HTTP. */
  readonly host: string
}

/** Starts olareg, which answers the referrers API. It stores in its folder and asks nobody who they are. */
export async function startOlareg(owner: Owner): Promise<Registry> {
  const { olareg: file } = await buildPrograms(['olareg'])
  const folder = await makeWorkFolder(owner, 'olareg')
  const port = await findFreePort()
  const args = ['serve', '--addr=127.0.0.1', `--port=${port}`, '--store-type=dir', `--dir=${join(folder, 'store')}`]
  return startRegistry(owner, { name: 'olareg', file, args, folder }, port)
}

/** Starts distribution, which answers 404 to the referrers API: clients fall back to a tag. */
export async function startDistribution(owner: Owner): Promise<Registry> {
  const { distribution: file } = await buildPrograms(['distribution'])
  const folder = await makeWorkFolder(owner, 'distribution')
  const port = await findFreePort()
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(folder, 'store') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
  }
  await writeFile(join(folder, 'config.yaml'), stringify(config))
  return startRegistry(owner, { name: 'distribution', file, args: ['serve', 'config.yaml'], folder }, port)
}

async function startRegistry(owner: Owner, launch: Omit<Launch, 'ready'>, port: number): Promise<Registry> {
  const host = `127.0.0.1:${port}`
  const ready = (signal: AbortSignal) => expectAnswer(`http://${host}/v2/`, signal)
  return { ...(await startProgram(owner, { ...launch, ready })), host }
}
