/** Why a registry did not answer, in our words: undici's errors end here, and what the registry wrote is not repeated. */
import { errors } from 'undici'
import type { SilenceCode } from '#core/domain/refusal.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { parseRetryAfter } from './retry-after.ts'

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
  SLOW_ANSWER: 'the answer was not whole within the time allowed',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer has another length than it says',
  RESERVED_ADDRESS:
    'its address is reserved for this machine or its networks; if it is meant to be reached, list it in the registries file (see docs/registries.md)',
  FORBIDDEN_PORT:
    'its port is neither 443 nor one that is allowed; if a registry is there, list it, or its port under ports (see docs/registries.md)',
  PROXY_UNREACHABLE: 'no connection to the proxy',
  PROXY_SILENT: 'no answer from the proxy within the time allowed',
  PROXY_REFUSED: 'the proxy does not let it through, or does not reach it',
  PROXY_UNAUTHORIZED: 'the proxy asks for a name and password, or does not accept those it was given',
  ERR_SSL_WRONG_VERSION_NUMBER: PLAIN_HTTP,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: PLAIN_HTTP,
  CERT_HAS_EXPIRED: 'certificate has expired',
  CERT_NOT_YET_VALID: 'certificate is not yet valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate is for another host',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate is from an authority that is not trusted',
  // An authority of that name is trusted, and has another key: it was renewed.
  CERT_SIGNATURE_FAILURE: 'certificate is from an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate is from an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate is from an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate is from an authority that is not trusted',
}

/** By these, too, a kept-alive connection ends that the other side has closed. */
export const RESETS = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']

/** A connection that was not allowed, and an answer that was: it had more headers than are read. */
const OURS = ['RESERVED_ADDRESS', 'FORBIDDEN_PORT', 'UND_ERR_HEADERS_OVERFLOW']

/**
 * Throws what a failed request means to the rest of the house. An abort is said in the words of whoever aborted. The
 * error itself is left behind: one of the parser's holds the bytes it stumbled over, and causes end up in logs.
 */
export function throwFailure(error: unknown, about: string, signal: AbortSignal): never {
  if (signal.aborted) throw abortReason(signal, about)
  const reason = reasonOf(error)
  // Without a code it came from no socket: a bug stays a bug.
  if (reason === undefined) throw error
  throw unreachable(about, reason)
}

/** What the host did wrong, in our words; undefined for what is not its doing: ours, or a connection that was not allowed. */
export function faultOf(error: unknown): string | undefined {
  return OURS.includes(codeOf(error) ?? '') ? undefined : reasonOf(error)
}

/** Whether the other side broke the connection off, which a proxy that restarts does to everyone. */
export function isReset(error: unknown): boolean {
  return RESETS.includes(codeOf(error) ?? '')
}

function reasonOf(error: unknown): string | undefined {
  if (error instanceof errors.HTTPParserError) return 'the answer is not HTTP'
  const code = codeOf(error)
  if (code === undefined || error instanceof Unavailable) return undefined
  return REASONS[code] ?? `the request failed (${code})`
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
  if (status === 429 || (status === 503 && answer.headers.has('retry-after')))
    return throttled(about, `asked to come back ${inHowLong(parseRetryAfter(answer.headers, new Date()))}`)
  const code: SilenceCode = status === 401 || status === 403 ? 'registry.unauthorized' : 'registry.unreachable'
  return new Unavailable(code, `${about}: answered with status ${status}`)
}

export function unreachable(about: string, reason: string): Unavailable {
  return new Unavailable('registry.unreachable', `${about}: ${reason}`)
}

export function throttled(about: string, reason: string): Unavailable {
  return new Unavailable('registry.throttled', `${about}: ${reason}`)
}

export function unauthorized(about: string, reason: string): Unavailable {
  return new Unavailable('registry.unauthorized', `${about}: ${reason}`)
}

function abortReason(signal: AbortSignal, about: string): Unavailable {
  if (signal.reason instanceof Unavailable) return signal.reason
  return new Unavailable('deadline.exceeded', `${about}: the time ran out`)
}

function inHowLong(ms: number | undefined): string {
  return ms === undefined ? 'later' : `in ${Math.ceil(ms / 1000)} s`
}
