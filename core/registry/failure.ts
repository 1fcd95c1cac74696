/** Why a registry did not answer, in our words: undici's errors end here, and what the registry wrote is not repeated. */
import { errors } from 'undici'
import type { SilenceCode } from '#core/domain/refusal.ts'
import { Unavailable } from '#core/domain/unavailable.ts'

/** What OpenSSL says when the letters of an HTTP answer are read as the head of a TLS record. */
const PLAIN_HTTP =
  'the answer is not TLS; does it speak plain HTTP? then list it with plainHttp: true (see docs/registries.md)'

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  UND_ERR_SOCKET: 'connection closed before the answer was whole',
  ENOTFOUND: 'no such host',
  EBADNAME: 'no such host',
  EAI_AGAIN: 'the name of the host could not be resolved',
  ESERVFAIL: 'the name of the host could not be resolved',
  EREFUSED: 'the name of the host could not be resolved',
  ETIMEOUT: 'the name of the host could not be resolved within the time allowed',
  ECANCELLED: 'the name of the host could not be resolved within the time allowed',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the host',
  ETIMEDOUT: 'no connection within the time allowed',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within the time allowed',
  UND_ERR_HEADERS_TIMEOUT: 'no answer within the time allowed',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped halfway',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer has another length than it says',
  RESERVED_ADDRESS:
    'its address is reserved for this machine or its networks; if it is meant to be reached, list it in the registries file (see docs/registries.md)',
  ERR_SSL_WRONG_VERSION_NUMBER: PLAIN_HTTP,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: PLAIN_HTTP,
  CERT_HAS_EXPIRED: 'certificate has expired',
  CERT_NOT_YET_VALID: 'certificate is not yet valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate is for another host',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate is from an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate is from an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate is from an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate is from an authority that is not trusted',
}

/**
 * Throws what a failed request means to the rest of the house. An abort is said in the words of whoever aborted. The
 * error itself is left behind: one of the parser's holds the bytes it stumbled over, and causes end up in logs.
 */
export function throwFailure(error: unknown, about: string, signal: AbortSignal): never {
  if (signal.aborted) throw abortReason(signal, about)
  if (error instanceof errors.HTTPParserError) throw unreachable(about, 'the answer is not HTTP')
  const code = codeOf(error)
  // Without a code it came from no socket: a bug stays a bug.
  if (code === undefined || error instanceof Unavailable) throw error
  throw unreachable(about, REASONS[code] ?? `the request failed (${code})`)
}

/** The code that sockets, TLS and undici give their errors. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined
  return typeof code === 'string' ? code : undefined
}

/** What a status that is neither content nor 404 says about the registry. */
export function statusFailure(
  answer: { readonly status: number; readonly headers: ReadonlyMap<string, string> },
  about: string,
): Unavailable {
  const { status } = answer
  const retryAfter = answer.headers.get('retry-after')
  if (status === 429 || (status === 503 && retryAfter !== undefined)) {
    return new Unavailable('registry.throttled', `${about}: asked to come back ${inHowLong(retryAfter)}`)
  }
  const code: SilenceCode = status === 401 || status === 403 ? 'registry.unauthorized' : 'registry.unreachable'
  return new Unavailable(code, `${about}: answered with status ${status}`)
}

export function unreachable(about: string, reason: string): Unavailable {
  return new Unavailable('registry.unreachable', `${about}: ${reason}`)
}

export function unauthorized(about: string, reason: string): Unavailable {
  return new Unavailable('registry.unauthorized', `${about}: ${reason}`)
}

function abortReason(signal: AbortSignal, about: string): Unavailable {
  if (signal.reason instanceof Unavailable) return signal.reason
  return new Unavailable('deadline.exceeded', `${about}: the time ran out`)
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function inHowLong(retryAfter: string | undefined): string {
  if (retryAfter === undefined) return 'later'
  const seconds = /^[0-9]{1,9}$/.test(retryAfter)
    ? Number(retryAfter)
    : Math.ceil((Date.parse(retryAfter) - Date.now()) / 1000)
  return Number.isNaN(seconds) ? 'later' : `in ${Math.max(0, seconds)} s`
}
