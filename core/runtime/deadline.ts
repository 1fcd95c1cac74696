/** One limit of time from the border to the socket: a signal that aborts with an Unavailable, and lets go of its timer. */
import { Unavailable } from '#core/domain/unavailable.ts'
import { endOf, setEnd } from './time-left.ts'

export type Deadline = Disposable & {
  readonly signal: AbortSignal
  /** Ends the work before its time: whoever asked is gone. */
  readonly hangUp: () => void
}

/**
 * Starts a deadline of `ms`; dispose of it when the work is done. `parent` is the caller's own signal: when the caller
 * hangs up, the work ends for the same kind of reason as when the time runs out, so one `catch` serves both.
 *
 * Not AbortSignal.timeout(): its timer does not hold the process, and no test can move its clock.
 */
export function deadline(ms: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController()
  const timer = setTimeout(() => {
    controller.abort(new Unavailable('deadline.exceeded', `expected an answer within ${ms} ms, got none`))
  }, ms)
  const end = Math.min(performance.now() + ms, parent === undefined ? Number.POSITIVE_INFINITY : endOf(parent))
  setEnd(controller.signal, () => end)
  const hangUp = () => controller.abort(hungUp(parent?.reason))
  if (parent?.aborted) hangUp()
  else parent?.addEventListener('abort', hangUp, { once: true })
  return {
    signal: controller.signal,
    hangUp,
    [Symbol.dispose]() {
      clearTimeout(timer)
      parent?.removeEventListener('abort', hangUp)
    },
  }
}

/**
 * The outcome of `work`, which is expected to end soon after `signal` aborts; work that does not is left behind
 * `graceMs` later, and the reason of the signal is thrown in its stead.
 */
export async function orGiveUp<T>(work: Promise<T>, signal: AbortSignal, graceMs: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  const startGrace = () => {
    timer = setTimeout(() => late.reject(signal.reason), graceMs)
  }
  if (signal.aborted) startGrace()
  else signal.addEventListener('abort', startGrace, { once: true })
  try {
    return await Promise.race([work, late.promise])
  } finally {
    signal.removeEventListener('abort', startGrace)
    clearTimeout(timer)
  }
}

function hungUp(reason: unknown): Unavailable {
  if (reason instanceof Unavailable) return reason
  return new Unavailable('deadline.exceeded', 'the caller hung up before there was an answer', { cause: reason })
}
