/** One switch for each thing a bad registry can do on the wire. What is stored stays true; only the answer is bent. */
import { z } from 'zod'
import type { Asked } from './distribution.ts'
import { KINDS, linkTo } from './distribution.ts'
import type { Reply } from './reply.ts'
import { errorReply } from './reply.ts'

/** Ten minutes: longer than any test waits, and far below what a timer of Node can count. */
const MOST_MS = 600_000
const ms = z.number().nonnegative().max(MOST_MS)

/** Strict: a misspelt switch would be a test that cannot fail. */
const faultShape = z.strictObject({
  latencyMs: ms.optional(),
  status: z.int().optional(),
  retryAfterSeconds: z.int().optional(),
  body: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  contentType: z.string().optional(),
  wrongDigestHeader: z.string().optional(),
  corruptByte: z.int().nonnegative().optional(),
  redirectTo: z.url().optional(),
  alternate: z.array(z.string()).min(2).optional(),
  endlessLink: z.literal(true).optional(),
  lieLength: z.int().optional(),
  oversizeBytes: z.int().optional(),
  dripMs: ms.optional(),
  disconnect: z.literal(true).optional(),
  hang: z.literal(true).optional(),
})

export const faultRuleShape = z.strictObject({
  repository: z.string().optional(),
  kind: z.enum(KINDS).optional(),
  reference: z.string().optional(),
  fault: faultShape,
  times: z.int().positive().optional(),
})

export type Fault = Readonly<z.infer<typeof faultShape>>
export type FaultRule = Readonly<z.infer<typeof faultRuleShape>>

/** A fault that struck, and how often its rule had struck before. */
export type Strike = { readonly fault: Fault; readonly before: number }

/** The switches that are on. The first rule that matches and is not used up strikes. */
export class Faults {
  #rules: readonly { readonly rule: FaultRule; used: number }[] = []

  replace(rules: readonly FaultRule[]): void {
    this.#rules = rules.map(rule => ({ rule, used: 0 }))
  }

  strike(asked: Asked): Strike | undefined {
    const found = this.#rules.find(({ rule, used }) => matches(rule, asked) && used < (rule.times ?? Infinity))
    return found && { fault: found.rule.fault, before: found.used++ }
  }
}

function matches(rule: FaultRule, asked: Asked): boolean {
  return (['repository', 'kind', 'reference'] as const).every(
    name => rule[name] === undefined || rule[name] === asked[name],
  )
}

/** What is asked for once the fault has had its way: a tag that answers several digests in turn. */
export function divert(asked: Asked, { fault, before }: Strike): Asked {
  const reference = fault.alternate?.[before % fault.alternate.length]
  return reference === undefined ? asked : { ...asked, reference }
}

/** Bends an honest reply; several switches of one fault work together. */
export function distort(reply: Reply, asked: Asked, { fault }: Strike): Reply {
  return DISTORTIONS.reduce((bent, distortion) => distortion(bent, fault, asked), reply)
}

type Distortion = (reply: Reply, fault: Fault, asked: Asked) => Reply

const DISTORTIONS: readonly Distortion[] = [
  (reply, { status }) => (status === undefined ? reply : errorReply(status, 'as told')),
  (reply, { retryAfterSeconds: s }) => withHeader(reply, 'retry-after', s?.toString()),
  (reply, { body }) => (body === undefined ? reply : { ...reply, body: Buffer.from(body) }),
  (reply, { corruptByte }) => (corruptByte === undefined ? reply : { ...reply, body: flip(reply.body, corruptByte) }),
  (reply, { wrongDigestHeader }) => withHeader(reply, 'docker-content-digest', wrongDigestHeader),
  (reply, { contentType }) => withHeader(reply, 'content-type', contentType),
  (reply, { redirectTo }, { url }) => (redirectTo === undefined ? reply : redirect(redirectTo, url)),
  (reply, { endlessLink }, { url }) => withHeader(reply, 'link', endlessLink && linkTo(url, nextOf(url))),
  (reply, { headers = {} }) => ({ ...reply, headers: { ...reply.headers, ...headers } }),
]

function withHeader(reply: Reply, name: string, value: string | undefined): Reply {
  return value === undefined ? reply : { ...reply, headers: { ...reply.headers, [name]: value } }
}

function flip(body: Uint8Array, offset: number): Uint8Array {
  return body.map((byte, at) => (at === offset % body.length ? byte ^ 1 : byte))
}

/** An origin alone keeps the path that was asked for: a blob store elsewhere. */
function redirect(to: string, { pathname, search }: URL): Reply {
  const target = new URL(to)
  const location = target.pathname === '/' ? new URL(pathname + search, target) : target
  return { status: 307, headers: { location: location.href }, body: Buffer.alloc(0) }
}

function nextOf(url: URL): number {
  return Number(url.searchParams.get('page') ?? 0) + 1
}
