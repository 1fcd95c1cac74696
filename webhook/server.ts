/** The TLS server that the API server asks. Fastify carries bytes; what they mean is decided in answer.ts and behind it. */
import { constants } from 'node:crypto'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { InputError } from '#core/domain/input-error.ts'
import { answerFault } from './answer.ts'
import { HeldBytes } from './review-body.ts'
import { addMutate, type MutateDeps } from './routes/mutate.ts'
import { addValidate } from './routes/validate.ts'

export type ServerDeps = Omit<MutateDeps, 'held'> & {
  readonly tls: { readonly cert: string; readonly key: string }
  /** While draining, every answer asks its connection to go elsewhere. */
  readonly isDraining: () => boolean
}

/** Authenticated encryption with forward secrecy, and nothing else: what TLS 1.3 has, and of TLS 1.2 what equals it. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** The API server lets go of an idle connection after 90 s (net/http). We wait longer, so that we never close one it is about to use. */
const KEEP_ALIVE_MS = 120_000

/** Each API server opens one for each request that waits, and keeps the idle; 60 KiB each when they do nothing. */
const MAX_CONNECTIONS = 1024

/** The API server waits 30 s at most; a request that takes longer to arrive has no reader any more. */
const REQUEST_MS = 30_000
const HANDSHAKE_MS = 10_000

/** Of an address in the log. */
const URL_CHARACTERS = 200

/** Builds the server with its two webhooks; the caller listens and closes. */
export function buildServer(deps: ServerDeps): FastifyInstance {
  const held = new HeldBytes()
  const server = Fastify({
    https: {
      cert: deps.tls.cert,
      key: deps.tls.key,
      minVersion: 'TLSv1.2',
      ciphers: CIPHERS,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: HANDSHAKE_MS,
    },
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_MS,
    // While closing, Fastify would answer 503 by itself, which is an admission under failurePolicy: Ignore.
    return503OnClosing: false,
    frameworkErrors: (_error, request, reply) =>
      void lost(request, reply, held).then(text => reply.send(text as never)),
  }) as unknown as FastifyInstance
  carryBytes(server)
  server.addHook('onSend', (_request, reply, _payload, done) => {
    if (deps.isDraining()) reply.header('connection', 'close')
    done()
  })
  server.setErrorHandler(async (error: FastifyError, request, reply) => {
    deps.log.error({ err: error, url: request.url.slice(0, URL_CHARACTERS) }, 'request failed')
    // Fastify says of its own errors whose fault they are; one without a status is a bug.
    const isCallers = error.statusCode !== undefined && error.statusCode < 500
    return await answerFault(isCallers ? new InputError(error.message) : error, request, reply, held)
  })
  server.setNotFoundHandler((request, reply) => lost(request, reply, held))
  server.server.maxConnections = MAX_CONNECTIONS
  addValidate(server, { ...deps, held })
  addMutate(server, { ...deps, held })
  return server
}

/** A review that came to the wrong address is a mistake in the webhook configuration: whoever is affected is told so. */
async function lost(request: FastifyRequest, reply: FastifyReply, held: HeldBytes): Promise<string> {
  return await answerFault(new InputError('expected POST /validate or POST /mutate'), request, reply, held)
}

/** Leaves every body unread, whatever it claims to be: we read it ourselves, bounded, and keep what is needed to answer. */
function carryBytes(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', (_request, _payload, done) => done(null))
}
