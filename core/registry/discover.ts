/** Everything that is looked up about one image, all at once: the image itself, and the places where signatures may lie. */
import { setImmediate } from 'node:timers/promises'
import type { Discovery, Found } from '#core/domain/artefact.ts'
import type { PinnedRef } from '#core/domain/image-ref.ts'
import { nameOf } from '#core/domain/image-ref.ts'
import type { Refusal, Silence } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { Place, Search } from '#core/domain/search.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { firstOf } from '#core/runtime/time-left.ts'
import { makeTurns } from '#core/runtime/turns.ts'
import { findAttachments } from './attachments.ts'
import { findBundles } from './bundles.ts'
import type { Caller, Candidate } from './candidates.ts'
import { askInTurn } from './candidates.ts'
import { ambiguous, fetchImage } from './content.ts'
import type { Looking } from './looking.ts'
import { settle } from './outcome.ts'
import type { Repository } from './repository.ts'
import { findSimpleSigning } from './simple-signing.ts'

/** What is looked for: what is attached to this image. */
export type Wanted = { readonly image: PinnedRef; readonly search: Search }

type Find = (repository: Repository, looking: Looking, signal: AbortSignal) => Promise<Found>

const FINDS: Readonly<Record<Place, Find>> = {
  'signature-tag': findSimpleSigning,
  'attestation-tag': findAttachments,
  referrers: findBundles,
}

/**
 * Starts looking as the first candidate, and starts anew as the next when the registry does not let it see the image.
 * Who is let in sees everything: what one candidate saw is never mixed with what another did.
 */
export function discoverInTurn(
  candidates: readonly Candidate[],
  open: (caller: Caller) => Repository,
  wanted: Wanted,
  signal: AbortSignal,
): Discovery {
  const looked = settle(askInTurn(candidates, caller => lookAs(caller, open(caller), wanted, signal), signal))
  const seen = looked.then(outcome => (outcome.kind === 'silence' ? unseen(outcome) : outcome))
  const discovery = {
    manifest: seen.then(({ presence }) => presence),
    places: wanted.search.places.map(place => seen.then(({ places }) => places(place))),
    scope: seen.then(({ scope }) => scope),
  }
  ignoreUnheard([discovery.manifest, discovery.scope, ...discovery.places])
  return discovery
}

type Seen = {
  readonly kind: 'seen'
  readonly scope: string
  readonly presence: 'present' | Refusal | Silence
  readonly places: (place: Place) => Promise<Found>
}

function unseen(silence: Silence): Seen {
  const place = Promise.resolve({ artefacts: [], refusals: [], silences: [silence] })
  return { kind: 'seen', scope: '', presence: silence, places: () => place }
}

async function lookAs({ scope }: Caller, repository: Repository, wanted: Wanted, signal: AbortSignal): Promise<Seen> {
  const refused = new AbortController()
  const { manifest, places } = look(repository, wanted, firstOf([signal, refused.signal]))
  const presence = await manifest
  if (presence === 'present' || presence.code !== 'registry.unauthorized')
    return { kind: 'seen', scope, presence, places }
  refused.abort()
  throw new Unavailable(presence.code, presence.detail)
}

/**
 * The first requests go out together: tags, referrers, the tag in their place, and the image itself. That one is last,
 * after those of all other images of the Pod: nothing is fetched because of its answer, and ten images ask more of a
 * registry at once than there are connections.
 */
function look(repository: Repository, { image, search }: Wanted, signal: AbortSignal) {
  const turns = makeTurns(repository.limits.fetchesPerImage)
  const manifest = setImmediate().then(() => checkPresence(repository, image, signal))
  const looking = { digest: image.digest, turns, isForAttestations: search.isForAttestations }
  const found = new Map(search.places.map(place => [place, FINDS[place](repository, looking, signal)]))
  ignoreUnheard([manifest, ...found.values()])
  const places = (place: Place) => {
    const one = found.get(place)
    if (one === undefined) throw new TypeError(`nobody looked for ${place}`)
    return one
  }
  return { manifest, places }
}

/** Whoever has seen enough may leave a promise alone; a bug is still reported to those who wait for it. */
function ignoreUnheard(promises: readonly Promise<unknown>[]): void {
  for (const promise of promises) promise.catch(() => {})
}

async function checkPresence(
  repository: Repository,
  image: PinnedRef,
  signal: AbortSignal,
): Promise<'present' | Refusal | Silence> {
  const manifest = await settle(fetchImage(repository, image.digest, signal))
  switch (manifest.kind) {
    case 'absent':
      return refusal('image.not-found', nameOf(image))
    case 'other':
      return ambiguous(repository, image.digest, `expected an image or an index, got ${manifest.mediaType}`)
    case 'image-manifest':
    case 'image-index':
      return 'present'
    default:
      return manifest
  }
}
