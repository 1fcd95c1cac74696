/** In-toto statements: what an envelope says, and of which images. */
import { InputError } from '#core/domain/input-error.ts'
import { LimitError } from '#core/json/limit-error.ts'
import type { JsonObject } from '#core/json/untrusted-json.ts'
import { asArray, asObject, asString, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { quote } from '#core/verify/quote.ts'

/** in-toto/attestation, spec/README.md, "Envelope": the payload type of every statement, of either version. */
export const STATEMENT_PAYLOAD_TYPE = 'application/vnd.in-toto+json'

const STATEMENT_TYPES: readonly unknown[] = ['https://in-toto.io/Statement/v0.1', 'https://in-toto.io/Statement/v1']

/** The limits of sigstore-go, taken over after CVE-2024-45395 (masses of subjects in one small request). */
const SUBJECTS = 1024
const DIGESTS_PER_SUBJECT = 32

/** A signature's statement has four levels; provenance and bills of materials, which must be told apart from one, have more. */
const DEPTH = 64

/** A bill of materials has some ten for each part: room for the tens of thousands of files of a large image. As many take 0.2 s to read, in a thread. */
const VALUES = 200_000

/** Decoded, not verified. */
export type Statement = {
  readonly predicateType: string
  /** The subjects that have a SHA-256, as `sha256:…`; one that is known by other algorithms only is no image of ours. */
  readonly subjects: readonly string[]
  /** What subjects are known by besides, as `sha384:…` and `sha512:…`: files may be, images are not. */
  readonly longerDigests: readonly string[]
}

/** Decodes a statement of version 0.1 or 1; throws an InputError, a LimitError where there is too much of something. */
export function decodeStatement(bytes: Uint8Array, mostBytes: number): Statement {
  const statement = asObject(
    parseUntrustedJson(bytes, { bytes: mostBytes, depth: DEPTH, values: VALUES }),
    'the statement',
  )
  const type = statement['_type']
  if (!STATEMENT_TYPES.includes(type))
    throw new InputError(
      `expected an in-toto statement, got the type ${typeof type === 'string' ? quote(type) : typeof type}`,
    )
  const digests = asArray(statement['subject'], 'the subjects', SUBJECTS).map(digestsOfSubject)
  return {
    predicateType: asString(statement['predicateType'], 'the predicate type'),
    subjects: digests.flatMap(digestOfSubject),
    longerDigests: digests.flatMap(longerOfSubject),
  }
}

function digestsOfSubject(subject: unknown): JsonObject {
  const digests = asObject(asObject(subject, 'a subject')['digest'], 'the digest of a subject')
  const count = Object.keys(digests).length
  if (count > DIGESTS_PER_SUBJECT)
    throw new LimitError(`expected at most ${DIGESTS_PER_SUBJECT} digests of a subject, got ${count}`)
  return digests
}

function longerOfSubject(digests: JsonObject): readonly string[] {
  return ['sha384', 'sha512'].flatMap(algorithm => {
    const digest = Object.hasOwn(digests, algorithm) ? digests[algorithm] : undefined
    return typeof digest === 'string' ? [`${algorithm}:${digest}`] : []
  })
}

function digestOfSubject(digests: JsonObject): readonly string[] {
  return Object.hasOwn(digests, 'sha256') ? [`sha256:${asString(digests['sha256'], 'the SHA-256 of a subject')}`] : []
}
