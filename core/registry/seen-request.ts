/** A request to a registry as metrics and spans may tell it: where to and for what kind of thing; never its path, its query or its credential. Pure. */
import type { RegistryAnswer, RegistryRequest } from '#core/runtime/sight.ts'
import { codeOf } from './failure.ts'
import type { Answer, Request } from './transport.ts'

/** OCI distribution 1.1, end-2 to end-12b: what stands before the last step of a path. */
const THINGS: ReadonlyMap<string, RegistryRequest['thing']> = new Map([
  ['manifests', 'manifest'],
  ['blobs', 'blob'],
  ['referrers', 'referrers'],
  ['tags', 'tags'],
])

/** What is asked of whom. */
export function seenRequest({ url, form }: Pick<Request, 'url' | 'form'>): RegistryRequest {
  const { host, pathname, searchParams } = url
  if (form !== undefined || searchParams.has('service') || searchParams.has('scope')) return { host, thing: 'token' }
  const [, version, ...steps] = pathname.split('/')
  // What a registry sends us on to is where it keeps its blobs, nearly always; nobody has to say so.
  const thing = version === 'v2' ? THINGS.get(steps.at(-2) ?? '') : undefined
  return { host, thing: thing ?? 'other' }
}

/** What it came to; `signal` is that of whoever waited. */
export function answerClass(
  outcome:
    | { readonly value: Pick<Answer, 'kind' | 'status'> | { readonly kind: 'refusal' } }
    | { readonly error: unknown },
  signal: AbortSignal,
): RegistryAnswer {
  if ('error' in outcome) {
    if (signal.aborted) return { answer: 'given-up' }
    return { answer: codeOf(outcome.error) === 'UND_ERR_HEADERS_OVERFLOW' ? 'refused' : 'unreachable' }
  }
  const { value } = outcome
  return value.kind === 'refusal' ? { answer: 'refused' } : { answer: classOf(value.status), status: value.status }
}

function classOf(status: number): RegistryAnswer['answer'] {
  switch (status) {
    // What we have is still what there is.
    case 304:
      return 'ok'
    case 401:
    case 403:
      return 'unauthorized'
    case 404:
      return 'not-found'
    case 429:
      return 'throttled'
    default:
      if (status >= 400) return 'failed'
      return status >= 300 ? 'redirected' : 'ok'
  }
}
