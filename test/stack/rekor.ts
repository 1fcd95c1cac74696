/** The two generations of Rekor. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeKeyPair } from './authority.ts'
import { buildPrograms } from './build.ts'
import { expectAnswer } from './expect-answer.ts'
import { findFreePort } from './free-port.ts'
import type { Owner } from './owner.ts'
import { type Running, startProgram } from './start-program.ts'
import { makeWorkFolder } from './work-folder.ts'

export type Rekor = Running & { readonly url: string; readonly publicKeyFile: string }

/** Starts a Rekor v1, which answers with a promise (SET), an inclusion proof and a time. It forgets all when it stops. */
export function startRekor1(owner: Owner): Promise<Rekor> {
  return startRekor(owner, 'rekor1', '/api/v1/log', (port, folder) => [
    `-port=${port}`,
    '-hostname=127.0.0.1',
    `-key=${join(folder, 'key.pem')}`,
  ])
}

/** Starts a Rekor v2, a log of tiles: an inclusion proof and no time of its own, so it needs a timestamp authority beside it. */
export async function startRekor2(owner: Owner): Promise<Rekor> {
  const [grpcPort, metricsPort] = [await findFreePort(), await findFreePort()]
  return startRekor(owner, 'rekor2', '/healthz', (port, folder) => [
    'serve',
    '--http-address=127.0.0.1',
    `--http-port=${port}`,
    '--grpc-address=127.0.0.1',
    `--grpc-port=${grpcPort}`,
    `--http-metrics-port=${metricsPort}`,
    // Verifiers compare the origin of a checkpoint with the host of the log's URL.
    '--hostname=127.0.0.1',
    `--storage-dir=${join(folder, 'log')}`,
    `--signer-filepath=${join(folder, 'key.pem')}`,
    // An entry is answered once a checkpoint covers it: the defaults are for a log with company.
    '--batch-max-age=50ms',
    '--checkpoint-interval=200ms',
  ])
}

async function startRekor(
  owner: Owner,
  name: 'rekor1' | 'rekor2',
  probe: string,
  argumentsFor: (port: number, folder: string) => readonly string[],
): Promise<Rekor> {
  const { [name]: file } = await buildPrograms([name])
  const folder = await makeWorkFolder(owner, name)
  const key = await makeKeyPair()
  const publicKeyFile = join(folder, 'key.pub')
  await writeFile(publicKeyFile, key.publicKey)
  await writeFile(join(folder, 'key.pem'), key.privateKey)
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const ready = (signal: AbortSignal) => expectAnswer(`${url}${probe}`, signal)
  const running = await startProgram(owner, { name, file, args: argumentsFor(port, folder), folder, ready })
  return { ...running, url, publicKeyFile }
}
