/** What something attached to an image claims, once it is decoded and bounded. Nothing of it has been verified. */
import type { Signed } from './key.ts'

export type ImageClaim = {
  readonly signed: Signed
  /** The digests that the signed bytes name, as they are written there. */
  readonly images: readonly string[]
  /** The predicate type, where that is not a signature's: it would not be one even if it verified. */
  readonly attestation: string | undefined
  /** Whom it says it was made by: outside the signed bytes, so anyone may have written it. */
  readonly hint: string | undefined
}
