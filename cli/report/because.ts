/** Why something is not admitted or not verified, in the same words wherever it is said: code, sentence, what was found, remedy. */
import type { Code, Refusal, Silence } from '#core/domain/refusal.ts'
import { CODES } from '#core/domain/refusal.ts'
import type { Paint } from './paint.ts'
import { visible } from './visible.ts'

/** Lines for people, indented below what they are about. */
export function renderBecause(because: Refusal | Silence, paint: Paint): readonly string[] {
  const { sentence, remedy } = CODES[because.code]
  return [
    `    ${paint('bold', because.code)}: ${sentence}`,
    ...(because.detail === '' ? [] : [`    ${visible(because.detail)}`]),
    `    to fix: ${remedy}`,
  ]
}

/** The same for programs. */
export type JsonBecause = {
  readonly code: Code
  /** `silent`: the world did not answer, so another attempt may end otherwise. */
  readonly kind: 'refused' | 'silent'
  readonly sentence: string
  readonly detail: string
  readonly remedy: string
}

export function toJsonBecause({ code, detail }: Refusal | Silence): JsonBecause {
  const { kind, sentence, remedy } = CODES[code]
  return { code, kind, sentence, detail, remedy }
}
