/** Signatures and attestations in the newer layout: Sigstore bundles, each the layer of a manifest that refers to the image. */
import type { Found } from '#core/domain/artefact.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { Blob } from './content.ts'
import { ambiguous, fetchBlob, fetchListed } from './content.ts'
import { fetchEach } from './fetch-each.ts'
import type { Looking } from './looking.ts'
import type { Descriptor, Manifest } from './manifest.ts'
import { parseDescriptor } from './manifest.ts'
import { sortOut } from './outcome.ts'
import { listReferrers } from './referrers.ts'
import type { Repository } from './repository.ts'

/** What every version of the bundle's media type starts with: `application/vnd.dev.sigstore.bundle.v0.3+json`. */
const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle'

/**
 * Finds them: three round trips, for the list, for the manifests and for the bundles. That a manifest refers to this
 * very image is not checked: what a bundle signs is for the verifier to say, and only the signature can.
 */
export async function findBundles(
  repository: Repository,
  { digest, turns, isForAttestations }: Looking,
  signal: AbortSignal,
): Promise<Found> {
  const { manifestBytes, referrerManifestsBytes, bundleBytes, attestationBytes, attachedBytes } = repository.limits
  const forManifests = { turns, eachBytes: manifestBytes, bytes: referrerManifestsBytes }
  const eachBytes = isForAttestations ? attestationBytes : bundleBytes
  const forBundles = { turns, eachBytes, bytes: attachedBytes }
  const listed = sortOut(await listReferrers(repository, digest, signal))
  const manifests = sortOut(
    await fetchEach(repository, listed.values, forManifests, one => fetchReferrer(repository, one, signal)),
  )
  const layers = sortOut(manifests.values.flatMap(manifest => bundleLayer(repository, manifest)))
  const bundles = sortOut(
    await fetchEach(repository, layers.values, forBundles, one => fetchBundle(repository, one, signal)),
  )
  const steps = [listed, manifests, layers, bundles]
  const { refusals, silences } = sortOut(steps.flatMap(step => [...step.refusals, ...step.silences]))
  const artefacts = bundles.values.map(({ bytes, digest }) => ({ layout: 'bundle' as const, bytes, source: digest }))
  return { artefacts, refusals, silences }
}

async function fetchReferrer(
  repository: Repository,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<Manifest | Refusal> {
  const manifest = await fetchListed(repository, descriptor, signal)
  if (manifest.kind !== 'absent') return manifest
  return missing(repository, `the referrer ${descriptor.digest} is listed, but not in the registry`)
}

async function fetchBundle(repository: Repository, layer: Descriptor, signal: AbortSignal): Promise<Blob | Refusal> {
  const blob = await fetchBlob(repository, layer, signal)
  return blob.kind === 'absent' ? missing(repository, `the bundle ${layer.digest} is not in the registry`) : blob
}

/** The layer says what it is; an SBOM, a picture or a bare in-toto statement is no signature and no fault. */
function bundleLayer(repository: Repository, manifest: Manifest): readonly (Descriptor | Refusal)[] {
  if (manifest.kind !== 'image-manifest') return []
  const layers = manifest.items.filter(isBundle)
  if (layers.length > 1) return [ambiguous(repository, manifest.digest, `expected one bundle, got ${layers.length}`)]
  try {
    return layers.map(parseDescriptor)
  } catch (error) {
    if (error instanceof InputError) return [ambiguous(repository, manifest.digest, error.message)]
    throw error
  }
}

function isBundle(layer: unknown): boolean {
  const mediaType = (layer as { readonly mediaType?: unknown } | null)?.mediaType
  return typeof mediaType === 'string' && mediaType.toLowerCase().startsWith(BUNDLE_TYPE)
}

function missing({ about }: Repository, what: string): Refusal {
  return refusal('signature.invalid', `${about}: ${what}`)
}
