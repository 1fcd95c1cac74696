/** What clients asked, in the order it arrived; the oldest is forgotten first. */
import type { IncomingMessage } from 'node:http'

export type LoggedRequest = {
  readonly method: string
  /** Path and query, as sent. */
  readonly path: string
  readonly authorization: 'none' | 'basic' | 'bearer'
  /** ISO 8601. */
  readonly at: string
  /** Milliseconds of a clock that never goes back: when it was read, and when the whole of its answer was handed on. */
  readonly beganMs: number
  endedMs?: number
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
    const [at, beganMs] = [new Date().toISOString(), performance.now()]
    const entry: LoggedRequest = { method, path: url, authorization, at, beganMs, status: 0 }
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
