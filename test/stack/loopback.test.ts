import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startControlPlane } from './control-plane.ts'
import { startDistribution, startOlareg } from './registries.ts'
import { startSigstore } from './sigstore.ts'

t.setTimeout(120_000)

/** 127.0.0.1, ::1 and ::ffff:127.0.0.1 as the kernel of a little-endian machine writes them. */
const LOOPBACK = ['0100007F', '00000000000000000000000001000000', '0000000000000000FFFF00000100007F']

const LISTENING = '0A'

/** Socket → address, for every socket on which anyone on this machine listens. */
async function listListeners(): Promise<ReadonlyMap<string, string>> {
  const tables = await Promise.all(['tcp', 'tcp6'].map(name => readFile(`/proc/net/${name}`, 'utf8')))
  const rows = tables.flatMap(table => table.trim().split('\n').slice(1)).map(row => row.trim().split(/\s+/))
  const listening = rows.filter(([, , , state]) => state === LISTENING)
  return new Map(listening.map(([, address = '', , , , , , , , socket = '']) => [`socket:[${socket}]`, address]))
}

/** Every process of the group that the supervisor leads. */
function groupOf(leader: number): readonly string[] {
  const { stdout } = spawnSync('ps', ['-e', '-o', 'pid=,pgid='], { encoding: 'utf8' })
  const processes = stdout
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/))
  return processes.flatMap(([pid = '', group]) => (group === String(leader) ? [pid] : []))
}

async function socketsOf(pid: string): Promise<readonly string[]> {
  const folder = join('/proc', pid, 'fd')
  const descriptors = await readdir(folder).catch(() => [])
  return Promise.all(descriptors.map(name => readlink(join(folder, name)).catch(() => '')))
}

t.test('all programs run side by side, and nobody else can reach them', async t => {
  if (!existsSync('/proc/net/tcp')) return t.comment('this system does not say who listens')
  const [plane, sigstore, olareg, distribution] = await Promise.all([
    startControlPlane(t),
    startSigstore(t),
    startOlareg(t),
    startDistribution(t),
  ])
  const { etcd, apiServer, controllerManager } = plane
  const { fulcio, ctLog, rekor1, rekor2, timestampAuthority } = sigstore
  const silent = { controllerManager }
  const serving = { etcd, apiServer, fulcio, ctLog, rekor1, rekor2, timestampAuthority, olareg, distribution }
  const listeners = await listListeners()
  for (const [name, { pid }] of Object.entries({ ...serving, ...silent })) {
    const sockets = (await Promise.all(groupOf(pid).map(socketsOf))).flat()
    const addresses = sockets.flatMap(socket => listeners.get(socket) ?? [])
    const beyond = addresses.filter(address => !LOOPBACK.includes(address.split(':')[0] ?? ''))
    t.strictSame(beyond, [], `${name} listens beyond the loopback address`)
    t.equal(addresses.length > 0, name in serving, `${name}: ${addresses.length} listeners`)
  }
})
