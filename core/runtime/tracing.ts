/** Spans by OpenTelemetry's API alone. Loaded by whoever has a tracer: without one there are no spans, and nothing is paid for them. */
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { Unavailable } from '#core/domain/unavailable.ts'

export type { Attributes, Context }

/** A span, and the context in which its children begin. */
export type Traced = { readonly span: Span; readonly context: Context }

export type Tracing = {
  /** Begins the span of a whole admission, in the trace that its caller says it is in. */
  readonly beginServing: (name: string, traceparent: unknown) => Traced
  /** Begins a span of our own work, or of a request that we send. */
  readonly begin: (name: string, parent: Context, attributes: Attributes) => Traced
  /** Marks a span as failed by what kind of error it was; what an error says may quote anything, and goes to the log alone. */
  readonly failed: (span: Span, error: unknown) => void
}

/** W3C Trace Context, 3.2.2: version 00, whose fields are of fixed length; later versions may append to it. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/
const TRACEPARENT_CHARACTERS = 256

/** The trace that a caller says it is in, by its header; the beginning of a new one for whatever does not read as that. */
export function contextOf(traceparent: unknown): Context {
  const parent = parseTraceparent(traceparent)
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent)
}

/** Makes spans by this tracer. Nothing is global: whatever else traces in this process neither sees them nor is seen. */
export function makeTracing(tracer: Tracer): Tracing {
  return {
    beginServing(name, traceparent) {
      const parent = contextOf(traceparent)
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, parent)
      return { span, context: trace.setSpan(parent, span) }
    },
    begin(name, parent, attributes) {
      const kind = name === 'registry request' ? SpanKind.CLIENT : SpanKind.INTERNAL
      const span = tracer.startSpan(name, { kind, attributes }, parent)
      return { span, context: trace.setSpan(parent, span) }
    },
    failed(span, error) {
      span.setAttribute('error.type', typeOf(error))
      span.setStatus({ code: SpanStatusCode.ERROR })
    },
  }
}

function typeOf(error: unknown): string {
  if (error instanceof Unavailable) return error.code
  return error instanceof Error ? error.name.slice(0, 100) : typeof error
}

function parseTraceparent(header: unknown): SpanContext | undefined {
  if (typeof header !== 'string' || header.length > TRACEPARENT_CHARACTERS) return undefined
  const [, traceId, spanId, flags] = TRACEPARENT.exec(header) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  // Version 00 ends here: with anything behind it, it is none.
  if (header.startsWith('00-') && header.length !== 55) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
}
