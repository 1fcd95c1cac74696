/** Signs an image, or attests to something about it, as cosign does, with one thing wrong if so ordered. */
import type { Digest } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'
import { annotationsOf } from '../sigstore/annotations.ts'
import type { BundleVersion } from '../sigstore/bundle.ts'
import { bundleOf } from '../sigstore/bundle.ts'
import type { Signable } from '../sigstore/dsse.ts'
import { encodeEnvelope, IN_TOTO } from '../sigstore/dsse.ts'
import type { Fault } from '../sigstore/fault.ts'
import type { FaultName } from '../sigstore/faults.ts'
import { faultOf } from '../sigstore/faults.ts'
import type { Identity } from '../sigstore/leaf.ts'
import { encodePayload } from '../sigstore/payload.ts'
import type { Signed, SigningOrder } from '../sigstore/sign.ts'
import { sign, signAlone } from '../sigstore/sign.ts'
import type { Sigstore } from '../sigstore/sigstore.ts'
import type { StatementOrder } from '../sigstore/statement.ts'
import { encodeStatement } from '../sigstore/statement.ts'
import { attachBundle, listUnderFallbackTag } from './attach-bundle.ts'
import { attachLayer } from './attach-layer.ts'
import type { Keys, Scheme } from './keys.ts'
import { DSSE_ENVELOPE, SIGNATURE_ANNOTATION, SIMPLE_SIGNING } from './media-types.ts'
import type { Repository } from './store.ts'
import { BUNDLE_TAMPERINGS, SIMPLE_TAMPERINGS } from './tamper.ts'

export const SIGNATURE_LAYOUTS = ['simple-signing', 'attachment', 'bundle', 'bundle-fallback-tag'] as const

export type SignOrder = Omit<Scheme, 'prehash'> &
  Omit<SigningOrder, 'signer'> & {
    /** `host/repository`, which cosign writes into the payload and nobody checks. */
    readonly dockerReference: string
    /** The image the signature is attached to. */
    readonly digest: Digest
    /** The image the signature speaks of, where that is another. */
    readonly signedDigest?: Digest | undefined
    /** The name of a key, or whoever signs without one. */
    readonly signer: string | Identity
    /** Certifies, logs and stamps; a key needs none. */
    readonly sigstore: Sigstore | undefined
    readonly layout: (typeof SIGNATURE_LAYOUTS)[number]
    readonly bundleVersion?: BundleVersion | undefined
    readonly prehash?: boolean | undefined
    readonly predicateType?: string | undefined
    readonly predicate?: unknown
    readonly statementVersion?: StatementOrder['version']
    readonly tamper?: string | undefined
    readonly fault?: FaultName | undefined
  }

/** The manifest that carries the signature, and the payload, envelope or bundle in it. */
export type Attached = { readonly digest: Digest; readonly blob: Digest }

type Scene = {
  readonly repository: Repository
  readonly keys: Keys
  readonly order: SignOrder
  readonly fault: Partial<Fault>
}

const COSIGN_SIGNATURE = 'https://sigstore.dev/cosign/sign/v1'

/** Signs and attaches. Throws an InputError when the layout has no place for what is ordered. */
export function signImage(repository: Repository, keys: Keys, order: SignOrder): Attached {
  if (order.log === 'rekor2' && hasPromiseOnly(order))
    throw new InputError('expected rekor1 where only a promise has room')
  const scene = { repository, keys, order, fault: faultOf(order.fault, needsMetBy(order)) }
  if (order.layout === 'simple-signing') return signSimply(scene)
  return order.layout === 'attachment' ? attest(scene) : signBundle(scene)
}

function signSimply(scene: Scene): Attached {
  const { repository, order, fault } = scene
  const tampering = tamperingOf(SIMPLE_TAMPERINGS, order)
  const { signed, written } = { signed: same, written: same, ...tampering }
  const { digest, signedDigest = digest } = order
  const payload = signed(encodePayload(order.dockerReference, (fault.subject ?? same)(signedDigest)))
  // cosign signs this layout with Ed25519ph when the key is an Ed25519 key
  const proof = prove(scene, Buffer.from(payload), true)
  const draft = written({ payload, signature: base64(proof.signature) })
  const signature = draft.signature === undefined ? {} : { [SIGNATURE_ANNOTATION]: draft.signature }
  return attachLayer(repository, order.digest, 'sig', {
    mediaType: SIMPLE_SIGNING,
    bytes: Buffer.from(draft.payload),
    annotations: { ...signature, ...annotationsOf(proof) },
  })
}

/** cosign's older attestation: the envelope is a layer, and the annotation of the signature is empty. */
function attest(scene: Scene): Attached {
  const { repository, order } = scene
  const { proof, envelope, predicateType } = signStatement(scene)
  const annotations = { [SIGNATURE_ANNOTATION]: '', ...annotationsOf(proof), predicateType }
  const bytes = Buffer.from(encodeEnvelope(envelope))
  return attachLayer(repository, order.digest, 'att', { mediaType: DSSE_ENVELOPE, bytes, annotations })
}

function signBundle(scene: Scene): Attached {
  const { repository, order, fault } = scene
  const { proof, envelope, predicateType } = signStatement(scene)
  const good = bundleOf(order.bundleVersion ?? '0.3', envelope, proof)
  const bundle = (fault.bundle ?? same)(good)
  const tamper = tamperingOf(BUNDLE_TAMPERINGS, order).bundle ?? same
  const { mediaType } = bundle
  const text = tamper(JSON.stringify(bundle))
  const { referrer, blob } = attachBundle(repository, order.digest, { text, mediaType, predicateType })
  if (order.layout === 'bundle-fallback-tag') {
    // cosign writes the tag only where the API is missing
    repository.hasReferrersApi = false
    listUnderFallbackTag(repository, order.digest, referrer)
  }
  return { digest: referrer.digest, blob }
}

function signStatement(scene: Scene) {
  const { order, fault } = scene
  const { signed, written } = { signed: same, written: same, ...tamperingOf(BUNDLE_TAMPERINGS, order) }
  const { signable = same, envelope: enclosed = same, announced = same } = fault
  const { predicateType = COSIGN_SIGNATURE } = order
  const payload = encodeStatement({ ...statementOf(order, fault), predicateType })
  const draft = signed(signable({ payload, payloadType: IN_TOTO }))
  const proof = prove(scene, draft, false)
  const envelope = enclosed(written({ ...draft, signatures: [base64(proof.signature)] }))
  return { proof, envelope, predicateType: announced(predicateType) }
}

function statementOf({ digest, signedDigest = digest, predicate, statementVersion }: SignOrder, fault: Partial<Fault>) {
  const { subject = same } = fault
  return { digest: subject(signedDigest), predicate, version: fault.statementVersion ?? statementVersion }
}

function prove({ keys, order, fault }: Scene, content: Uint8Array | Signable, prehash: boolean): Signed {
  const { sigstore, signer: who } = order
  const signer = typeof who === 'string' ? keys.signer(who, { ...order, prehash: order.prehash ?? prehash }) : who
  // cosign asks for the certificate in its older layouts, where there was no trust root to have it from
  const stampCertificates = order.stampCertificates ?? !order.layout.startsWith('bundle')
  const stampsEnvelope = order.layout === 'attachment'
  if (sigstore !== undefined)
    return sign(sigstore, content, { ...order, signer, stampCertificates, stampsEnvelope }, fault)
  if ('subjects' in signer) throw new InputError('who signs without a key needs a sigstore')
  return signAlone(content, signer)
}

/** What the order has, of all that a fault may ask for. */
function needsMetBy(order: SignOrder): Readonly<Record<Fault['needs'][number], boolean>> {
  const isBundle = order.layout.startsWith('bundle')
  const isLogged = order.log !== 'none'
  const hasChain = !isBundle || (order.bundleVersion ?? '0.3') !== '0.3'
  const certificate = typeof order.signer !== 'string'
  return {
    certificate,
    chain: certificate && hasChain,
    log: isLogged,
    promise: order.log === 'rekor1',
    proof: isLogged && !hasPromiseOnly(order),
    rekor2: order.log === 'rekor2',
    timestamp: order.timestamp,
    statement: order.layout !== 'simple-signing',
    bundle: isBundle,
  }
}

function hasPromiseOnly({ layout, bundleVersion }: SignOrder): boolean {
  return !layout.startsWith('bundle') || bundleVersion === '0.1'
}

function tamperingOf<Tampering extends object>(
  table: Readonly<Record<string, Tampering>>,
  { tamper, layout }: SignOrder,
): Partial<Tampering> {
  const found = tamper === undefined ? {} : table[tamper]
  if (found !== undefined) return found
  throw new InputError(`expected one of ${Object.keys(table).join(', ')} to tamper with in ${layout}, got ${tamper}`)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function same<Thing>(thing: Thing): Thing {
  return thing
}
