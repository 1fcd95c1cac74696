/** What cosign's legacy layouts keep in the annotations of a layer: certificate, chain, log entry, timestamp. */
import type { LegacyAnnotations } from '#core/domain/artefact.ts'
import { decodeCertificatesPem } from './certificate/certificate.ts'
import { decodeLegacyEntry } from './log/decode-entry.ts'
import { type Material, MOST_CERTIFICATES } from './material.ts'
import { decodeLegacyTimestamp } from './time/legacy-timestamp.ts'
import { decodePart } from './unreadable-part.ts'

/** Decodes the annotations, each if it is there; throws an InputError. An empty one is what Go writes for none. */
export function decodeLegacyMaterial({ certificate, chain, bundle, timestamp }: LegacyAnnotations): Material {
  const [leaf] = given(certificate) ? decodeChain(certificate, 1) : []
  return {
    certificate: leaf,
    chain: given(chain) ? decodeChain(chain, MOST_CERTIFICATES) : [],
    hint: undefined,
    entries: given(bundle) ? [decodePart('log.invalid', () => decodeLegacyEntry(bundle))] : [],
    timestamps: given(timestamp) ? [decodePart('time.invalid', () => decodeLegacyTimestamp(timestamp))] : [],
  }
}

function decodeChain(pem: string, most: number): readonly Uint8Array[] {
  return decodePart('certificate.invalid', () => decodeCertificatesPem(pem, most))
}

function given(annotation: string | undefined): annotation is string {
  return annotation !== undefined && annotation !== ''
}
