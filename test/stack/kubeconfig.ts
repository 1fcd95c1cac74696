/** Kubeconfig files of one cluster and one user. */
import { writeFile } from 'node:fs/promises'
import { stringify } from 'yaml'
import type { Pair } from './authority.ts'

/** Writes a file by which clients find the server, trust `ca` and are `user`. */
export async function writeKubeconfig(file: string, server: string, ca: string, user: Pair): Promise<void> {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const credentials = { 'client-certificate-data': base64(user.cert), 'client-key-data': base64(user.key) }
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'stack',
    contexts: [{ name: 'stack', context: { cluster: 'stack', user: 'stack' } }],
    clusters: [{ name: 'stack', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'stack', user: credentials }],
  }
  await writeFile(file, stringify(kubeconfig), { mode: 0o600 })
}
