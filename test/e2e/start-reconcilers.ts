/** Starts the reconcilers for a suite, as the ServiceAccount that they have in a cluster. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ControlPlane } from '../stack/control-plane.ts'
import { expectAnswer } from '../stack/expect-answer.ts'
import type { Owner } from '../stack/owner.ts'
import { type Running, startProgram } from '../stack/start-program.ts'
import { makeWorkFolder } from '../stack/work-folder.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'reconcilers', 'main.ts')

export type Reconcilers = Running & {
  /** What it answers on its port. */
  readonly ops: (path: string) => Promise<string>
}

/** Starts one replica; it is ready when it has seen all policies. */
export async function startReconcilers(owner: Owner, kubeconfig: string): Promise<Reconcilers> {
  const folder = await makeWorkFolder(owner, 'reconcilers')
  const url = async () => `http://127.0.0.1:${await portOf(join(folder, 'reconcilers.log'))}`
  const ready = async (signal: AbortSignal) => expectAnswer(`${await url()}/readyz`, signal)
  const env = { SHEDU_OPS_PORT: '0', SHEDU_KUBECONFIG: kubeconfig }
  const launch = { name: 'reconcilers', file: process.execPath, args: [MAIN], env, folder, ready }
  const running = await startProgram(owner, launch)
  const ops = async (path: string) => (await fetch(`${await url()}${path}`)).text()
  return { ...running, ops }
}

async function portOf(file: string): Promise<number> {
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1)
  const listening = lines.map(line => JSON.parse(line)).find(event => event.msg === 'listening')
  if (listening === undefined) throw new Error('expected the reconcilers to say their port, found nothing yet')
  return listening.opsPort
}

/** Writes a kubeconfig with a token of this ServiceAccount of shedu-system. */
export async function writeTokenKubeconfig(owner: Owner, plane: ControlPlane, account: string): Promise<string> {
  const { stdout } = await plane.kubectl(['create', 'token', account, '--namespace=shedu-system'])
  const file = join(await makeWorkFolder(owner, account), 'kubeconfig')
  const cluster = { server: plane.url, 'certificate-authority-data': Buffer.from(plane.ca).toString('base64') }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'stack', cluster }],
    users: [{ name: account, user: { token: stdout.trim() } }],
    contexts: [{ name: 'main', context: { cluster: 'stack', user: account } }],
    'current-context': 'main',
  }
  await writeFile(file, JSON.stringify(config), { mode: 0o600 })
  return file
}
