import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import tls from 'node:tls'
import t, { type Test } from 'tap'
import { type Issued, issueServingCertificate } from '#certs/presented/issue.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { Gate } from '#core/gate/gate.ts'
import { DIGEST, makePod } from '#test/support/make-subject.ts'
import { HEAD_BYTES } from '#webhook/find-uid.ts'
import { HELD_BYTES, HeldBytes, REVIEW_BYTES, readReviewBody } from '#webhook/review-body.ts'
import { buildServer, type ServerDeps } from '#webhook/server.ts'
import { bytesOf, makeDeps, makeRequest, makeReview, UID } from './make-review.ts'

const never = new Promise<never>(() => {})

const REVIEW = bytesOf(makeReview(makeRequest({ object: makePod(`r.test/app@${DIGEST}`) })))
const MIB = 1024 * 1024

/** The most memory this process has ever held, in bytes: what was freed again would not show otherwise. */
const peakRss = () => process.resourceUsage().maxRSS * 1024

const certificate: Promise<Issued> = issueServingCertificate(['localhost'], 60_000, new Date())

/** A server on a port of its own, closed with the test, and how to reach it. */
async function listen(t: Test, gate: Partial<Gate> = {}, overrides: Partial<ServerDeps> = {}) {
  const { ca, cert, key } = await certificate
  const { deps, logged } = makeDeps(gate, { tls: { cert, key }, ...overrides })
  const server = buildServer(deps)
  await server.listen({ host: '127.0.0.1', port: 0 })
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(async () => {
    agent.destroy()
    await server.close()
  })
  const { port } = server.server.address() as AddressInfo
  const target = { host: '127.0.0.1', servername: 'localhost', port, ca }
  return { server, logged, agent, target }
}

type Target = Awaited<ReturnType<typeof listen>>['target']

/** Begins a request; whoever calls it writes the body. */
function begin(target: Target, options: https.RequestOptions = {}) {
  const headers = { 'content-type': 'application/json', ...(options.headers as Record<string, string>) }
  const request = https.request({ ...target, method: 'POST', path: '/validate', ...options, headers })
  // Listened for at once: it may come before the body is written. A connection that we break has no answer.
  const answered = once(request, 'response').then(([response]) => read(response as IncomingMessage))
  answered.catch(() => {})
  return { request, answered }
}

async function read(response: IncomingMessage) {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, connection: response.headers.connection, text }
}

async function post(target: Target, body: Buffer, options: https.RequestOptions = {}) {
  const { request, answered } = begin(target, options)
  request.end(body)
  return await answered
}

t.test('TLS is 1.2 or later, with authenticated encryption only', async t => {
  const { target } = await listen(t)
  const connect = async (options: tls.ConnectionOptions) => {
    // Our own client would not even offer what is old without being asked to.
    const socket = tls.connect({ ...target, ...options, ciphers: `${options.ciphers ?? 'DEFAULT'}:@SECLEVEL=0` })
    try {
      await once(socket, 'secureConnect')
      return `${socket.getProtocol()} ${socket.getCipher().name}`
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    } finally {
      socket.destroy()
    }
  }
  const only = (version: tls.SecureVersion, ciphers?: string) =>
    connect({ minVersion: version, maxVersion: version, ...(ciphers === undefined ? {} : { ciphers }) })
  t.match(await only('TLSv1.3'), /^TLSv1\.3 TLS_AES_/)
  t.match(await only('TLSv1.2'), /^TLSv1\.2 ECDHE-ECDSA-AES\d+-GCM/)
  t.match(await only('TLSv1.2', 'ECDHE-ECDSA-CHACHA20-POLY1305'), 'TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305')
  for (const cipher of [
    'ECDHE-ECDSA-AES128-SHA256',
    'ECDHE-ECDSA-AES256-SHA384',
    'ECDHE-ECDSA-AES128-SHA',
    'AES128-GCM-SHA256',
  ])
    t.match(await only('TLSv1.2', cipher), 'HANDSHAKE_FAILURE', cipher)
  for (const version of ['TLSv1.1', 'TLSv1'] as const) t.match(await only(version), 'ALERT_PROTOCOL_VERSION', version)
})

t.test('one connection carries many reviews, and outlives a bad one', async t => {
  const { target, agent, server } = await listen(t)
  let connections = 0
  server.server.on('secureConnection', () => connections++)
  for (const body of [REVIEW, REVIEW.subarray(0, -1), Buffer.from('garbage'), REVIEW]) {
    const { status, connection } = await post(target, body, { agent })
    t.equal(connection, 'keep-alive')
    t.ok(status === 200 || status === 400)
  }
  t.equal(connections, 1)
})

t.test('a body without end is cut off with an answer, in constant memory', async t => {
  const { target } = await listen(t)
  const before = peakRss()
  const { request, answered } = begin(target, { headers: { 'content-length': String(1024 * MIB) } })
  request.on('error', () => {})
  request.write(REVIEW.subarray(0, -1))
  const chunk = Buffer.alloc(MIB, 0x20)
  const heard = new AbortController()
  const answer = answered.finally(() => heard.abort())
  let sent = 0
  for (; sent < 1023 && !heard.signal.aborted && !request.destroyed; sent++)
    if (!request.write(chunk)) await Promise.race([once(request, 'drain'), once(request, 'close'), answer])
  const { status, connection, text } = await answer
  request.destroy()
  t.match(JSON.parse(text), { response: { uid: UID, allowed: false, status: { code: 400 } } })
  t.match({ status, connection }, { status: 200, connection: 'close' })
  t.ok(sent < 200, `${sent} MiB were taken of 1024`)
  const grown = (peakRss() - before) / MIB
  t.ok(grown < 150, `${grown.toFixed()} MiB`)
})

t.test('bodies that are too large, one after the other, leave nothing behind', async t => {
  const { target } = await listen(t)
  const body = Buffer.alloc(REVIEW_BYTES + 1, 0x20)
  REVIEW.copy(body)
  const send = async (times: number) => {
    for (let at = 0; at < times; at++) t.match((await post(target, body)).text, 'expected at most', 'closed')
  }
  await send(5)
  const before = peakRss()
  await send(25)
  const grown = (peakRss() - before) / MIB
  t.ok(grown < 100, `${grown.toFixed()} MiB after 175 MiB`)
})

t.test('of a body that is too large only the head is kept', async t => {
  const body = Buffer.alloc(REVIEW_BYTES + 1, 0x20)
  REVIEW.copy(body)
  const kept = await readReviewBody(Readable.from([body.subarray(0, 10), body.subarray(10)]), new HeldBytes(), never)
  t.equal(kept.is, 'too-large')
  t.strictSame(kept.bytes, body.subarray(0, HEAD_BYTES))
  const whole = await readReviewBody(
    Readable.from([body.subarray(0, 10), body.subarray(10, REVIEW_BYTES)]),
    new HeldBytes(),
    never,
  )
  t.equal(whole.is, 'whole')
  t.equal(whole.bytes.length, REVIEW_BYTES)
})

t.test('a body of brackets costs no memory', async t => {
  const { target } = await listen(t)
  const bodies = ['[', '[]', '{}', '[],', '{"a":'].map(part => Buffer.alloc(REVIEW_BYTES, part))
  bodies.push(Buffer.concat([Buffer.from('['), Buffer.alloc(REVIEW_BYTES - 8, '[],'), Buffer.from('[]]')]))
  await post(target, REVIEW)
  const before = peakRss()
  for (const body of bodies) t.equal((await post(target, body)).status, 400)
  const grown = (peakRss() - before) / MIB
  t.ok(grown < 150, `${grown.toFixed()} MiB`)
})

t.test('a caller who hangs up ends the work for that review', async t => {
  const aborted = Promise.withResolvers<unknown>()
  const asked = Promise.withResolvers<void>()
  const { target, logged } = await listen(t, {
    prove: (_image, _demands, _asker, signal) =>
      new Promise((_resolve, reject) => {
        asked.resolve()
        signal.addEventListener('abort', () => {
          aborted.resolve(signal.reason)
          reject(signal.reason as Error)
        })
      }),
  })
  const { request } = begin(target)
  request.on('error', () => {})
  request.end(REVIEW)
  await asked.promise
  request.destroy()
  const reason = await aborted.promise
  t.ok(reason instanceof Unavailable)
  t.match((reason as Unavailable).message, 'hung up')
  await new Promise(setImmediate)
  t.match(logged, [{ uid: UID, outcome: 'deny' }], 'and is logged')
})

t.test('a caller who finishes in time is not taken for one who hung up', async t => {
  let seen: AbortSignal | undefined
  const { target } = await listen(t, {
    prove: async (_image, _demands, _asker, signal) => {
      seen = signal
      await new Promise(resolve => setTimeout(resolve, 30))
      signal.throwIfAborted()
      return []
    },
  })
  t.equal((await post(target, REVIEW)).status, 200)
  await new Promise(setImmediate)
  t.equal(seen?.aborted, false)
})

t.test('a connection that breaks within a body harms no other', async t => {
  const { target, logged, server } = await listen(t)
  const { request } = begin(target, { headers: { 'content-length': '10000' } })
  request.on('error', () => {})
  const arrived = once(server.server, 'request')
  request.write(REVIEW.subarray(0, 200))
  await arrived
  request.destroy()
  while (logged.length === 0) await new Promise(setImmediate)
  t.match(logged, [{ uid: UID, outcome: 'invalid', why: /the connection broke/ }])
  t.equal((await post(target, REVIEW)).status, 200)
})

t.test('while draining, every answer asks its connection to go elsewhere', async t => {
  let isDraining = false
  const { target, agent } = await listen(t, {}, { isDraining: () => isDraining })
  t.equal((await post(target, REVIEW, { agent })).connection, 'keep-alive')
  isDraining = true
  const { connection, text } = await post(target, REVIEW, { agent })
  t.equal(connection, 'close')
  t.match(JSON.parse(text), { response: { allowed: true } })
})

t.test('closing waits for the reviews that are being worked on, and does not wait for idle connections', async t => {
  const asked = Promise.withResolvers<void>()
  const proceed = Promise.withResolvers<void>()
  let isDraining = false
  const { target, agent, server } = await listen(
    t,
    {
      prove: async () => {
        asked.resolve()
        await proceed.promise
        return []
      },
    },
    { isDraining: () => isDraining },
  )
  const idle = new https.Agent({ keepAlive: true })
  t.teardown(() => idle.destroy())
  await post(target, Buffer.from('x'), { agent: idle })
  const late = post(target, REVIEW, { agent })
  await asked.promise
  isDraining = true
  const closed = server.close()
  await new Promise(setImmediate)
  proceed.resolve()
  t.match(JSON.parse((await late).text), { response: { uid: UID } })
  await closed
})

t.test(
  'a review on a connection that is still open while we close is answered with a review, not with 503',
  async t => {
    const asked = Promise.withResolvers<void>()
    const proceed = Promise.withResolvers<void>()
    const { target, server } = await listen(t, {
      prove: async () => {
        asked.resolve()
        await proceed.promise
        return []
      },
    })
    const socket = tls.connect(target)
    await once(socket, 'secureConnect')
    const raw = `POST /validate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${REVIEW.length}\r\n\r\n`
    const request = Buffer.concat([Buffer.from(raw), REVIEW])
    socket.write(request)
    await asked.promise
    const closed = server.close()
    await new Promise(resolve => setTimeout(resolve, 20))
    socket.write(request)
    await new Promise(resolve => setTimeout(resolve, 20))
    proceed.resolve()
    let text = ''
    for await (const chunk of socket.setEncoding('utf8')) text += chunk
    await closed
    t.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 2)
    t.equal(text.match(/"uid":/g)?.length, 2)
    t.notMatch(text, '503 Service Unavailable')
  },
)

t.test('what is held of all bodies together is bounded, and given back when the answers are out', async t => {
  const held = new HeldBytes()
  const done = Promise.withResolvers<void>()
  const body = Buffer.alloc(REVIEW_BYTES)
  const read = () => readReviewBody(Readable.from([body]), held, done.promise)
  const fit = Math.floor(HELD_BYTES / REVIEW_BYTES)
  const first = await Promise.all(Array.from({ length: fit }, read))
  t.ok(first.every(({ is }) => is === 'whole'))
  const beyond = await read()
  t.equal(beyond.is, 'no-room')
  t.equal(beyond.bytes.length, 0)
  done.resolve()
  await done.promise
  await new Promise(setImmediate)
  t.equal((await readReviewBody(Readable.from([body]), held, never)).is, 'whole')
})
