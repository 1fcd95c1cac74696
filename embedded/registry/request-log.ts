/** What clients asked, in the order it arrived; the oldest is forgotten first. */
import type { IncomingMessage } from 'node:http'

export type LoggedRequest = {
  readonly method: string
  /** Path and query, as sent. */
  readonly path: string
  readonly authorization: 'none' | 'basic' | 'bearer'
  /** ISO 8601. */
  readonly at: string
  /** 0: nothing was answered. */
  status: number
}

/** More than any test looks at, and little enough to hold whatever a client does. */
const MOST_REQUESTS = 10_000

export class RequestLog {
  #requests: LoggedRequest[] = []

  add({ method = '', url = '', headers }: IncomingMessage): LoggedRequest {
    const scheme = /^(basic|bearer) /i.exec(headers.authorization ?? '')?.[1]?.toLowerCase()
    const authorization = (scheme ?? 'none') as LoggedRequest['authorization']
    const entry = { method, path: url, authorization, at: new Date().toISOString(), status: 0 }
    if (this.#requests.push(entry) > MOST_REQUESTS) this.#requests.shift()
    return entry
  }

  list(): readonly LoggedRequest[] {
    return this.#requests
  }

  clear(): void {
    this.#requests = []
  }
}
