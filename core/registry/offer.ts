/** Somebody as whom a registry may be asked, and who fetches what he holds only when it is his turn. */
import type { ImageRef } from '#core/domain/image-ref.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import type { Credential } from './credential.ts'
import type { Registry } from './registries.ts'
import type { Answer, Request } from './transport.ts'

export type Offer = {
  /**
   * Who it is where answers are remembered: the same for as long as it is the same caller, whatever his token of the hour,
   * and another one's never. Names no secret and holds no space.
   */
  readonly name: string
  /** Who it is, in words. */
  readonly source: string
  /** What he holds for this image, in order; empty when nothing. Throws Unavailable, `registry.unauthorized` if he cannot be asked. */
  readonly open: (signal: AbortSignal) => Promise<readonly Credential[]>
}

/** One exchange with this registry, to where the request says and nowhere else. Throws Unavailable. */
export type Exchange = (request: Request, signal: AbortSignal) => Promise<Answer | Refusal>

/** Whom the operator of this process has configured for an image; nobody of them has been asked for anything yet. */
export type CredentialSource = (registry: Registry, ref: ImageRef, exchange: Exchange) => readonly Offer[]
