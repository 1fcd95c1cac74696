/** What lies beside an image, each part by the reader that decodes it; nothing is verified here. */
import { isDeepStrictEqual } from 'node:util'
import { parseUntrustedJson } from '#core/json/untrusted-json.ts'
import {
  type Der,
  decodeDer,
  encodeDer,
  integerOf,
  itemsOf,
  oidOf,
  TAG,
  textOf as textOfDer,
  timeOf,
} from '#core/verify/der.ts'
import { decodeCertificatesPem } from '#core/verify/sigstore/certificate/certificate.ts'
import { decodeLegacyEntry } from '#core/verify/sigstore/log/decode-entry.ts'
import { decodeSignedNote } from '#core/verify/sigstore/log/signed-note.ts'
import { decodeSimpleSigning } from '#core/verify/sigstore/simple-signing.ts'
import { decodeLegacyTimestamp } from '#core/verify/sigstore/time/legacy-timestamp.ts'
import { decodeTimestamp } from '#core/verify/sigstore/time/timestamp-response.ts'
import { decodeEnvelope } from '#core/verify/statement/dsse.ts'
import { decodeStatement } from '#core/verify/statement/in-toto.ts'
import { RECORDED } from '#test/core/verify/sigstore/time/recorded-timestamps.ts'
import { ARTEFACTS, distinct } from './recorded.ts'
import { bytesOf, insist, LIMITS, quick, reads, readsText, type Target, textOf } from './target.ts'

const BUNDLES = ARTEFACTS.flatMap(one => (one.layout === 'bundle' ? [one.bytes] : []))
const ATTACHED = ARTEFACTS.flatMap(one => (one.layout === 'attachment' ? [one.bytes] : []))
const SIMPLE = ARTEFACTS.flatMap(one => (one.layout === 'simple-signing' ? [one] : []))
const ANNOTATIONS = ARTEFACTS.flatMap(one => (one.layout === 'bundle' ? [] : [one.annotations]))
const ENVELOPES = [
  ...ATTACHED,
  ...BUNDLES.map(bytes => bytesOf(JSON.stringify(JSON.parse(textOf(bytes)).dsseEnvelope))),
]
const STATEMENTS = ENVELOPES.map(bytes => Buffer.from(JSON.parse(textOf(bytes)).payload, 'base64'))
const annotated = (name: keyof (typeof ANNOTATIONS)[number]) =>
  distinct(ANNOTATIONS.flatMap(one => (one[name] === undefined ? [] : [bytesOf(one[name])])))

const CHAINS = [...annotated('certificate'), ...annotated('chain')]
const PAYLOADS = SIMPLE.map(({ payload }) => payload)
const RESPONSES = RECORDED.map(({ response }) => response)
const NOTE = 'log.test\n7\nAA==\n\n\u2014 log.test AAAAAAAA\n'

/** Whatever is taken, JavaScript's own reader reads in the same way. */
function readJson(bytes: Uint8Array): 'taken' {
  const value = parseUntrustedJson(bytes, LIMITS)
  insist(
    isDeepStrictEqual(value, JSON.parse(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))),
    'JSON.parse reads it otherwise',
  )
  return 'taken'
}

/** Every value at every level, put together again as it was. */
function readDer(bytes: Uint8Array): 'taken' {
  const open: Der[] = [decodeDer(bytes, 'a value')]
  for (let value = open.pop(), steps = 0; value !== undefined && steps < 200; value = open.pop(), steps++) {
    insist(Buffer.compare(encodeDer(value.tag, value.content), value.bytes) === 0, 'it has another encoding')
    if (value.tag === TAG.oid) oidOf(value, 'a value')
    if (value.tag === TAG.integer) integerOf(value, 'a value')
    if (value.tag === TAG.utf8String) textOfDer(value, 'a value')
    if (value.tag === TAG.utcTime || value.tag === TAG.generalizedTime) timeOf(value, 'a value')
    if ((value.tag & 0x20) !== 0) open.push(...itemsOf(value, 'a value'))
  }
  return 'taken'
}

function readSimpleSigning(bytes: Uint8Array): 'taken' {
  const [one] = SIMPLE
  if (one === undefined) throw new Error('nothing was recorded')
  decodeSimpleSigning({ ...one, payload: bytes })
  return 'taken'
}

function readEnvelope(bytes: Uint8Array): unknown {
  return decodeEnvelope(parseUntrustedJson(bytes, LIMITS), LIMITS.bytes)
}

export const ATTACHED_TARGETS: readonly Target[] = [
  quick('json', 'json', [...BUNDLES, ...ATTACHED], readJson),
  quick('simple-signing', 'json', PAYLOADS, readSimpleSigning),
  quick('log-annotation', 'json', annotated('bundle'), readsText(decodeLegacyEntry)),
  quick('timestamp-annotation', 'json', annotated('timestamp'), readsText(decodeLegacyTimestamp)),
  quick(
    'certificate-annotation',
    'text',
    CHAINS,
    readsText(text => decodeCertificatesPem(text, 8)),
  ),
  quick('envelope', 'json', ENVELOPES, reads(readEnvelope)),
  quick(
    'statement',
    'json',
    STATEMENTS,
    reads(bytes => decodeStatement(bytes, LIMITS.bytes)),
  ),
  quick('der', 'der', RESPONSES, readDer),
  quick('timestamp-response', 'der', RESPONSES, reads(decodeTimestamp)),
  quick('signed-note', 'text', [NOTE], readsText(decodeSignedNote)),
]
