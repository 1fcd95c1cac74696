/** Waits for an effect by looking for it again and again; the one way in which anything here waits. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Short against every start-up time, long against the cost of one look. */
const PAUSE_MS = 25

/** What takes longer than this on an idle machine is broken; a busy machine gets the rest as slack. */
const PATIENCE_MS = 60_000

export type Patience = {
  readonly waitMs?: number
  /** Ends the waiting early, for a reason that makes more looking pointless. */
  readonly signal?: AbortSignal
}

/**
 * Looks until `look` returns something other than undefined, and returns that. A look that throws has not found it yet:
 * the last such error becomes the cause when time is up. The signal handed to `look` ends a look that hangs.
 */
export async function eventually<T>(
  what: string,
  look: (signal: AbortSignal) => Promise<T | undefined>,
  { waitMs = PATIENCE_MS, signal }: Patience = {},
): Promise<T> {
  const limit = new AbortController()
  const late = () => limit.abort(new Error(`expected ${what} within ${waitMs} ms, found nothing`))
  const timer = setTimeout(late, waitMs)
  const until = signal === undefined ? limit.signal : AbortSignal.any([limit.signal, signal])
  let last: Look<T> = {}
  try {
    while (!until.aborted) {
      last = await lookOnce(look, until, last)
      if (last.found !== undefined) return last.found
      await sleep(PAUSE_MS)
    }
  } finally {
    clearTimeout(timer)
  }
  const reason = until.reason as Error
  const seen = last.error
  throw new Error(seen instanceof Error ? `${reason.message}; last: ${seen.message}` : reason.message, { cause: seen })
}

type Look<T> = { readonly found?: T | undefined; readonly error?: unknown }

async function lookOnce<T>(
  look: (signal: AbortSignal) => Promise<T | undefined>,
  until: AbortSignal,
  last: Look<T>,
): Promise<Look<T>> {
  try {
    return { ...last, found: await look(until) }
  } catch (error) {
    // Cut off by the limit, a look says nothing that an earlier one has not said better.
    return until.aborted ? last : { error }
  }
}
