/** What a timestamp says (TSTInfo; RFC 3161, section 2.4.2): of which bytes, and when. */
import { InputError } from '#core/domain/input-error.ts'
import {
  booleanOf,
  contextTag,
  type Der,
  decodeDer,
  expectTag,
  integerOf,
  oidOf,
  Parts,
  TAG,
  timeOf,
} from '#core/verify/der.ts'
import { decodeExtensions } from '../certificate/extensions.ts'
import { decodeHash, type StampHash } from './algorithm.ts'

export type TstInfo = {
  /** The hash of what was stamped. */
  readonly imprint: { readonly hash: StampHash; readonly value: Uint8Array }
  /** In milliseconds since 1970, cut off below. */
  readonly at: number
}

const WHAT = 'the content of the timestamp'

/** Decodes the content of a token. Its policy, serial number, nonce and name of the authority are read and count for nothing; throws an InputError. */
export function decodeTstInfo(bytes: Uint8Array): TstInfo {
  const parts = new Parts(decodeDer(bytes, WHAT, TAG.sequence), WHAT)
  if (integerOf(parts.take('the version'), 'the version of the timestamp') !== 1n)
    throw new InputError('expected a timestamp of version 1')
  oidOf(parts.take('the policy'), 'the policy of the timestamp')
  const imprint = decodeImprint(parts.take('the imprint'))
  integerOf(parts.take('the serial number'), 'the serial number of the timestamp')
  const at = timeOf(parts.take('the time', TAG.generalizedTime), 'the time of the timestamp')
  readAccuracy(parts.takeIf(TAG.sequence))
  const ordering = parts.takeIf(TAG.boolean)
  if (ordering !== undefined) booleanOf(ordering, 'the ordering of the timestamp')
  const nonce = parts.takeIf(TAG.integer)
  if (nonce !== undefined) integerOf(nonce, 'the nonce of the timestamp')
  const authority = parts.takeIf(contextTag(0, 'constructed'))
  if (authority !== undefined) decodeDer(authority.content, 'the name of the timestamp authority')
  refuseCritical(parts.takeIf(contextTag(1, 'constructed')))
  parts.end()
  return { imprint, at }
}

function decodeImprint(value: Der): TstInfo['imprint'] {
  const what = 'the imprint of the timestamp'
  const parts = new Parts(expectTag(value, TAG.sequence, what), what)
  const hash = decodeHash(parts.take('the hash'), `the hash of ${what}`)
  const { content } = parts.take('the digest', TAG.octetString)
  parts.end()
  return { hash, value: content }
}

/** Seconds, milliseconds, microseconds. Nobody's accuracy is so poor that a certificate's ten minutes would depend on it. */
function readAccuracy(value: Der | undefined): void {
  if (value === undefined) return
  const parts = new Parts(value, 'the accuracy of the timestamp')
  const seconds = parts.takeIf(TAG.integer)
  if (seconds !== undefined) integerOf(seconds, 'the seconds of the accuracy')
  parts.takeIf(contextTag(0, 'primitive'))
  parts.takeIf(contextTag(1, 'primitive'))
  parts.end()
}

/** None is defined that would have to be understood. */
function refuseCritical(value: Der | undefined): void {
  if (value === undefined) return
  for (const [oid, { critical }] of decodeExtensions(value))
    if (critical) throw new InputError(`expected no critical extension in the timestamp, got ${oid}`)
}
