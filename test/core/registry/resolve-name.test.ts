import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import t from 'tap'
import { codeOf } from '#core/registry/failure.ts'
import { resolveName } from '#core/registry/resolve-name.ts'

type Test = { readonly teardown: (end: () => unknown) => unknown }

const LOCAL = [{ address: '127.0.0.1', family: 4 }]
const patience = new AbortController().signal

/** A name server on this machine that answers a question with `respond`, or never; what was asked is counted. */
async function serveNames(t: Test, respond: (question: Buffer) => Buffer | undefined) {
  const socket = createSocket('udp4')
  const seen = { questions: 0 }
  socket.on('message', (question, { port, address }) => {
    seen.questions++
    const answer = respond(question)
    if (answer !== undefined) socket.send(answer, port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  const makeResolver = (timeout = 30_000) => {
    const resolver = new Resolver({ timeout, tries: 1 })
    resolver.setServers([`127.0.0.1:${socket.address().port}`])
    return resolver
  }
  return { seen, makeResolver }
}

/** RFC 1035 section 4.1: the question again, with the flags of an answer, this code, and what is given in the answer section. */
function answer(question: Buffer, code: number, records: readonly Buffer[] = []): Buffer {
  const end = question.indexOf(0, 12) + 5
  const head = Buffer.from(question.subarray(0, end))
  head.writeUInt16BE(0x8180 | code, 2)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt32BE(0, 8)
  return Buffer.concat([head, ...records])
}

const TYPE_A = 1
const typeOf = (question: Buffer) => question.readUInt16BE(question.indexOf(0, 12) + 1)
const record = Buffer.from([0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7])

async function fails(work: Promise<unknown>): Promise<string | undefined> {
  return await work.then(
    () => 'nothing',
    (error: unknown) => codeOf(error),
  )
}

t.test('a name server that never answers holds up nobody but who asked for its names', async t => {
  const { seen, makeResolver } = await serveNames(t, () => undefined)
  const sources = { makeResolver, askSystem: async () => LOCAL }
  const deadline = new AbortController()
  let left = 0
  const slow = Array.from({ length: 64 }, (_, n) =>
    fails(resolveName(`h${n}.slow.example`, sources, deadline.signal)).finally(() => left++),
  )
  t.strictSame(await resolveName('localhost', sources, patience), LOCAL)
  const quick = await serveNames(t, question => answer(question, 0, typeOf(question) === TYPE_A ? [record] : []))
  t.strictSame(await resolveName('quick.example', { ...sources, makeResolver: quick.makeResolver }, patience), [
    { address: '192.0.2.7', family: 4 },
  ])
  t.equal(left, 0, 'while 64 wait')
  deadline.abort()
  t.strictSame(new Set(await Promise.all(slow)), new Set(['ECANCELLED']))
  t.ok(seen.questions <= 128)
})

t.test('the system is asked only for a name without a dot, or for one that no server knows', async t => {
  const asked: string[] = []
  const askSystem = async (host: string) => {
    asked.push(host)
    return LOCAL
  }
  const ask = async (host: string, code: number) => {
    const { makeResolver } = await serveNames(t, question => answer(question, code))
    return await resolveName(host, { makeResolver, askSystem }, patience)
  }
  const [NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME] = [0, 2, 3]
  t.strictSame(await ask('single', SERVER_FAILURE), LOCAL)
  t.strictSame(await ask('of.hosts', NO_SUCH_NAME), LOCAL)
  t.strictSame(await ask('empty.example', NO_ERROR), LOCAL)
  t.equal(await fails(ask('broken.example', SERVER_FAILURE)), 'ESERVFAIL')
  t.strictSame(asked, ['single', 'of.hosts', 'empty.example'])
})

t.test('a server that is silent about a name is no reason to ask the system', async t => {
  const { makeResolver } = await serveNames(t, () => undefined)
  const askSystem = async () => t.fail('asked the system')
  const sources = { makeResolver: () => makeResolver(50), askSystem: askSystem as never }
  t.equal(await fails(resolveName('slow.example', sources, patience)), 'ETIMEOUT')
})

t.test(
  'the system is asked for two names at a time, and who waits for his turn leaves when his time is up',
  async t => {
    const answers: (() => void)[] = []
    const sources = {
      makeResolver: () => new Resolver(),
      askSystem: () => new Promise<typeof LOCAL>(resolve => answers.push(() => resolve(LOCAL))),
    }
    const running = [1, 2].map(n => resolveName(`running${n}`, sources, patience))
    const deadline = new AbortController()
    const waiting = [1, 2, 3].map(n => fails(resolveName(`waiting${n}`, sources, deadline.signal)))
    const last = resolveName('last', sources, patience)
    t.equal(answers.length, 2)
    deadline.abort()
    t.strictSame(await Promise.all(waiting), ['ETIMEOUT', 'ETIMEOUT', 'ETIMEOUT'])
    t.equal(answers.length, 2, 'though the two still run')
    answers.forEach(answer => answer())
    t.strictSame(await Promise.all(running), [LOCAL, LOCAL])
    await new Promise(setImmediate)
    t.equal(answers.length, 3, 'who left is not asked about')
    answers[2]?.()
    t.strictSame(await last, LOCAL)
  },
)

t.test('who is being asked about may be left, too', async t => {
  const stuck = Promise.withResolvers<typeof LOCAL>()
  const sources = { makeResolver: () => new Resolver(), askSystem: () => stuck.promise }
  const deadline = new AbortController()
  const found = fails(resolveName('stuck', sources, deadline.signal))
  deadline.abort()
  t.equal(await found, 'ETIMEOUT')
  stuck.resolve(LOCAL)
})
