/** Follows a folder of trust roots: what is good in it is in force a second later, and what is not leaves in force what was. */
import { type Clock, SYSTEM_CLOCK } from '#core/cluster/clock.ts'
import type { TrustRoots } from '#core/domain/trust-root.ts'
import { readContent, readStamp } from './folder-content.ts'
import { type CheckTrustRoot, type LoadedTrustRoots, parseTrustRoots } from './trust-roots.ts'

export type TrustRootListener = {
  /** Told of the first content of the folder, and of each that takes its place, as a whole. */
  readonly onTrustRoots: (now: LoadedTrustRoots) => void
  /** Told once of each content that cannot be taken, and of a folder that cannot be read. What is in force stays so. */
  readonly report: (error: unknown) => void
}

export type TrustRootFollower = {
  /** What is in force now: a new map each time the folder changes, which never changes itself. */
  readonly inForce: () => TrustRoots
  /** Ends it; when the promise resolves, no more is called. The process lives until then. */
  readonly close: () => Promise<void>
}

export type FollowOptions = {
  readonly everyMs?: number
  readonly clock?: Pick<Clock, 'sleep'>
  readonly check?: CheckTrustRoot
}

/** A few calls to the kernel for each file; the kubelet itself takes a minute to bring a changed ConfigMap. */
const EVERY_MS = 1000

/** Reads the folder, then looks whether it has changed until it is closed. Only the first reading can throw, and that is an InputError. */
export async function followTrustRoots(
  folder: string,
  { onTrustRoots, report }: TrustRootListener,
  { everyMs = EVERY_MS, clock = SYSTEM_CLOCK, check = () => {} }: FollowOptions = {},
): Promise<TrustRootFollower> {
  const changes = new Changes(folder, check)
  const first = await changes.first()
  let { roots } = first
  onTrustRoots(first)
  const ending = new AbortController()
  const look = async () => {
    try {
      const next = await changes.next()
      if (next === undefined || ending.signal.aborted) return
      roots = next.roots
      onTrustRoots(next)
    } catch (error) {
      if (!ending.signal.aborted) report(error)
    }
  }
  const follow = async () => {
    while (!ending.signal.aborted) {
      await clock.sleep(everyMs, ending.signal).catch(() => {})
      if (!ending.signal.aborted) await look()
    }
  }
  const ended = follow()
  const close = () => {
    ending.abort()
    return ended
  }
  return { inForce: () => roots, close }
}

/** Tells what is new in a folder, or wrong, each once. */
class Changes {
  readonly #folder: string
  readonly #check: CheckTrustRoot
  #stamp: string | undefined
  #digest: string | undefined
  /** Why the folder could not be read when it was last looked at. */
  #fault: string | undefined

  constructor(folder: string, check: CheckTrustRoot) {
    this.#folder = folder
    this.#check = check
  }

  async first(): Promise<LoadedTrustRoots> {
    // Before the bytes are read: what changes meanwhile is seen the next time.
    const stamp = await readStamp(this.#folder)
    const content = await readContent(this.#folder)
    const loaded = parseTrustRoots(content, this.#folder, this.#check)
    this.#stamp = stamp
    this.#digest = content.digest
    return loaded
  }

  /** The content, if it is another than before. Throws at content that cannot be taken, and at a folder that cannot be read. */
  async next(): Promise<LoadedTrustRoots | undefined> {
    const content = await this.#read()
    if (content === undefined || content.digest === this.#digest) return undefined
    this.#digest = content.digest
    return parseTrustRoots(content, this.#folder, this.#check)
  }

  /** What could not be read is tried again each time, and told again when the reason is another. */
  async #read() {
    try {
      const stamp = await readStamp(this.#folder)
      if (stamp === this.#stamp) return undefined
      const content = await readContent(this.#folder)
      this.#fault = undefined
      // Somebody is writing: half of this may be of what was, and half of what will be.
      if (stamp !== (await readStamp(this.#folder))) return undefined
      this.#stamp = stamp
      return content
    } catch (error) {
      this.#stamp = undefined
      const fault = error instanceof Error ? error.message : String(error)
      if (fault === this.#fault) return undefined
      this.#fault = fault
      throw error
    }
  }
}
