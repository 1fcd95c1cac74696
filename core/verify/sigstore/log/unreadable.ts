/** What is said of log data that cannot be read. */
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { LimitError } from '#core/json/limit-error.ts'

/** The refusal that a decoder's error amounts to; whatever else was thrown is our bug, stays one, and is thrown again. */
export function refusalOfUnreadable(error: unknown): Refusal {
  if (error instanceof LimitError) return refusal('limit.exceeded', error.message)
  if (error instanceof InputError) return refusal('log.invalid', error.message)
  throw error
}
