/** Signs an image as cosign does, with one thing wrong if so ordered. */
import type { Digest } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'
import { attachBundle, encodeBundle, encodePae, encodeStatement, listUnderFallbackTag } from './bundle.ts'
import type { Keys, Scheme } from './keys.ts'
import { IN_TOTO } from './media-types.ts'
import { attachSimple, encodePayload } from './simple-signing.ts'
import type { Repository } from './store.ts'
import { BUNDLE_TAMPERINGS, SIMPLE_TAMPERINGS } from './tamper.ts'

export const SIGNATURE_LAYOUTS = ['simple-signing', 'bundle', 'bundle-fallback-tag'] as const

export type SignOrder = Omit<Scheme, 'prehash'> & {
  /** `host/repository`, which cosign writes into the payload and nobody checks. */
  readonly dockerReference: string
  /** The image the signature is attached to. */
  readonly digest: Digest
  /** The image the signature speaks of, where that is another. */
  readonly signedDigest?: Digest | undefined
  readonly key: string
  readonly layout: (typeof SIGNATURE_LAYOUTS)[number]
  readonly prehash?: boolean | undefined
  readonly predicateType?: string | undefined
  readonly tamper?: string | undefined
}

/** The manifest that carries the signature, and the payload or bundle in it. */
export type Signed = { readonly digest: Digest; readonly blob: Digest }

const COSIGN_SIGNATURE = 'https://sigstore.dev/cosign/sign/v1'

/** Signs and attaches. Throws an InputError when the layout has no such thing to tamper with. */
export function signImage(repository: Repository, keys: Keys, order: SignOrder): Signed {
  return order.layout === 'simple-signing' ? signSimply(repository, keys, order) : signBundle(repository, keys, order)
}

function signSimply(repository: Repository, keys: Keys, order: SignOrder): Signed {
  const { signed, written } = { signed: same, written: same, ...tamperingOf(SIMPLE_TAMPERINGS, order) }
  const payload = signed(encodePayload(order.dockerReference, order.signedDigest ?? order.digest))
  // cosign signs this layout with Ed25519ph when the key is an Ed25519 key
  const signature = signText(keys, order, Buffer.from(payload), true)
  return attachSimple(repository, order.digest, written({ payload, signature }))
}

function signBundle(repository: Repository, keys: Keys, order: SignOrder): Signed {
  const { predicateType = COSIGN_SIGNATURE, signedDigest = order.digest } = order
  const tampering = tamperingOf(BUNDLE_TAMPERINGS, order)
  const { signed, written, bundle } = { signed: same, written: same, bundle: same, ...tampering }
  const draft = signed({ payload: encodeStatement(signedDigest, predicateType), payloadType: IN_TOTO })
  const signature = signText(keys, order, encodePae(draft.payloadType, draft.payload), false)
  const text = bundle(encodeBundle(keys.hint(order.key), written({ ...draft, signatures: [signature] })))
  const { referrer, blob } = attachBundle(repository, order.digest, text, predicateType)
  if (order.layout === 'bundle-fallback-tag') {
    // cosign writes the tag only where the API is missing
    repository.hasReferrersApi = false
    listUnderFallbackTag(repository, order.digest, referrer)
  }
  return { digest: referrer.digest, blob }
}

function signText(keys: Keys, order: SignOrder, message: Uint8Array, prehash: boolean): string {
  const bytes = keys.sign(order.key, message, { ...order, prehash: order.prehash ?? prehash })
  return Buffer.from(bytes).toString('base64')
}

function tamperingOf<Tampering extends object>(
  table: Readonly<Record<string, Tampering>>,
  { tamper, layout }: SignOrder,
): Partial<Tampering> {
  const found = tamper === undefined ? {} : table[tamper]
  if (found !== undefined) return found
  throw new InputError(`expected one of ${Object.keys(table).join(', ')} to tamper with in ${layout}, got ${tamper}`)
}

function same<Thing>(thing: Thing): Thing {
  return thing
}
