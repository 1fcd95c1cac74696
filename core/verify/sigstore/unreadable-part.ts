/** Says which part of what comes along with a signature cannot be read: a damaged log entry is no damaged signature. */
import { InputError } from '#core/domain/input-error.ts'
import type { RefusalCode } from '#core/domain/refusal.ts'
import { LimitError } from '#core/json/limit-error.ts'

type Code = Extract<RefusalCode, 'certificate.invalid' | 'log.invalid' | 'time.invalid'>

/** An InputError that knows what it is to be called. */
export class UnreadablePart extends InputError {
  readonly code: Code

  constructor(code: Code, cause: InputError) {
    super(cause.message, { cause })
    this.code = code
  }
}

/** What `decode` gives; its InputErrors are called by this code, but for a LimitError, which has one of its own. */
export function decodePart<T>(code: Code, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (error instanceof InputError && !(error instanceof LimitError)) throw new UnreadablePart(code, error)
    throw error
  }
}
