/** Why the API server did not do as it was asked: it said no, or it did not answer. */

/** What the API server can say no with; it has understood, and asking again the same way cannot help. */
export type ClusterCode =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'exists'
  | 'conflict'
  | 'expired'
  | 'limit'
  | 'rejected'

/** The API server said no, or (`limit`) has more than we are willing to hold. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  readonly code: ClusterCode

  constructor(code: ClusterCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The API server did not answer, or not usably: nothing is known, and asking again may help. */
export class ClusterUnavailable extends Error {
  override readonly name = 'ClusterUnavailable'
}

const CODES: Readonly<Record<number, ClusterCode>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  410: 'expired',
  422: 'invalid',
}

/** How much of the API server's own words is repeated. Webhooks of others and names of objects have a part in them. */
const WORDS = 500

/** The error that an answer other than a success stands for; `body` is a Status of Kubernetes, or whatever a proxy says. */
export function errorOf(what: string, status: number, body: unknown): ClusterError | ClusterUnavailable {
  const { reason, message } = statusOf(body)
  const words = message === undefined ? '' : `: ${JSON.stringify(message.slice(0, WORDS))}`
  const text = `${what}: expected success, got ${status}${words}`
  // Throttling and the server's own trouble pass. Redirects are not followed: our credentials are for this server.
  if (status < 400 || status >= 500 || status === 429 || status === 408) return new ClusterUnavailable(text)
  if (status === 409 && reason === 'AlreadyExists') return new ClusterError('exists', text)
  return new ClusterError(CODES[status] ?? 'rejected', text)
}

function statusOf(body: unknown): { readonly reason?: string | undefined; readonly message?: string | undefined } {
  if (typeof body !== 'object' || body === null) return {}
  const { reason, message } = body as Readonly<Record<string, unknown>>
  return {
    reason: typeof reason === 'string' ? reason : undefined,
    message: typeof message === 'string' ? message : undefined,
  }
}
