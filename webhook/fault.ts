/** What is said when there is no verdict: the question could not be read, nobody was there to answer it, or we failed. Pure. */
import { InputError } from '#core/domain/input-error.ts'
import { CODES, type Code } from '#core/domain/refusal.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { ReviewStatus } from './admission-review.ts'
import type { Answer } from './answer.ts'
import { plain } from './explain.ts'
import { annotations } from './respond.ts'

const NOT_READY = {
  'no policies are loaded':
    'Shedu has not loaded its policies yet, and admits nothing until it has\n  to fix: try again in a moment',
  'too much is held':
    'more is being asked of Shedu at one time than it holds, and nothing is admitted unread\n  to fix: try again in a moment',
} as const

/** Thrown while a review cannot be looked at, whatever is in it. */
export class NotReady extends Error {
  override readonly name = 'NotReady'
  readonly words: string

  constructor(why: keyof typeof NOT_READY) {
    super(why)
    this.words = NOT_READY[why]
  }
}

const MESSAGE_CHARACTERS = 1000

/** Makes a closed answer of whatever was thrown. Only a bug is logged with its stack; its words may quote anything, so they are not sent. */
export function respondFault(error: unknown): Answer {
  if (error instanceof InputError) {
    const message = `the request cannot be read: ${plain(error.message, MESSAGE_CHARACTERS)}`
    return closed('invalid', { code: 400, reason: 'BadRequest', message }, [], { why: error.message })
  }
  if (error instanceof NotReady) return closed('undecided', unavailable(error.words), [], { why: error.message })
  if (error instanceof Unavailable)
    return closed('undecided', unavailable(wordsOf(error.code, error.message)), [error.code], { why: error.message })
  const message = wordsOf('internal.error', '')
  return closed('failed', { code: 500, reason: 'InternalError', message }, ['internal.error'], { err: error })
}

function unavailable(message: string): ReviewStatus {
  return { code: 503, reason: 'ServiceUnavailable', message }
}

function wordsOf(code: Code, detail: string): string {
  const { sentence, remedy } = CODES[code]
  const found = detail === '' ? '' : `\n  found: ${plain(detail, MESSAGE_CHARACTERS)}`
  return `${code}: ${sentence}${found}\n  to fix: ${remedy}`
}

function closed(
  outcome: Answer['outcome'],
  status: ReviewStatus,
  codes: Answer['codes'],
  told: Answer['told'],
): Answer {
  const auditAnnotations = annotations({ decision: outcome, codes })
  return { outcome, codes, told, response: { allowed: false, status, auditAnnotations } }
}
