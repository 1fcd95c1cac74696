/** Asks an API server over HTTPS: what a test looks at again and again is too dear for a kubectl each time. */
import { Agent, request } from 'undici'
import type { Pair } from './authority.ts'
import type { Owner } from './owner.ts'

type Answer = { readonly status: number; readonly body: unknown }

export type Ask = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) => Promise<Answer>

/** Makes a client that trusts `ca` and shows the certificate of `user`. Its connections close with the owner. */
export function makeApiClient(owner: Owner, origin: string, ca: string, user: Pair): Ask {
  const dispatcher = new Agent({ connect: { ca, cert: user.cert, key: user.key } })
  owner.teardown(() => dispatcher.destroy())
  return async (method, path, body) => {
    const response = await request(new URL(path, origin), {
      dispatcher,
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
      headersTimeout: 20_000,
      bodyTimeout: 20_000,
    })
    const text = await response.body.text()
    const isJson = response.headers['content-type']?.includes('json')
    return { status: response.statusCode, body: isJson === true ? JSON.parse(text) : text }
  }
}
