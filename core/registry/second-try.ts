/** Whether asking once more may help, and when. Pure. */
import type { Refusal } from '#core/domain/refusal.ts'
import { isReset } from './failure.ts'

/** What a host said, as far as it matters here. */
export type Said = {
  readonly kind: 'answer'
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
}

/** What became of one try. */
export type Outcome<A> = { readonly said: A | Refusal } | { readonly error: unknown }

/** `soon`: after a moment. `later`: when the pause is over that was asked for. */
export type SecondTry = 'never' | 'at once' | 'soon' | 'later'

/** What proxies say when whoever is behind them does not. */
export const PASSING = [502, 503, 504]

/** `isStale`: whether an error means nothing but that a kept connection was closed meanwhile. */
export function secondTryOf(
  outcome: Outcome<Said>,
  { isIdempotent, isStale }: { readonly isIdempotent: boolean; readonly isStale: (error: unknown) => boolean },
): SecondTry {
  if ('error' in outcome) {
    // Nothing of it was read by anyone: a kept-alive connection may be closed at any moment (RFC 9112 section 9.3.1).
    if (isStale(outcome.error)) return 'at once'
    return isIdempotent && isReset(outcome.error) ? 'soon' : 'never'
  }
  if (outcome.said.kind === 'refusal' || !isIdempotent) return 'never'
  const { status } = outcome.said
  // 429 without a time is not among them: to ask again is what it asked us not to do.
  if (isPause(outcome.said)) return outcome.said.headers.has('retry-after') ? 'later' : 'never'
  return PASSING.includes(status) ? 'soon' : 'never'
}

/** Whether it asks to be left alone for a while. */
export function isPause({ status, headers }: Said): boolean {
  return status === 429 || (status === 503 && headers.has('retry-after'))
}
