import { mock } from 'node:test'
import t from 'tap'
import { answerTime } from '#core/registry/answer-time.ts'
import { deadline } from '#core/runtime/deadline.ts'
import { makeClient, patience, ref, unavailable } from './make-client.ts'
import { answerManifest, MANIFEST_TYPE, serve, serveBytes } from './serve.ts'

t.test('stands still while it is we who do not read, and goes on from there', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  using time = answerTime(100, patience)
  const { promise, resolve } = Promise.withResolvers<string>()
  const waited = time.without(promise)
  mock.timers.tick(1000)
  t.equal(time.signal.aborted, false)
  resolve('room')
  t.equal(await waited, 'room')
  mock.timers.tick(100)
  t.match(time.signal.reason, { code: 'SLOW_ANSWER' })
})

t.test('is over with the answer, and ends with its caller', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const time = answerTime(100, patience)
  time[Symbol.dispose]()
  mock.timers.tick(1000)
  t.equal(time.signal.aborted, false)
  const caller = new AbortController()
  using another = answerTime(100, caller.signal)
  caller.abort('gone')
  t.equal(another.signal.reason, 'gone')
})

/** Ways never to be silent and never to be done. */
const DRIPS: Readonly<Record<string, readonly [first: string, then: string]>> = {
  body: [`HTTP/1.1 200 OK\r\ncontent-type: ${MANIFEST_TYPE}\r\ncontent-length: 100000\r\n\r\n`, ' '],
  chunks: [`HTTP/1.1 200 OK\r\ncontent-type: ${MANIFEST_TYPE}\r\ntransfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n'],
  'a chunk’s extension': ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;a=', 'x'],
  trailers: ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n \r\n0\r\n', 'a: b\r\n'],
  headers: ['HTTP/1.1 200 OK\r\n', 'a: b\r\n'],
  'early hints': ['', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
}

t.test('whoever drips is given up by name when one answer has taken its time, in whatever it drips', async t => {
  for (const [what, [first, then]] of Object.entries(DRIPS)) {
    const host = await serveBytes(t, socket => {
      socket.write(first)
      const timer = setInterval(() => socket.write(then), 20)
      socket.once('close', () => clearInterval(timer))
    })
    const client = makeClient(t, [{ host, plainHttp: true }], { limits: { answerMs: 300 } })
    using limit = deadline(10_000)
    const error = await unavailable(client.resolve(ref(host, 'a:v'), limit.signal))
    t.equal(error.code, 'registry.unreachable', what)
    t.equal(error.message, `${host}/a: the answer was not whole within the time allowed`, what)
  }
})

t.test('a token service that drips is given up by name, too', async t => {
  const served = await serve(t, (request, response) => {
    if (request.headers.authorization !== undefined) return answerManifest(request, response)
    if (!request.url?.startsWith('/token'))
      return response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${served.host}/token"` }).end()
    const timer = setInterval(() => response.write(' '), 20)
    return response.once('close', () => clearInterval(timer))
  })
  const client = makeClient(t, [{ host: served.host, plainHttp: true }], { limits: { answerMs: 300 } })
  using limit = deadline(10_000)
  const error = await unavailable(client.resolve(ref(served.host, 'a:v'), limit.signal))
  t.equal(error.code, 'registry.unreachable')
  t.match(error.message, /token service "127\.0\.0\.1:[0-9]+": the answer was not whole within the time allowed$/)
})
