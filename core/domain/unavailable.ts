/** Thrown when the world did not answer: not a no, and never a yes. It becomes a Silence among the facts. */
import type { SilenceCode } from './refusal.ts'

export class Unavailable extends Error {
  override readonly name = 'Unavailable'
  readonly code: SilenceCode

  constructor(code: SilenceCode, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.code = code
  }
}
