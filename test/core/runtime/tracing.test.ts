import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { trace } from '@opentelemetry/api'
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace'
import t from 'tap'
import { Unavailable } from '#core/domain/unavailable.ts'
import { makeMetrics } from '#core/runtime/make-metrics.ts'
import { openOtlp, openSpans } from '#core/runtime/otlp.ts'
import { makeSight } from '#core/runtime/sight.ts'
import { contextOf } from '#core/runtime/tracing.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

function make(percent = 100) {
  const exporter = new InMemorySpanExporter()
  const { tracing } = openSpans(new SimpleSpanProcessor({ exporter }), percent, 'pod-0')
  return { sight: makeSight(makeMetrics(), tracing), spans: () => exporter.getFinishedSpans() }
}

t.test('a caller is believed about the trace it is in, as far as W3C Trace Context has it', async t => {
  const parse = (header: unknown) => trace.getSpanContext(contextOf(header))
  t.match(parse(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true })
  t.match(parse(`00-${TRACE}-${SPAN}-00`), { traceFlags: 0 })
  t.match(parse(`cc-${TRACE}-${SPAN}-03-what the future is like`), { traceId: TRACE, traceFlags: 1 })
  for (const header of [
    undefined,
    '',
    5,
    [`00-${TRACE}-${SPAN}-01`],
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-1`,
    ` 00-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01-${'x'.repeat(300)}`,
  ])
    t.equal(parse(header), undefined, String(header))
})

t.test('the trace of a caller goes on, and steps hang below each other', async t => {
  const { sight, spans } = make()
  const traceId = await sight.admission('validate', `00-${TRACE}-${SPAN}-01`, async account => {
    await sight.step('gather', () => sight.verify('key', 'inline', async () => {}))
    account.describe({ 'shedu.outcome': 'allow' })
    return account.traceId
  })
  t.equal(traceId, TRACE)
  const [verify, gather, admission] = spans()
  t.match(
    [verify, gather, admission].map(span => span?.name),
    ['verify', 'gather', 'validate'],
  )
  t.equal(verify?.parentSpanContext?.spanId, gather?.spanContext().spanId)
  t.equal(gather?.parentSpanContext?.spanId, admission?.spanContext().spanId)
  t.match(admission, { parentSpanContext: { spanId: SPAN }, attributes: { 'shedu.outcome': 'allow' } })
  t.match(verify?.attributes, { 'shedu.evidence': 'key', 'shedu.place': 'inline' })
  t.match(admission?.resource.attributes, { 'service.name': 'shedu', 'service.instance.id': 'pod-0' })
})

t.test('a span of a failure tells what kind of failure it was, and not in its words', async t => {
  const { sight, spans } = make()
  const errors = [new Unavailable('registry.unreachable', 's3cret'), new TypeError('s3cret'), 's3cret']
  for (const error of errors)
    await t.rejects(sight.admission('validate', undefined, () => sight.step('gather', () => Promise.reject(error))))
  t.strictSame(
    spans().map(({ name, attributes, status }) => [name, attributes['error.type'], status.code]),
    ['registry.unreachable', 'TypeError', 'string'].flatMap(type => [
      ['gather', type, 2],
      ['validate', type, 2],
    ]),
  )
  t.notMatch(JSON.stringify(spans().map(({ attributes, events, status }) => [attributes, events, status])), 's3cret')
})

t.test('who calls decides whether a trace is recorded; where nobody says, the share does', async t => {
  const none = make(0)
  const admit = (traceparent?: string) => none.sight.admission('validate', traceparent, async ({ traceId }) => traceId)
  t.equal(await admit(), undefined)
  t.equal(await admit(`00-${TRACE}-${SPAN}-00`), undefined)
  t.equal(none.spans().length, 0)
  t.equal(await admit(`00-${TRACE}-${SPAN}-01`), TRACE)
  const all = make(100)
  t.equal(await all.sight.admission('validate', `00-${TRACE}-${SPAN}-00`, async ({ traceId }) => traceId), undefined)
  t.equal(all.spans().length, 0)
})

t.test('spans reach a collector by OTLP before the process ends', async t => {
  const received = Promise.withResolvers<{ url: string | undefined; body: string }>()
  const collector = createServer((request, reply) => {
    let body = ''
    request.setEncoding('utf8').on('data', piece => (body += piece))
    request.on('end', () => {
      reply.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      received.resolve({ url: request.url, body })
    })
  })
  await new Promise<void>(resolve => collector.listen(0, '127.0.0.1', resolve))
  t.teardown(() => collector.close())
  const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`
  const { tracing, close } = openOtlp({ url, percent: 100, instance: 'pod-0', report: error => t.fail(String(error)) })
  await makeSight(makeMetrics(), tracing).admission('validate', undefined, async () => {})
  await close()
  const { url: path, body } = await received.promise
  t.equal(path, '/v1/traces')
  t.match(body, /"name":"validate"/)
})

t.test('a collector that is not there is reported once, and holds up nobody', async t => {
  const closed = createServer()
  await new Promise<void>(resolve => closed.listen(0, '127.0.0.1', resolve))
  const { port } = closed.address() as AddressInfo
  await new Promise(resolve => closed.close(resolve))
  const reported: unknown[] = []
  const url = `http://127.0.0.1:${port}/v1/traces`
  const { tracing, close } = openOtlp({ url, percent: 100, instance: '', report: error => reported.push(error) })
  await makeSight(makeMetrics(), tracing).admission('validate', undefined, async () => {})
  const started = performance.now()
  await close()
  t.ok(performance.now() - started < 4000)
  t.ok(reported.length <= 1)
})
