/** Sends spans to a collector, by OTLP over HTTP. Loaded only where a collector is configured: the SDK weighs more than the rest of the log and the metrics. */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { makeTracing, type Tracing } from './tracing.ts'

export type Spans = {
  readonly tracing: Tracing
  /** Sends what still waits, if that takes no longer than a moment; never rejects. */
  readonly close: () => Promise<void>
}

export type OtlpOptions = {
  /** `http://collector:4318/v1/traces` */
  readonly url: string
  /** Of traces that begin with us; where the caller says whether a trace is recorded, the caller is heard. */
  readonly percent: number
  /** The name of the Pod. */
  readonly instance: string
  /** Told why spans did not arrive: once, and again after some have. */
  readonly report: (error: unknown) => void
}

/** The collector is near, or it is not worth waiting for. */
const ANSWER_MS = 5000
const FAREWELL_MS = 2000

/** Some hundred admissions; what comes on top is dropped, so that a collector that is gone cannot eat our memory. */
const WAITING = 2048

/** Makes what traces into this collector. Headers come from OTEL_EXPORTER_OTLP_HEADERS, as of every OpenTelemetry program: they may hold a secret. */
export function openOtlp({ url, percent, instance, report }: OtlpOptions): Spans {
  const exporter = reporting(new OTLPTraceExporter({ url, timeoutMillis: ANSWER_MS }), report)
  return openSpans(new BatchSpanProcessor({ exporter, maxQueueSize: WAITING }), percent, instance)
}

/** Makes what traces into this processor. */
export function openSpans(processor: SpanProcessor, percent: number, instance: string): Spans {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shedu', 'service.instance.id': instance }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(percent / 100) }),
    spanProcessors: [processor],
  })
  const close = async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, FAREWELL_MS)
    await Promise.race([provider.shutdown().catch(() => {}), promise])
    clearTimeout(timer)
  }
  return { tracing: makeTracing(provider.getTracer('shedu')), close }
}

/** The same exporter, heard: the SDK itself says nothing unless a logger is set for the whole process. */
function reporting(exporter: OTLPTraceExporter, report: (error: unknown) => void): SpanExporter {
  let isFailing = false
  return {
    export: (spans, done) =>
      exporter.export(spans, result => {
        const { error } = result
        if (error !== undefined && !isFailing) report(error)
        isFailing = error !== undefined
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
  }
}
