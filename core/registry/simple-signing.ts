/** Signatures in cosign's older layout: the layers of the manifest that lies under the tag `sha256-HEX.sig`. */
import type { Found, SimpleSigningArtefact } from '#core/domain/artefact.ts'
import type { Digest } from '#core/domain/digest.ts'
import { hexOf } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { Turns } from '#core/runtime/turns.ts'
import type { Blob } from './content.ts'
import { ambiguous, fetchBlob, fetchTag } from './content.ts'
import { fetchEach } from './fetch-each.ts'
import type { Descriptor } from './manifest.ts'
import { parseDescriptor } from './manifest.ts'
import { settle, sortOut } from './outcome.ts'
import type { Repository } from './repository.ts'

type Signed = { readonly kind: 'signed'; readonly payload: Descriptor; readonly signature: string }

const SIGNATURE = 'dev.cosignproject.cosign/signature'

/** Finds them: one round trip for the manifest, one for all the payloads. */
export async function findSimpleSigning(
  repository: Repository,
  digest: Digest,
  turns: Turns,
  signal: AbortSignal,
): Promise<Found> {
  const tag = `sha256-${hexOf(digest)}.sig`
  const manifest = await settle(fetchTag(repository, tag, signal))
  if (manifest.kind === 'absent') return { artefacts: [], refusals: [], silences: [] }
  if (manifest.kind === 'refusal' || manifest.kind === 'silence') return { ...sortOut([manifest]), artefacts: [] }
  if (manifest.kind !== 'image-manifest')
    return withoutArtefacts(ambiguous(repository, tag, `expected an image manifest, got an ${manifest.kind}`))
  const layers = manifest.items.flatMap(item => signedLayer(repository, tag, item))
  const { signatures: most, payloadBytes, attachedBytes } = repository.limits
  if (layers.length > most) {
    const detail = `${repository.about}: expected at most ${most} signatures in ${tag}, got ${layers.length}`
    return withoutArtefacts(refusal('limit.exceeded', detail))
  }
  const { values: signed, refusals } = sortOut(layers)
  const fetched = await fetchEach(
    repository,
    signed.map(({ payload }) => payload),
    { turns, eachBytes: payloadBytes, bytes: attachedBytes },
    payload => fetchPayload(repository, payload, signal),
  )
  const payloads = sortOut(fetched)
  const { refusals: all, silences } = sortOut([...refusals, ...payloads.refusals, ...payloads.silences])
  return { artefacts: join(signed, payloads.values), refusals: all, silences }
}

/** A layer is a signature if its annotation is there and is text; anything else in the manifest is nobody's signature. */
function signedLayer(repository: Repository, tag: string, layer: unknown): readonly (Signed | Refusal)[] {
  const annotations = (layer as { readonly annotations?: Readonly<Record<string, unknown>> | null } | null)?.annotations
  const signature = annotations?.[SIGNATURE]
  if (typeof signature !== 'string') return []
  try {
    return [{ kind: 'signed', payload: parseDescriptor(layer), signature }]
  } catch (error) {
    if (error instanceof InputError) return [ambiguous(repository, `a layer of ${tag}`, error.message)]
    throw error
  }
}

async function fetchPayload(repository: Repository, payload: Descriptor, signal: AbortSignal): Promise<Blob | Refusal> {
  const blob = await fetchBlob(repository, payload, signal)
  if (blob.kind !== 'absent') return blob
  return refusal('signature.invalid', `${repository.about}: the payload ${payload.digest} is not in the registry`)
}

/** Two layers that say the same are one signature: whoever fills a manifest with copies costs one verification. */
function join(signed: readonly Signed[], payloads: readonly Blob[]): readonly SimpleSigningArtefact[] {
  const byDigest = new Map(payloads.map(blob => [blob.digest, blob.bytes]))
  const artefacts = new Map<string, SimpleSigningArtefact>()
  for (const { payload, signature } of signed) {
    const bytes = byDigest.get(payload.digest)
    if (bytes === undefined) continue
    artefacts.set(`${payload.digest} ${signature}`, {
      layout: 'simple-signing',
      payload: bytes,
      signature,
      source: payload.digest,
    })
  }
  return [...artefacts.keys()].toSorted().map(key => artefacts.get(key) as SimpleSigningArtefact)
}

function withoutArtefacts(because: Refusal): Found {
  return { artefacts: [], refusals: [because], silences: [] }
}
