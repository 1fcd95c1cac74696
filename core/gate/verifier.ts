/** Verifies on the event loop what is quick and alone, and off it what is large, or what many wait for. */
import { availableParallelism } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { Piscina } from 'piscina'
import type { Artefact } from '#core/domain/artefact.ts'
import type { Demand } from '#core/domain/demand.ts'
import type { Proof } from '#core/domain/proof.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { type Sight, UNSEEN } from '#core/runtime/sight.ts'
import { isSlow } from '#core/verify/sigstore/key.ts'
import { verifyArtefact } from '#core/verify/sigstore/verify-artefact.ts'
import type { Verify } from './prove.ts'
import { packTrust } from './trust-parcel.ts'
import { verify as verifyInThread } from './verify-worker.ts'

export type Verifier = {
  readonly verify: Verify
  /** How many artefacts wait for a thread. */
  readonly queued: () => number
  readonly close: () => Promise<void>
}

export type VerifierOptions = {
  readonly now: () => Date
  /** Threads at most; they start when they are needed, and end when they are not. One for each core but the event loop's, if left out. */
  readonly threads?: number
  /** Told what was verified where, and how long it took. */
  readonly sight?: Pick<Sight, 'verify'>
}

/** Reading as much JSON takes 10 ms in its worst shape; a keyless signature's bundle has half of it. */
const MOST_BYTES = 16 * 1024

/** With as many certificates, entries and timestamps to check in turn, whoever comes next waits 10 ms; to start a thread takes ten times that. */
const FEW = 3

/** Once there is a thread, one that is alone is done sooner here; all others leave the event loop to whoever needs nothing verified. */
const ALONE = 1

const IDLE_MS = 30_000

/** More than wait at any time: sixteen images of each review look up three places each. */
const MOST_QUEUED = 10_000

/** Makes one. No thread is started before something is worth one. */
export function makeVerifier({
  now,
  threads = Math.max(1, availableParallelism() - 1),
  sight = UNSEEN,
}: VerifierOptions): Verifier {
  let pool: Piscina | undefined
  let underWay = 0
  const openPool = () =>
    (pool ??= new Piscina({
      filename: new URL('verify-worker.ts', import.meta.url).href,
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: IDLE_MS,
      maxQueue: MOST_QUEUED,
      // The environment holds secrets, and what is verified needs none of it.
      env: {},
      execArgv: [],
    }))
  const here: Verify = async (artefact, { digest, demands, trust }, signal) => {
    const answers: (Proof | Refusal)[] = []
    for (const demand of demands) {
      // One artefact may be asked about by sixty authorities: others have their turn between any two.
      await setImmediate()
      signal.throwIfAborted()
      answers.push(verifyArtefact(artefact, digest, demand, { trust, now: now() }))
    }
    return answers
  }
  const elsewhere: Verify = async (artefact, { digest, demands, trust }, signal) => {
    const job = { artefact, digest, demands, trust: packTrust(trust), now: now() }
    try {
      return (await openPool().run(job, { name: verifyInThread.name, signal })) as readonly (Proof | Refusal)[]
    } catch (error) {
      signal.throwIfAborted()
      throw error
    }
  }
  const most = () => (pool === undefined || pool.threads.length === 0 ? FEW : ALONE)
  const verify: Verify = async (artefact, question, signal) => {
    const evidence = isDear(question.demands) ? 'witnessed' : 'key'
    const inThread = () => sight.verify(evidence, 'thread', () => elsewhere(artefact, question, signal))
    const inline = () => sight.verify(evidence, 'inline', () => here(artefact, question, signal))
    // What is large is not counted: a small one is not to wait until several of these have been read.
    if (sizeOf(artefact) > MOST_BYTES || question.demands.some(isSlowKey)) return inThread()
    if (evidence === 'key') return inline()
    underWay++
    try {
      return await (underWay > most() ? inThread() : inline())
    } finally {
      underWay--
    }
  }
  return { verify, queued: () => pool?.queueSize ?? 0, close: async () => pool?.destroy() }
}

/** A signature by a key takes a tenth of a millisecond; certificates and witnesses take some. */
function isDear(demands: readonly Demand[]): boolean {
  return demands.some(({ by, log, timestamp }) => by.kind === 'keyless' || log !== undefined || timestamp !== undefined)
}

function isSlowKey({ by }: Demand): boolean {
  return by.kind === 'key' && isSlow(by.key)
}

function sizeOf(artefact: Artefact): number {
  if (artefact.layout === 'bundle') return artefact.bytes.byteLength
  const { certificate = '', chain = '', bundle = '', timestamp = '' } = artefact.annotations
  const content = artefact.layout === 'attachment' ? artefact.bytes : artefact.payload
  return content.byteLength + certificate.length + chain.length + bundle.length + timestamp.length
}
