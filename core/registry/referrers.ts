/** What refers to an image: by the referrers API, and by the tag that stands in for it where there is none. */
import type { Digest } from '#core/domain/digest.ts'
import { digestOf, hexOf } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import type { Question } from './answers/question.ts'
import { ambiguous, fetchTag, unreadable } from './content.ts'
import { statusFailure } from './failure.ts'
import { parseNextPage } from './link.ts'
import type { Descriptor, Manifest } from './manifest.ts'
import { decodeManifest, INDEX_TYPES, parseDescriptor } from './manifest.ts'
import type { Outcome } from './outcome.ts'
import { settle, sortOut } from './outcome.ts'
import type { Repository } from './repository.ts'
import type { Answer } from './transport.ts'

type List = { readonly kind: 'list'; readonly items: readonly unknown[] }

/** Answers by which a registry says that it has no referrers API: distribution-spec 1.1 says 404, others say these. */
const NO_API = [400, 404, 405, 501]

/**
 * Lists the referrers that either way of asking names: a writer that met no API wrote the tag, and one that came after
 * an upgrade did not. Media and artifact types are hints that registries garble; nothing is left out because of them.
 */
export async function listReferrers(
  repository: Repository,
  digest: Digest,
  signal: AbortSignal,
): Promise<readonly Outcome<Descriptor>[]> {
  const { values, refusals, silences } = sortOut(
    await Promise.all([
      settle(fetchPages(repository, digest, signal)),
      settle(fetchFallback(repository, digest, signal)),
    ]),
  )
  const entries = values.flatMap(({ items }) => parseItems(repository, items))
  const distinct = new Set(entries.map(one => (one.kind === 'descriptor' ? one.digest : one)))
  if (distinct.size > repository.limits.referrers) return [tooMany(repository, distinct.size)]
  return [...entries, ...refusals, ...silences]
}

/** A list that is empty at a mirror, where perhaps nobody has attached anything yet, is not the registry's. */
function fetchPages(repository: Repository, digest: Digest, signal: AbortSignal): Promise<List | Refusal> {
  const isFound = (list: List | Refusal) => list.kind === 'list' && list.items.length > 0
  return repository.inTurn('resolve', (at, signal) => fetchPagesFrom(at, digest, signal), isFound, signal)
}

async function fetchPagesFrom(repository: Repository, digest: Digest, signal: AbortSignal): Promise<List | Refusal> {
  const { referrersBytes, referrersPages, referrers } = repository.limits
  const items: unknown[] = []
  let bytes = referrersBytes
  let page: URL | undefined = repository.urlOf(`referrers/${digest}`)
  for (let pages = 0; page !== undefined; pages++) {
    if (pages === referrersPages) return tooLong(repository, `${referrersPages} pages`)
    const question = questionFor(page, digest, pages)
    const answer: Answer | Refusal = await fetchPage(repository, question, bytes, signal)
    if (answer.kind === 'refusal') return answer
    if (pages === 0 && NO_API.includes(answer.status)) break
    if (answer.status !== 200) throw statusFailure(answer, repository.about)
    const decoded = decodePage(repository, answer, page)
    if (decoded.kind === 'refusal') return decoded
    const found = items.length + decoded.items.length
    if (found > referrers) return tooMany(repository, found)
    items.push(...decoded.items)
    bytes -= answer.bytes.byteLength
    page = decoded.next
  }
  return { kind: 'list', items }
}

function questionFor(url: URL, digest: Digest, pages: number): Pick<Question, 'url' | 'what' | 'definite'> {
  const what = `the list of referrers of ${digest}`
  if (pages === 0) return { url, what, definite: [200, ...NO_API] }
  return { url, what: `${what}, page ${pages + 1}`, definite: [200] }
}

function fetchPage(
  repository: Repository,
  page: ReturnType<typeof questionFor>,
  left: number,
  signal: AbortSignal,
): Promise<Answer | Refusal> {
  const excess = () => tooLong(repository, `${repository.limits.referrersBytes} bytes`)
  return repository.get({ ...page, accept: INDEX_TYPES.join(', '), cap: { bytes: left, excess } }, signal)
}

function decodePage(
  repository: Repository,
  { bytes, headers }: Answer,
  page: URL,
): (List & { readonly next: URL | undefined }) | Refusal {
  const { referrersBytes, jsonDepth, jsonValues } = repository.limits
  const limits = { bytes: referrersBytes, depth: jsonDepth, values: jsonValues }
  try {
    const list = listOf(decodeManifest({ bytes, digest: digestOf(bytes) }, headers.get('content-type'), limits))
    return { ...list, next: parseNextPage(headers.get('link') ?? '', page) }
  } catch (error) {
    if (error instanceof InputError) return unreadable(repository, 'the list of referrers', error)
    throw error
  }
}

/** distribution-spec 1.1, "Referrers Tag Schema". */
async function fetchFallback(repository: Repository, digest: Digest, signal: AbortSignal): Promise<List | Refusal> {
  const tag = `sha256-${hexOf(digest)}`
  const found = await fetchTag(repository, tag, signal)
  if (found.kind === 'absent') return { kind: 'list', items: [] }
  if (found.kind === 'refusal') return found
  try {
    const list = listOf(found)
    return list.items.length > repository.limits.referrers ? tooMany(repository, list.items.length) : list
  } catch (error) {
    if (error instanceof InputError) return ambiguous(repository, tag, error.message)
    throw error
  }
}

function listOf(manifest: Manifest): List {
  if (manifest.kind === 'image-index') return { kind: 'list', items: manifest.items }
  throw new InputError(`expected an image index, got an ${manifest.kind}`)
}

/** One entry that cannot be read does not hide the others. */
function parseItems(repository: Repository, items: readonly unknown[]): readonly (Descriptor | Refusal)[] {
  return items.map(item => {
    try {
      return parseDescriptor(item)
    } catch (error) {
      if (error instanceof InputError) return ambiguous(repository, 'an entry of the list of referrers', error.message)
      throw error
    }
  })
}

function tooLong({ about }: Repository, most: string): Refusal {
  return refusal('limit.exceeded', `${about}: expected a list of referrers of at most ${most}, got more`)
}

function tooMany({ about, limits }: Repository, found: number): Refusal {
  return refusal(
    'limit.exceeded',
    `${about}: expected at most ${limits.referrers} referrers of the image, got ${found}`,
  )
}
