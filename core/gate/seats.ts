/** How many images are looked up at the same time in all of this process, and how many of them for one namespace. */

/** Does the work once there is a seat for whoever it is for; rejects with the reason of the signal if that comes first. */
export type Seats = <T>(who: string, work: () => Promise<T>, signal: AbortSignal) => Promise<T>

/** docs/limits.md says what one may cost: with so many, and few of them large, a process of one GiB holds them. */
export const LOOKUPS = 64

/** As many as the images of one Pod. Whoever names hosts that never answer fills a quarter, and the others have theirs. */
export const LOOKUPS_EACH = 16

type Waiting = { readonly who: string; readonly sit: () => void }

/** Makes them: first come, first served, but whoever has all of his waits while others are let in. */
export function makeSeats({ most, mostEach } = { most: LOOKUPS, mostEach: LOOKUPS_EACH }): Seats {
  const taken = new Map<string, number>()
  const waiting = new Set<Waiting>()
  let free = most
  const takenBy = (who: string) => taken.get(who) ?? 0
  const isFreeFor = (who: string) => free > 0 && takenBy(who) < mostEach
  const take = (who: string) => {
    free--
    taken.set(who, takenBy(who) + 1)
  }
  const leave = (who: string) => {
    free++
    if (takenBy(who) === 1) taken.delete(who)
    else taken.set(who, takenBy(who) - 1)
    const next = waiting.values().find(one => isFreeFor(one.who))
    if (next === undefined) return
    waiting.delete(next)
    take(next.who)
    next.sit()
  }
  const wait = async (who: string, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const one = { who, sit: resolve }
    waiting.add(one)
    const giveUp = () => {
      // Whoever was just let in sits, and leaves again in the ordinary way.
      if (waiting.delete(one)) reject(signal.reason)
    }
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }
  return async (who, work, signal) => {
    if (isFreeFor(who)) take(who)
    else await wait(who, signal)
    try {
      return await work()
    } finally {
      leave(who)
    }
  }
}
