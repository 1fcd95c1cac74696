/** Signatures in cosign's older layout: under the tag `sha256-HEX.sig`, a payload for each layer and the signature in its annotations. */
import type { Found, LegacyAnnotations } from '#core/domain/artefact.ts'
import type { Looking } from './looking.ts'
import type { Descriptor } from './manifest.ts'
import type { Repository } from './repository.ts'
import { contentOf, findTagged, legacyAnnotationsOf } from './tagged-layers.ts'

type Signed = {
  readonly kind: 'layer'
  readonly content: Descriptor
  readonly signature: string
  readonly annotations: LegacyAnnotations
}

const SIGNATURE = 'dev.cosignproject.cosign/signature'

export async function findSimpleSigning(repository: Repository, looking: Looking, signal: AbortSignal): Promise<Found> {
  return findTagged<Signed>(
    repository,
    {
      suffix: 'sig',
      content: 'payload',
      eachBytes: repository.limits.payloadBytes,
      // A layer is a signature if its annotation is there and is text; anything else in the manifest is nobody's signature.
      read: layer => {
        const signature = layer.annotations.get(SIGNATURE)
        if (signature === undefined) return undefined
        return { kind: 'layer', content: contentOf(layer), signature, annotations: legacyAnnotationsOf(layer) }
      },
      make: ({ content, signature, annotations }, payload) => ({
        layout: 'simple-signing',
        payload,
        signature,
        annotations,
        source: content.digest,
      }),
      keyOf: ({ content, signature, annotations }) => [content.digest, signature, ...textsOf(annotations)].join(' '),
    },
    looking,
    signal,
  )
}

/** The same signature may come once with what proves it and once without. */
export function textsOf({ certificate, chain, bundle, timestamp }: LegacyAnnotations): readonly string[] {
  return [certificate, chain, bundle, timestamp].map(text => JSON.stringify(text ?? null))
}
