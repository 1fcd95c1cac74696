/** One review, from the bytes to the answer and the one line of log about it. Whatever goes wrong on the way, the answer is closed. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { InputError } from '#core/domain/input-error.ts'
import type { Code } from '#core/domain/refusal.ts'
import type { Subject } from '#core/domain/subject.ts'
import type { Gate } from '#core/gate/gate.ts'
import { deadline, orGiveUp } from '#core/runtime/deadline.ts'
import { type Log, logAdmission } from '#core/runtime/log.ts'
import type { Metrics } from '#core/runtime/make-metrics.ts'
import type { Outcome, Review } from '#core/runtime/metrics.ts'
import type { Account, Sight } from '#core/runtime/sight.ts'
import { decodeReview, encodeReview, type ReviewResponse } from './admission-review.ts'
import { NotReady, respondFault } from './fault.ts'
import { findUid } from './find-uid.ts'
import { type HeldBytes, REVIEW_BYTES, type ReviewBody, readReviewBody } from './review-body.ts'
import { tellSubject, tellWork } from './tell.ts'
import { type Timing, timeBudget } from './time-budget.ts'

export type AnswerDeps = {
  /** Undefined until policies are loaded. */
  readonly gate: () => Gate | undefined
  readonly timing: Timing
  readonly log: Log
  readonly metrics: Metrics
  readonly sight: Sight
  /** The versions of the trust roots in force, by name: for the log. */
  readonly trustRoots: () => Readonly<Record<string, string>>
  /** Told of each subject that was not let in, and of the answer. Neither waits nor throws: the answer comes after it. */
  readonly onClosed: (subject: Subject, response: ReviewResponse) => void
  readonly held: HeldBytes
}

/** A response, and what is worth counting and logging about it. */
export type Answer = {
  readonly outcome: Outcome
  readonly codes: readonly Code[]
  readonly response: ReviewResponse
  readonly told: Readonly<Record<string, unknown>>
}

/** One of the two webhooks: its name, and what it does with a subject before the signal aborts. */
export type Webhook = AnswerDeps & {
  readonly review: Review
  readonly decide: (subject: Subject, gate: Gate, signal: AbortSignal) => Promise<Answer>
}

/** Answers one request. Rejects only when the log or the metrics fail; answerFault speaks then. */
export async function answer(webhook: Webhook, request: FastifyRequest, reply: FastifyReply): Promise<string> {
  const { review, metrics, sight } = webhook
  const started = performance.now()
  const { timeout } = request.query as { readonly timeout?: unknown }
  const { workMs, graceMs } = timeBudget(timeout, webhook.timing)
  // The API server's clock runs since it began to send: what reading the body takes is part of it.
  using limit = deadline(workMs)
  reply.raw.once('close', limit.hangUp)
  metrics.inFlight(review, 1)
  try {
    return await sight.admission(review, request.headers['traceparent'], async account => {
      const body = await bodyOf(request, reply, webhook.held)
      const decided = await decideOn(body, webhook, request, { signal: limit.signal, graceMs })
      report(webhook, decided, account, performance.now() - started)
      return encode(reply, decided.uid, decided.given.response)
    })
  } finally {
    reply.raw.off('close', limit.hangUp)
    metrics.inFlight(review, -1)
  }
}

/** Says no to a request that reached no webhook, or broke one: in a review, if its uid can be found. */
export async function answerFault(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  held: HeldBytes,
): Promise<string> {
  const { bytes } = await bodyOf(request, reply, held)
  return encode(reply, findUid(bytes), respondFault(error).response)
}

type Decided = { readonly uid: string | undefined; readonly subject: Subject | undefined; readonly given: Answer }

/** Counts the decision and writes its one event, whatever the outcome. */
function report(webhook: Webhook, { uid, subject, given }: Decided, account: Account, ms: number): void {
  const { review, metrics, log, trustRoots, onClosed } = webhook
  const { outcome, codes, told, response } = given
  metrics.decided(review, outcome, codes, ms)
  const what = { uid, review, ...tellSubject(subject), outcome, codes }
  const how = { ...tellWork(account), ...told, trustRoots: trustRoots(), ms: Math.round(ms * 10) / 10 }
  logAdmission(log, { ...what, ...how })
  account.describe({
    'shedu.uid': uid ?? '',
    'shedu.outcome': outcome,
    'shedu.codes': [...codes],
    'shedu.kind': subject?.kind ?? '',
    'shedu.operation': subject?.operation ?? '',
    'k8s.namespace.name': subject?.namespace ?? '',
  })
  if (subject !== undefined && !response.allowed) onClosed(subject, response)
}

/** How long there is: until the signal aborts, and a little more for what stops late. */
type Patience = { readonly signal: AbortSignal; readonly graceMs: number }

async function decideOn(
  body: ReviewBody,
  webhook: Webhook,
  request: FastifyRequest,
  patience: Patience,
): Promise<Decided> {
  let asked: ReturnType<typeof decodeReview> | undefined
  try {
    refuseUnusable(request, body)
    asked = decodeReview(body.bytes)
    return { ...asked, given: await decideInTime(asked.subject, webhook, patience) }
  } catch (error) {
    return { uid: asked?.uid ?? findUid(body.bytes), subject: asked?.subject, given: respondFault(error) }
  }
}

async function decideInTime(subject: Subject, { gate, decide }: Webhook, patience: Patience): Promise<Answer> {
  const open = gate()
  if (open === undefined) throw new NotReady('no policies are loaded')
  const { signal, graceMs } = patience
  return await orGiveUp(decide(subject, open, signal), signal, graceMs)
}

/** Reads the body once: who asks again gets what the first one got. */
async function bodyOf(request: FastifyRequest, reply: FastifyReply, held: HeldBytes): Promise<ReviewBody> {
  request.body ??= await readReviewBody(request.raw, held, new Promise(resolve => reply.raw.once('close', resolve)))
  const body = request.body as ReviewBody
  if (body.is === 'endless') reply.header('connection', 'close')
  return body
}

function refuseUnusable(request: FastifyRequest, body: ReviewBody): void {
  if (body.is === 'no-room') throw new NotReady('too much is held')
  if (body.is === 'broken') throw new InputError('expected the whole review, the connection broke before its end')
  if (body.is !== 'whole') throw new InputError(`expected at most ${REVIEW_BYTES} bytes of review, got more`)
  const type = request.headers['content-type'] ?? ''
  if (type.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json')
    throw new InputError(`expected content type application/json, got ${JSON.stringify(type.slice(0, 80))}`)
}

function encode(reply: FastifyReply, uid: string | undefined, response: ReviewResponse): string {
  if (uid !== undefined) {
    reply.code(200).type('application/json')
    return encodeReview(uid, response)
  }
  // A review without the uid of its request is an error to the API server, so nothing is lost by being plain.
  reply.code(response.status?.code ?? 500).type('text/plain; charset=utf-8')
  return `${response.status?.message}\n`
}
