/** What is said of something signed that cannot be decoded. */
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { LimitError } from '#core/json/limit-error.ts'
import { UnreadablePart } from './unreadable-part.ts'

/**
 * The refusal that a decoder's error amounts to: hostile bytes are no error of whoever called us. Whatever else was
 * thrown is our bug, stays one, and is thrown again.
 */
export function refusalOfUndecodable(error: unknown): Refusal {
  if (error instanceof LimitError) return refusal('limit.exceeded', error.message)
  if (error instanceof UnreadablePart) return refusal(error.code, error.message)
  if (error instanceof InputError) return refusal('signature.invalid', error.message)
  throw error
}
