/** Memory for what registries send: a little for everyone, and much for a few at a time. */

/** Bytes that one look at an image may read before it needs a place among the few. An image with ten signatures has 100 KiB. */
export const FREE_BYTES = 128 * 1024

/** Looks at images that may read more than that, up to all that is allowed. */
export const LARGE_LOOKS = 4

/** What one look reads, all of its requests together. */
export type Share = {
  /** Resolves when so many bytes more may be held, or is undefined where they may at once; rejects with the reason of the signal if that comes first. */
  readonly take: (bytes: number, signal: AbortSignal) => Promise<void> | undefined
  /** Gives up the place among the few. What was read may be held on to no longer. */
  readonly end: () => void
}

export type Room = () => Share

/** Makes the room of one process; `large` looks at most read more than `freeBytes`. One look takes one place, so none waits for another in a ring. */
export function makeRoom({ freeBytes, large } = { freeBytes: FREE_BYTES, large: LARGE_LOOKS }): Room {
  const waiting = new Set<() => void>()
  let free = large
  const leave = () => {
    const [next] = waiting
    if (next === undefined) free++
    else {
      waiting.delete(next)
      next()
    }
  }
  const sit = (signal: AbortSignal): Promise<void> => {
    if (free > 0) {
      free--
      return Promise.resolve()
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const next = () => {
      signal.removeEventListener('abort', giveUp)
      resolve()
    }
    const giveUp = () => {
      waiting.delete(next)
      reject(signal.reason)
    }
    signal.addEventListener('abort', giveUp, { once: true })
    waiting.add(next)
    return promise
  }
  return () => {
    let bytes = 0
    let seated: Promise<void> | undefined
    let isEnded = false
    const seat = (signal: AbortSignal): Promise<void> => {
      seated ??= sit(signal).catch((error: unknown) => {
        seated = undefined
        throw error
      })
      return seated
    }
    const waitForSeat = async (signal: AbortSignal): Promise<void> => {
      if (isEnded) return
      try {
        await seat(signal)
      } catch (error) {
        if (signal.aborted) throw error
        // It was another's signal: who waits first waits for all requests of this look.
        await waitForSeat(signal)
      }
    }
    return {
      take: (more, signal) => {
        bytes += more
        return bytes > freeBytes ? waitForSeat(signal) : undefined
      },
      end: () => {
        if (isEnded) return
        isEnded = true
        // Whoever still waits for a place leaves it as soon as he has it.
        void seated?.then(leave, () => {})
      },
    }
  }
}
