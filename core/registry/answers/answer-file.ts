/**
 * An answer as it lies in a file: a line with the digest of all that follows, a line of JSON that says what was answered
 * to which question and when, and the body as it came. Whoever can write the file can write anything: the digest tells
 * damage, and nothing more. Pure.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { digestOf } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'
import { parseUntrustedJson } from '#core/json/untrusted-json.ts'
import type { Answer } from '../transport.ts'
import type { Question } from './question.ts'

export type KeptAnswer = {
  readonly answer: Answer
  /** When it was received. */
  readonly at: Date
}

type Named = Pick<Question, 'url' | 'accept'>

/** What stands before the body: an address and a Link header, each of a page at most, and some words. */
export const MOST_HEAD_BYTES = 64 * 1024

const FORM = 'shedu-answer/1'
const FIRST_LINE_BYTES = `${FORM} ${digestOf(new Uint8Array())}\n`.length
const LINE_END = 10

/** The headers that anybody reads here. Others may hold a token, and so does many an address that a registry sends us on to. */
const HEADERS = ['content-type', 'docker-content-digest', 'link'] as const

const Head = z.strictObject({
  url: z.string(),
  accept: z.string(),
  at: z.iso.datetime().pipe(z.coerce.date()),
  status: z.int(),
  headers: z.array(z.tuple([z.enum(HEADERS), z.string()])),
})

/** The file of this question: a hash, so that nothing a registry wrote becomes a path. */
export function fileNameOf({ url, accept }: Named): string {
  return createHash('sha256')
    .update(JSON.stringify([url.href, accept]))
    .digest('hex')
}

/** The file, or undefined for an answer whose head would be larger than is read. */
export function encodeAnswer(question: Named, { answer, at }: KeptAnswer): Uint8Array | undefined {
  const { status, bytes } = answer
  const headers = HEADERS.flatMap(name => {
    const text = answer.headers.get(name)
    return text === undefined ? [] : [[name, text]]
  })
  const head = Buffer.from(
    `${JSON.stringify({ url: question.url.href, accept: question.accept, at, status, headers })}\n`,
  )
  if (FIRST_LINE_BYTES + head.byteLength > MOST_HEAD_BYTES) return undefined
  const rest = Buffer.concat([head, bytes])
  return Buffer.concat([Buffer.from(`${FORM} ${digestOf(rest)}\n`), rest])
}

/** Reads what is the whole answer to this very question; anything else is an InputError. */
export function decodeAnswer(bytes: Uint8Array, { url, accept, definite, cap }: Question): KeptAnswer {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const rest = file.subarray(FIRST_LINE_BYTES)
  if (file.toString('latin1', 0, FIRST_LINE_BYTES) !== `${FORM} ${digestOf(rest)}\n`)
    throw new InputError('is damaged: it does not hold what was written')
  const end = rest.indexOf(LINE_END)
  const { status, headers, at, ...asked } = decodeHead(rest.subarray(0, Math.max(0, end)))
  if (asked.url !== url.href || asked.accept !== accept) throw new InputError('answers another question')
  const body = rest.subarray(end + 1)
  if (!definite.includes(status) || (status !== 200 && body.byteLength > 0))
    throw new InputError(`holds no answer that is kept: status ${status}, ${body.byteLength} bytes`)
  if (body.byteLength > cap.bytes) throw new InputError(`holds more than the ${cap.bytes} bytes that are read`)
  return { answer: { kind: 'answer', url, status, headers: new Map(headers), bytes: body }, at }
}

function decodeHead(bytes: Uint8Array): z.infer<typeof Head> {
  const head = Head.safeParse(parseUntrustedJson(bytes, { bytes: MOST_HEAD_BYTES, depth: 4, values: 100 }))
  if (head.success) return head.data
  throw new InputError('does not say what was answered to which question')
}
