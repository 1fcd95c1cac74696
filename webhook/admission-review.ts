/** The wire form of admission.k8s.io/v1: bytes to subject, answer to bytes. */
import { isUtf8 } from 'node:buffer'
import { InputError } from '#core/domain/input-error.ts'
import type { KubeObject, Operation, Subject } from '#core/domain/subject.ts'
import { asObject, asString, type JsonObject } from '#core/json/untrusted-json.ts'
import { UID } from './find-uid.ts'
import { refuseLargeReview } from './json-excess.ts'

const API_VERSION = 'admission.k8s.io/v1'
const KIND = 'AdmissionReview'

/** The longest name Kubernetes allows, a DNS subdomain (RFC 1123). These go into the log. */
const NAME_CHARACTERS = 253

const OPERATIONS: ReadonlySet<string> = new Set<Operation>(['CREATE', 'UPDATE', 'DELETE', 'CONNECT'])

/** Our side of a review, without the uid: k8s.io/api/admission/v1, AdmissionResponse. */
export type ReviewResponse = {
  readonly allowed: boolean
  readonly status?: ReviewStatus
  readonly warnings?: readonly string[]
  readonly auditAnnotations?: Readonly<Record<string, string>>
  readonly patchType?: 'JSONPatch'
  /** Base64 of a JSON patch. */
  readonly patch?: string
}

export type ReviewStatus = {
  readonly code: 400 | 403 | 500 | 503
  readonly reason: 'BadRequest' | 'Forbidden' | 'InternalError' | 'ServiceUnavailable'
  readonly message: string
}

type GroupVersionKind = { readonly group: string; readonly version: string; readonly kind: string }

/**
 * Decodes a review. The objects are handed on exactly as they were parsed: what is judged is what will be stored.
 * Throws an InputError that names the field. The API server wrote the bytes and has bounded and checked what the user
 * sent, but anyone who reaches the port can pretend to be it.
 */
export function decodeReview(bytes: Uint8Array): { readonly uid: string; readonly subject: Subject } {
  const review = asObject(parse(bytes), 'the review')
  expectText(review['apiVersion'], API_VERSION, 'apiVersion')
  expectText(review['kind'], KIND, 'kind')
  const request = asObject(review['request'], 'request')
  const uid = asString(request['uid'], 'request.uid')
  if (!UID.test(uid)) throw new InputError(`expected request.uid to be a uid, got ${quoted(uid)}`)
  return { uid, subject: subjectOf(request) }
}

/** Encodes an answer to the request of this uid. */
export function encodeReview(uid: string, response: ReviewResponse): string {
  return JSON.stringify({ apiVersion: API_VERSION, kind: KIND, response: { uid, ...response } })
}

/** Without the cause: V8 quotes what it could not parse, and a review holds Secrets. */
function parse(bytes: Uint8Array): unknown {
  refuseLargeReview(bytes)
  if (!isUtf8(bytes)) throw new InputError('expected the review in UTF-8')
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch {
    throw new InputError('expected the review as JSON')
  }
}

function subjectOf(request: JsonObject): Subject {
  const { group, version, kind } = kindOf(request)
  const operation = operationOf(request)
  const object = objectOf(request, 'object', { group, version, kind })
  if (object === undefined && (operation === 'CREATE' || operation === 'UPDATE'))
    throw new InputError(`expected request.object with ${operation}, got nothing`)
  return {
    operation,
    group,
    kind,
    subresource: textOf(request, 'subResource'),
    namespace: textOf(request, 'namespace'),
    name: textOf(request, 'name'),
    object,
    oldObject: objectOf(request, 'oldObject', { group, version, kind }),
    user: asString(asObject(request['userInfo'], 'request.userInfo')['username'] ?? '', 'request.userInfo.username'),
    isDryRun: isDryRun(request['dryRun']),
  }
}

function kindOf(request: JsonObject): GroupVersionKind {
  const kind = asObject(request['kind'], 'request.kind')
  return {
    group: textOf(kind, 'group', 'request.kind'),
    version: textOf(kind, 'version', 'request.kind'),
    kind: textOf(kind, 'kind', 'request.kind'),
  }
}

function operationOf(request: JsonObject): Operation {
  const operation = asString(request['operation'], 'request.operation')
  if (OPERATIONS.has(operation)) return operation as Operation
  throw new InputError(
    `expected request.operation to be one of ${[...OPERATIONS].join(', ')}, got ${quoted(operation)}`,
  )
}

/** The object says what it is as well as the request does; if they disagree, one of them would decide what we look at. */
function objectOf(request: JsonObject, field: string, expected: GroupVersionKind): KubeObject | undefined {
  const value = request[field]
  if (value === undefined || value === null) return undefined
  const object = asObject(value, `request.${field}`)
  const { group, version, kind } = expected
  expectText(object['kind'], kind, `request.${field}.kind`)
  expectText(object['apiVersion'], group === '' ? version : `${group}/${version}`, `request.${field}.apiVersion`)
  return object
}

/** A name of the envelope; Go leaves out what is empty. */
function textOf(values: JsonObject, field: string, at = 'request'): string {
  const text = asString(values[field] ?? '', `${at}.${field}`)
  if (text.length <= NAME_CHARACTERS) return text
  throw new InputError(`expected ${at}.${field} to have at most ${NAME_CHARACTERS} characters, got ${text.length}`)
}

function isDryRun(value: unknown): boolean {
  if (value === undefined || value === null) return false
  if (typeof value === 'boolean') return value
  throw new InputError(`expected request.dryRun to be true or false, got ${typeof value}`)
}

function expectText(value: unknown, expected: string, field: string): void {
  const text = asString(value, field)
  if (text !== expected) throw new InputError(`expected ${field} to be ${quoted(expected)}, got ${quoted(text)}`)
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
