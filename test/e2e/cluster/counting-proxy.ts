/** Stands between a client and the API server, passes every byte on, counts the connections and can break them. */
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { ControlPlane } from '#test/stack/control-plane.ts'
import type { Owner } from '#test/stack/owner.ts'
import { makeWorkFolder } from '#test/stack/work-folder.ts'

export type CountingProxy = {
  /** Like that of the control plane, with the proxy as the API server. */
  readonly kubeconfig: string
  readonly connections: () => number
  readonly breakAll: () => void
}

/** TLS goes through it untouched: what it counts are TLS connections to the API server. */
export async function makeCountingProxy(owner: Owner, plane: ControlPlane): Promise<CountingProxy> {
  const open = new Set<Socket>()
  let count = 0
  const { hostname, port } = new URL(plane.url)
  const server = createServer(near => {
    count++
    const far = connect(Number(port), hostname)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  const breakAll = () => {
    for (const socket of open) socket.destroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  owner.teardown(async () => {
    server.close()
    breakAll()
  })
  const folder = await makeWorkFolder(owner, 'proxy')
  const kubeconfig = join(folder, 'kubeconfig')
  const own = await readFile(plane.kubeconfig, 'utf8')
  await writeFile(kubeconfig, own.replace(plane.url, `https://127.0.0.1:${(server.address() as AddressInfo).port}`))
  return { kubeconfig, connections: () => count, breakAll }
}
