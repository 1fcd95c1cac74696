/** What is seen of an admission while it is under way: counted, timed, traced, and kept together for its one event. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Fact } from '#core/domain/fact.ts'
import type { ImageUse } from '#core/domain/image-use.ts'
import type { Workload } from '#core/domain/workload.ts'
import type { Metrics } from './make-metrics.ts'
import type { AnswerClass, Evidence, FindingKind, Lookup, Review, VerifyPlace } from './metrics.ts'
import type { Attributes, Context, Traced, Tracing } from './tracing.ts'

/** The steps of an admission; the first and the last two once, the others as often as they are needed. */
type Step = 'plan' | 'resolve' | 'discover' | 'registry request' | 'verify' | 'gather' | 'judge'

/** What one admission came to, besides its verdict. Sums: steps that run side by side add up to more than the admission took. */
export type Account = {
  /** Those that were looked at. */
  images: readonly ImageUse[]
  readonly ms: Partial<Record<Step, number>>
  readonly cache: Record<Lookup, number>
  readonly findings: Record<FindingKind, number>
  registryRequests: number
  /** Where somebody records it. */
  traceId: string | undefined
  /** Says something of the whole admission in its span. Never what is secret; names and codes. */
  readonly describe: (attributes: Attributes) => void
}

export type RegistryRequest = {
  /** Host and port. */
  readonly host: string
  readonly thing: 'manifest' | 'blob' | 'referrers' | 'tags' | 'token' | 'other'
}

/** What a request came to: its class, and the status where there was one. */
export type RegistryAnswer = { readonly answer: AnswerClass; readonly status?: number }

/** Follows a request to its end. `classify` is told what it came to, or what it threw. */
export type ObserveRequest = <T>(
  request: RegistryRequest,
  work: () => Promise<T>,
  classify: (outcome: Outcome<T>) => RegistryAnswer,
) => Promise<T>

/** Whoever works for an admission reports by these; each returns or throws what its work does, and may be called outside of any admission. */
export type Sight = {
  /** Runs one admission: what is reported meanwhile, by whomever it calls and awaits, counts to its account. */
  readonly admission: <T>(review: Review, traceparent: unknown, work: (account: Account) => Promise<T>) => Promise<T>
  /** Runs one step. `until` says of what it returns when it is over; without it, at once or when the promise settles. */
  readonly step: <T>(step: Step, work: () => T, until?: (result: T) => Promise<unknown>) => T
  /** Told what was found out about all images of one workload. */
  readonly found: (workload: Workload, facts: readonly Fact[]) => void
  /** Told of so many findings where they came from. */
  readonly lookedUp: (result: Lookup, count: number) => void
  /** Runs the verification of one artefact. */
  readonly verify: <T>(evidence: Evidence, place: VerifyPlace, work: () => Promise<T>) => Promise<T>
  readonly request: ObserveRequest
}

type Here = { readonly account: Account; readonly context: Context | undefined }

/** Makes one for a process. Without tracing there are no spans, and nothing is paid for them. */
export function makeSight(metrics: Metrics, tracing?: Tracing): Sight {
  const here = new AsyncLocalStorage<Here>()
  const open = makeOpener(here, tracing)
  return {
    admission: (review, traceparent, work) =>
      runAdmission({ here, tracing }, tracing?.beginServing(review, traceparent), work),
    step: (step, work, until) => {
      const opened = open(step)
      return opened === undefined ? work() : runStep(opened, work, until)
    },
    found(workload, facts) {
      const account = here.getStore()?.account
      if (account !== undefined) account.images = workload.images
      for (const { found } of facts) {
        metrics.found(found.kind, 1)
        if (found.kind === 'proof' && found.signedAt !== undefined)
          metrics.provenAfter(Math.max(0, Date.now() - Date.parse(found.signedAt)))
        if (account !== undefined) account.findings[found.kind]++
      }
    },
    lookedUp(result, count) {
      if (count === 0) return
      metrics.lookedUp('memory', result, count)
      const cache = here.getStore()?.account.cache
      if (cache !== undefined) cache[result] += count
    },
    verify: (evidence, place, work) =>
      runTimed(open('verify', { 'shedu.evidence': evidence, 'shedu.place': place }), work, ms => {
        metrics.verified(evidence, place, ms)
        return {}
      }),
    request: ({ host, thing }, work, classify) => {
      const account = here.getStore()?.account
      if (account !== undefined) account.registryRequests++
      return runTimed(
        open('registry request', { 'server.address': host, 'shedu.thing': thing }),
        work,
        (ms, outcome) => {
          const { answer, status } = classify(outcome)
          metrics.requested(answer, ms)
          return { 'shedu.answer': answer, ...(status === undefined ? {} : { 'http.response.status_code': status }) }
        },
      )
    },
  }
}

/** Sees nothing, and stands in nobody's way. */
export const UNSEEN: Sight = {
  admission: (_review, _traceparent, work) => work(openAccount(undefined)),
  step: (_step, work) => work(),
  found: () => {},
  lookedUp: () => {},
  verify: (_evidence, _place, work) => work(),
  request: (_request, work) => work(),
}

function openAccount(span: Traced['span'] | undefined): Account {
  return {
    images: [],
    ms: {},
    cache: { hit: 0, miss: 0, shared: 0 },
    findings: { proof: 0, refusal: 0, silence: 0 },
    registryRequests: 0,
    traceId: span?.isRecording() === true ? span.spanContext().traceId : undefined,
    describe: attributes => void span?.setAttributes(attributes),
  }
}

async function runAdmission<T>(
  { here, tracing }: { readonly here: AsyncLocalStorage<Here>; readonly tracing: Tracing | undefined },
  traced: Traced | undefined,
  work: (account: Account) => Promise<T>,
): Promise<T> {
  const account = openAccount(traced?.span)
  try {
    return await here.run({ account, context: traced?.context }, () => work(account))
  } catch (error) {
    if (traced !== undefined) tracing?.failed(traced.span, error)
    throw error
  } finally {
    traced?.span.end()
  }
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown }

/** A step that has begun, in an admission. */
type Opened = {
  readonly run: <T>(work: () => T) => T
  readonly end: (outcome: Outcome<unknown>, attributes?: Attributes) => void
}

function makeOpener(here: AsyncLocalStorage<Here>, tracing: Tracing | undefined) {
  return (step: Step, attributes: Attributes = {}): Opened | undefined => {
    const seen = here.getStore()
    if (seen === undefined) return undefined
    const { account, context } = seen
    const started = performance.now()
    const traced = context === undefined ? undefined : tracing?.begin(step, context, attributes)
    return {
      run: work => (traced === undefined ? work() : here.run({ account, context: traced.context }, work)),
      end(outcome, more = {}) {
        account.ms[step] = (account.ms[step] ?? 0) + performance.now() - started
        if (traced === undefined) return
        if ('error' in outcome) tracing?.failed(traced.span, outcome.error)
        traced.span.setAttributes(more).end()
      },
    }
  }
}

/** Runs it, and ends it without letting whoever waits for the result wait any longer. */
function runStep<T>(opened: Opened, work: () => T, until?: (result: T) => Promise<unknown>): T {
  let result: T
  try {
    result = opened.run(work)
  } catch (error) {
    opened.end({ error })
    throw error
  }
  const over = until?.(result) ?? result
  if (over instanceof Promise)
    over.then(
      value => opened.end({ value }),
      (error: unknown) => opened.end({ error }),
    )
  else opened.end({ value: result })
  return result
}

/** The same of work whose time is told, whether it belongs to an admission or not. */
async function runTimed<T>(
  opened: Opened | undefined,
  work: () => Promise<T>,
  tell: (ms: number, outcome: Outcome<T>) => Attributes,
): Promise<T> {
  const started = performance.now()
  const outcome = await (opened === undefined ? work() : opened.run(work)).then(
    (value): Outcome<T> => ({ value }),
    (error: unknown): Outcome<T> => ({ error }),
  )
  const attributes = tell(performance.now() - started, outcome)
  opened?.end(outcome, attributes)
  if ('error' in outcome) throw outcome.error
  return outcome.value
}
