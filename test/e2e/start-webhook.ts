/** Starts the webhook program for a suite that puts it before a real API server. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../stack/eventually.ts'
import { expectAnswer } from '../stack/expect-answer.ts'
import type { Owner } from '../stack/owner.ts'
import { type Running, startProgram } from '../stack/start-program.ts'
import { makeWorkFolder } from '../stack/work-folder.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'webhook', 'main.ts')

type Event = Readonly<Record<string, unknown>>

export type Webhook = Running & {
  readonly url: string
  /** PEM of the authority that it issued its certificate with: the caBundle of a webhook configuration. */
  readonly ca: string
  /** What it has decided in a namespace, once there are so many decisions: the log comes a moment after the answer. */
  readonly decisions: (namespace: string, count: number) => Promise<readonly Event[]>
}

/** Starts it with these policies; it speaks plain HTTP to the registries at `hosts`, and only to them. */
export async function startWebhook(
  owner: Owner,
  hosts: readonly string[],
  policies: readonly object[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Webhook> {
  const folder = await makeWorkFolder(owner, 'webhook')
  const path = (name: string) => join(folder, name)
  await mkdir(path('policies'))
  for (const [n, policy] of policies.entries()) await writeFile(path(`policies/${n}.json`), JSON.stringify(policy))
  const registries = hosts.map(host => ({ host, plainHttp: true }))
  await writeFile(path('registries.json'), JSON.stringify({ registries }))
  const env = {
    SHEDU_PORT: '0',
    SHEDU_OPS_PORT: '0',
    SHEDU_DRAIN_MS: '0',
    SHEDU_POLICIES_DIR: path('policies'),
    SHEDU_REGISTRIES_FILE: path('registries.json'),
    SHEDU_TLS_CA_OUT: path('ca.pem'),
    ...settings,
  }
  const events = () => readEvents(path('webhook.log'))
  const ready = async (signal: AbortSignal) =>
    expectAnswer(`http://127.0.0.1:${(await portsOf(events)).opsPort}/readyz`, signal)
  const launch = { name: 'webhook', file: process.execPath, args: [MAIN], env, folder, ready }
  const running = await startProgram(owner, launch)
  const { port } = await portsOf(events)
  const decisions: Webhook['decisions'] = (namespace, count) =>
    eventually(`${count} decisions`, async () => {
      const decided = (await events()).filter(event => event['namespace'] === namespace)
      return decided.length < count ? undefined : decided
    })
  return { ...running, url: `https://127.0.0.1:${port}`, ca: await readFile(path('ca.pem'), 'utf8'), decisions }
}

async function readEvents(file: string): Promise<readonly Event[]> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  // The last piece is empty, or a line that is still being written.
  return lines.slice(0, -1).flatMap(line => (line.startsWith('{') ? [JSON.parse(line)] : []))
}

async function portsOf(events: () => Promise<readonly Event[]>): Promise<Readonly<Record<'port' | 'opsPort', number>>> {
  const listening = (await events()).find(event => event['msg'] === 'listening')
  if (listening === undefined) throw new Error('expected the webhook to say its ports, found nothing yet')
  return { port: Number(listening['port']), opsPort: Number(listening['opsPort']) }
}
