/** Attestations in cosign's older layout: under the tag `sha256-HEX.att`, a DSSE envelope for each layer. */
import type { Found, LegacyAnnotations } from '#core/domain/artefact.ts'
import type { Looking } from './looking.ts'
import type { Descriptor } from './manifest.ts'
import type { Repository } from './repository.ts'
import { textsOf } from './simple-signing.ts'
import { contentOf, findTagged, legacyAnnotationsOf } from './tagged-layers.ts'

type Attested = { readonly kind: 'layer'; readonly content: Descriptor; readonly annotations: LegacyAnnotations }

/** What cosign calls them; the predicate type that stands beside it is a hint, and not read. */
const ENVELOPE = 'application/vnd.dsse.envelope.v1+json'

export async function findAttachments(repository: Repository, looking: Looking, signal: AbortSignal): Promise<Found> {
  return findTagged<Attested>(
    repository,
    {
      suffix: 'att',
      content: 'envelope',
      eachBytes: repository.limits.attestationBytes,
      read: layer =>
        layer.mediaType === ENVELOPE
          ? { kind: 'layer', content: contentOf(layer), annotations: legacyAnnotationsOf(layer) }
          : undefined,
      make: ({ content, annotations }, bytes) => ({ layout: 'attachment', bytes, annotations, source: content.digest }),
      keyOf: ({ content, annotations }) => [content.digest, ...textsOf(annotations)].join(' '),
    },
    looking,
    signal,
  )
}
