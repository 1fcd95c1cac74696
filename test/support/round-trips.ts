/** How often one request had to wait for another, read off the times at which a registry began and ended them. Pure. */

type Timed = { readonly beganMs: number; readonly endedMs?: number }

/**
 * The length of the longest chain of requests in which each began after the one before it had ended. Without latency a
 * request may be over before another one begins that never waited for it: then this is more than what was waited for.
 */
export function longestChain(requests: readonly Timed[]): number {
  const intervals = requests.map(({ beganMs, endedMs = Number.POSITIVE_INFINITY }) => ({ beganMs, endedMs }))
  let [links, overMs] = [0, Number.NEGATIVE_INFINITY]
  // What is over first leaves most room for the next, so it can always be the next link.
  for (const { beganMs, endedMs } of intervals.toSorted((a, b) => a.endedMs - b.endedMs)) {
    if (beganMs <= overMs) continue
    links++
    overMs = endedMs
  }
  return links
}
