/** One question to a registry, and where its answer may come from: the registry itself, unless somebody stands in between. */
import type { Refusal } from '#core/domain/refusal.ts'
import type { Cap } from '../body.ts'
import type { Share } from '../room.ts'
import type { Answer } from '../transport.ts'

export type Question = {
  readonly url: URL
  readonly accept: string
  readonly cap: Cap
  /** What is asked for, in words: `the tag v1`. */
  readonly what: string
  /** The statuses that say something of the thing itself. All others are of the moment, or of whoever asks. */
  readonly definite: readonly number[]
  /** Whether this answer can never be another: the question names its digest, and it has it. Left out where the registry may say something else tomorrow. */
  readonly isLasting?: ((answer: Answer) => boolean) | undefined
  readonly ifNoneMatch?: string | undefined
}

/** Where a question is asked. */
export type Asking = {
  /** Whom it is about, for messages: `ghcr.io/acme/app`. */
  readonly about: string
  /** Where the bytes of the answer are counted. */
  readonly share: Share
  readonly signal: AbortSignal
  /** Asks over the network, with whatever credential that takes. */
  readonly ask: () => Promise<Answer | Refusal>
}

/** Brings the answer, or lets the registry be asked for it. Throws Unavailable. */
export type AnswerSource = (question: Question, asking: Asking) => Promise<Answer | Refusal>

/** Nothing is kept, and nothing stands in between. */
export const fromRegistry: AnswerSource = (_question, { ask }) => ask()
