/** A thread that asks for a warm admission at an even pace, whether the last was answered or not, until it is told to stop; then it tells all it saw. */
import { once } from 'node:events'
import { setInterval } from 'node:timers'
import { parentPort, workerData } from 'node:worker_threads'
import { Agent } from 'undici'
import { sendReview } from './stage.ts'

export type Pace = { readonly port: number; readonly ca: string; readonly body: string; readonly perSecond: number }

/** `atMs` is a time of day, which is the same in every thread. */
export type Asked = { readonly atMs: number; readonly ms: number; readonly allowed: boolean }

/** As an API server has them when it has been busy for a while: nobody waits for a handshake. */
const CONNECTIONS = 32

const starter = parentPort
if (starter === null) throw new Error('expected to be started as a thread')
const { port, ca, body, perSecond } = workerData as Pace
const tls = new Agent({ connect: { ca }, connections: CONNECTIONS })

const ask = async (): Promise<Asked> => {
  const atMs = performance.timeOrigin + performance.now()
  const { allowed, ms } = await sendReview(port, body, tls)
  return { atMs, ms, allowed }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
const tell = (what: unknown) => starter.postMessage(what)

await Promise.all(Array.from({ length: CONNECTIONS }, ask))
const asked: Promise<Asked>[] = []
const pace = setInterval(() => asked.push(ask()), 1000 / perSecond)
tell('begun')
await once(starter, 'message')
clearInterval(pace)
tell(await Promise.all(asked))
await tls.close()
