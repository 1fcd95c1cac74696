/** An answer before anything goes wrong with it. */

export type Reply = {
  readonly status: number
  /** Lower-case names; `content-length` is added when the reply is delivered. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** distribution-spec, "Error Codes", by the status they go with. */
const ERROR_CODES: Readonly<Record<number, string>> = {
  400: 'DIGEST_INVALID',
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  404: 'NAME_UNKNOWN',
  405: 'UNSUPPORTED',
  429: 'TOOMANYREQUESTS',
}

export function jsonReply(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  const body = Buffer.from(JSON.stringify(value))
  return { status, headers: { 'content-type': 'application/json', ...headers }, body }
}

/** An OCI error body. */
export function errorReply(status: number, message: string, code = ERROR_CODES[status] ?? 'UNKNOWN'): Reply {
  return jsonReply(status, { errors: [{ code, message, detail: null }] })
}
