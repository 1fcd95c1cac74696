/** One exchange with the API server: bounded, never redirected, and every way to fail translated. */
import type { Dispatcher } from 'undici'
import { orGiveUp } from '#core/runtime/deadline.ts'
import type { Access, Purpose } from './access.ts'
import { ClusterError, ClusterUnavailable, errorOf } from './cluster-error.ts'
import { orUnusable } from './parse-object.ts'

export type Request = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly contentType?: string
  /** Of the answer. */
  readonly mostBytes?: number
}

/** What came with a success, and how long it was. */
export type Answer = { readonly body: unknown; readonly bytes: number }

/** No single object is as long: etcd takes 1.5 MiB, and JSON is at most some times as long as what is kept there. */
const ANSWER_BYTES = 16 * 1024 * 1024

/** Of an answer that is not a success, no more is read than its message can take. */
const ERROR_BYTES = 64 * 1024

export class Transport {
  readonly #access: Access

  constructor(access: Access) {
    this.#access = access
  }

  /** Asks, and reads the whole answer. Throws ClusterError, ClusterUnavailable or the reason of the signal. */
  async ask(request: Request, signal: AbortSignal): Promise<Answer> {
    const what = nameOf(request)
    try {
      const { body } = await this.#send('requests', request, signal)
      const bytes = await readAll(body, request.mostBytes ?? ANSWER_BYTES, what)
      // Go has written it out of one value: no key occurs twice.
      return { body: orUnusable(what, () => JSON.parse(bytes.toString('utf8'))), bytes: bytes.byteLength }
    } catch (error) {
      throw translate(error, what, signal)
    }
  }

  /** Asks, and gives the answer as it comes. A silence of `silenceMs` ends it with a ClusterUnavailable. */
  async *stream(request: Request, silenceMs: number, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    try {
      const { body } = await this.#send('streams', request, signal, silenceMs)
      yield* body as AsyncIterable<Buffer>
    } catch (error) {
      throw translate(error, nameOf(request), signal)
    }
  }

  async close(): Promise<void> {
    await this.#access.close()
  }

  async #send(
    purpose: Purpose,
    request: Request,
    signal: AbortSignal,
    silenceMs?: number,
  ): Promise<Dispatcher.ResponseData> {
    const { method, path, query, body, contentType = 'application/json' } = request
    signal.throwIfAborted()
    // A plugin that gives out credentials knows no signal.
    const { agent, headers } = await orGiveUp(this.#access.open(purpose), signal, 0)
    const { origin, pathname } = this.#access.server
    const response = await agent.request({
      origin,
      path: pathname.replace(/\/$/, '') + path,
      method,
      signal,
      headers: { ...headers, accept: 'application/json', 'user-agent': 'shedu', 'content-type': contentType },
      ...(query === undefined ? {} : { query }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(silenceMs === undefined ? {} : { headersTimeout: silenceMs, bodyTimeout: silenceMs }),
    })
    if (response.statusCode >= 200 && response.statusCode < 300) return response
    throw errorOf(nameOf(request), response.statusCode, await readError(response.body))
  }
}

async function readAll(body: Dispatcher.ResponseData['body'], most: number, what: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > most) throw new ClusterError('limit', `${what}: expected at most ${most} bytes, got more`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The Status of Kubernetes in a refusal, or nothing where something else answers. */
async function readError(body: Dispatcher.ResponseData['body']): Promise<unknown> {
  try {
    return JSON.parse((await readAll(body, ERROR_BYTES, 'the refusal')).toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ClusterError) return undefined
    throw error
  }
}

/** Socket, TLS and HTTP errors have a code; it is all that is told of them, for a parser's error holds what it read. */
function translate(error: unknown, what: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  const { code } = error as { readonly code?: unknown }
  if (error instanceof ClusterError || typeof code !== 'string') return error
  return new ClusterUnavailable(`${what}: expected an answer, got none (${code})`)
}

function nameOf({ method, path }: Request): string {
  return `${method} ${path}`
}
