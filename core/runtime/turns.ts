/** At most so many at the same time, first come, first served. */

export type Turns = <T>(work: () => Promise<T>) => Promise<T>

/** Makes a queue that lets `most` pieces of work run at once. */
export function makeTurns(most: number): Turns {
  const waiting: (() => void)[] = []
  let free = most
  return async work => {
    if (free > 0) free--
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }
}
