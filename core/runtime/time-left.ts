/** How much time a signal leaves: an AbortSignal says that time is up, and cannot say beforehand when that will be. */

/** By signal; in milliseconds of `performance.now()`. */
const ends = new WeakMap<AbortSignal, () => number>()

/** Milliseconds until the signal aborts for lack of time; Infinity for one that nobody has said it of. */
export function timeLeft(signal: AbortSignal): number {
  if (signal.aborted) return 0
  return Math.max(0, endOf(signal) - performance.now())
}

/** When the signal will abort for lack of time, in milliseconds of `performance.now()`; Infinity where that is not known. */
export function endOf(signal: AbortSignal): number {
  return ends.get(signal)?.() ?? Number.POSITIVE_INFINITY
}

/** Says when the signal will abort for lack of time; asked anew each time, because whoever waits can change. */
export function setEnd(signal: AbortSignal, end: () => number): void {
  ends.set(signal, end)
}

/** A signal that aborts with the first of these, and leaves as much time as the one that leaves least. */
export function firstOf(signals: readonly AbortSignal[]): AbortSignal {
  const first = AbortSignal.any([...signals])
  setEnd(first, () => Math.min(...signals.map(endOf)))
  return first
}
