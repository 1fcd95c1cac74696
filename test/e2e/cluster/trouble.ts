/** Trouble for a real API server: stopped, continued, killed without warning, and started again at the same address. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { request } from 'undici'
import type { ControlPlane } from '#test/stack/control-plane.ts'
import { eventually } from '#test/stack/eventually.ts'
import type { Owner } from '#test/stack/owner.ts'
import { startProgram } from '#test/stack/start-program.ts'

export type Trouble = {
  /** It keeps its connections and answers nothing. */
  readonly pause: () => Promise<void>
  readonly resume: () => void
  /** SIGKILL: no farewell to anybody. */
  readonly kill: () => Promise<void>
  readonly start: () => Promise<void>
  /** Makes etcd forget every version before now. */
  readonly compact: () => Promise<void>
}

/** Reads from the running processes how they were started, and does the same again. */
export async function makeTrouble(owner: Owner, { apiServer, ask }: ControlPlane): Promise<Trouble> {
  const [, , file = '', ...args] = await argumentsOf(apiServer.pid)
  const etcd = args.find(one => one.startsWith('--etcd-servers='))?.split('=')[1] ?? ''
  const folder = dirname(apiServer.logFile)
  const isReady = async () => {
    const { status } = await ask('GET', '/readyz')
    if (status !== 200) throw new Error(`expected 200, found ${status}`)
  }
  let pid = await programUnder(apiServer.pid, file)
  // Nothing else would wake it, and the supervisor waits for it.
  owner.teardown(async () => signal(pid, 'SIGCONT'))
  return {
    async pause() {
      signal(pid, 'SIGSTOP')
      await eventually('all its threads to stop', async () => ((await isStopped(pid)) ? true : undefined))
    },
    resume: () => signal(pid, 'SIGCONT'),
    async kill() {
      signal(pid, 'SIGKILL')
      // Its port is free when the last of its threads has ended, and its supervisor has buried it.
      await eventually('its end', async () => (existsSync(`/proc/${pid}`) ? undefined : true))
    },
    async start() {
      const running = await startProgram(owner, { name: 'kube-apiserver', file, args, folder, ready: isReady })
      pid = await programUnder(running.pid, file)
    },
    async compact() {
      const revision = await etcdCall(etcd, 'kv/range', { key: 'AA==' })
      await etcdCall(etcd, 'kv/compaction', { revision: revision.header.revision, physical: true })
    },
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function isStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`)
  const states = await Promise.all(threads.map(thread => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8')))
  return states.every(state => state.includes(') T '))
}

async function argumentsOf(pid: number): Promise<readonly string[]> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1)
}

/** The program itself, which is a child of its supervisor. */
async function programUnder(pid: number, file: string): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').map(Number)
  for (const child of children) if ((await argumentsOf(child))[0] === file) return child
  throw new Error(`expected ${file} among the children of ${pid}, found it not`)
}

async function etcdCall(url: string, call: string, body: unknown): Promise<{ header: { revision: string } }> {
  const answer = await request(`${url}/v3/${call}`, { method: 'POST', body: JSON.stringify(body) })
  if (answer.statusCode !== 200) throw new Error(`${call}: ${answer.statusCode} ${await answer.body.text()}`)
  return (await answer.body.json()) as { header: { revision: string } }
}
