/** A connection through a proxy: CONNECT (RFC 9110 section 9.3.6), and from then on what the two ends say is theirs. */
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'

/** What a proxy says to CONNECT is a line and some headers. */
const HEADER_BYTES = 16 * 1024

/** `target` is host and port, an address of IPv6 in brackets. Rejects with an error that has a code. */
export function openTunnel(proxy: URL, target: string, silenceMs: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const options: RequestOptions = {
    method: 'CONNECT',
    host: proxy.hostname.replaceAll(/^\[|\]$/g, ''),
    port: proxy.port === '' ? (proxy.protocol === 'https:' ? 443 : 80) : proxy.port,
    path: target,
    headers: { host: target, 'user-agent': 'shedu', ...authorizationOf(proxy) },
    agent: false,
    timeout: silenceMs,
    maxHeaderSize: HEADER_BYTES,
  }
  const request = (proxy.protocol === 'https:' ? requestHttps : requestHttp)(options)
  request.once('connect', ({ statusCode }: IncomingMessage, socket: Socket, head: Buffer) => {
    // Whoever speaks first in TLS and HTTP is the client: what comes with the answer is not from the other end.
    if (statusCode === 200 && head.byteLength === 0) return resolve(socket)
    socket.destroy()
    reject(proxyError(statusCode === 407 ? 'PROXY_UNAUTHORIZED' : 'PROXY_REFUSED'))
  })
  request.once('response', (response: IncomingMessage) => {
    response.destroy()
    reject(proxyError(response.statusCode === 407 ? 'PROXY_UNAUTHORIZED' : 'PROXY_REFUSED'))
  })
  request.once('timeout', () => request.destroy(proxyError('PROXY_SILENT')))
  request.once('error', (error: NodeJS.ErrnoException) =>
    reject(error.code?.startsWith('PROXY_') ? error : proxyError('PROXY_UNREACHABLE')),
  )
  request.end()
  return promise
}

function authorizationOf({ username, password }: URL): { readonly 'proxy-authorization'?: string } {
  if (username === '') return {}
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }
}

function proxyError(code: string): Error {
  return Object.assign(new Error('no way through the proxy'), { code })
}
