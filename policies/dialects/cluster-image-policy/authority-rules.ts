/** The rules of one authority: which of its fields go together, and what must be true of each. */
import { InputError } from '#core/domain/input-error.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import { NOT_SUPPORTED_YET } from '#core/kinds/cluster-image-policy.ts'
import { parseIdentityExpression } from '../../identity-expression.ts'
import type { FieldPath } from './faults.ts'
import { both, invalid, missing, shown } from './faults.ts'
import {
  eitherFaults,
  givenOf,
  isGiven,
  nameFaults,
  notSupportedFaults,
  oneOfFaults,
  textFaults,
} from './field-rules.ts'
import { parseHashAlgorithm } from './hash-algorithm.ts'
import { isObject, itemsOf, memberOf } from './members.ts'

/** Fields that say how a signature is checked, and so contradict an authority that checks none. */
const NOT_BESIDE_STATIC = ['attestations', 'ctlog', 'rfc3161timestamp', 'source']

/** What stands for the text of a key in a message: it may be a private key that was put into the wrong place. */
const NOT_REPEATED = '(text not shown)'

/** Every broken rule of an authority; none for what is no object. */
export function authorityFaults(authority: unknown, path: FieldPath): readonly string[] {
  if (!isObject(authority)) return []
  const beside = isGiven(authority, 'static') ? givenOf(authority, NOT_BESIDE_STATIC) : []
  const attestations = itemsOf(memberOf(authority, 'attestations'))
  return [
    ...notSupportedFaults(authority, NOT_SUPPORTED_YET.authority, path),
    ...oneOfFaults(authority, ['key', 'keyless', 'static'], path),
    ...(beside.length === 0 ? [] : [both([...beside, 'static'].map(field => [...path, field]))]),
    ...keyFaults(memberOf(authority, 'key'), [...path, 'key']),
    ...keylessFaults(memberOf(authority, 'keyless'), [...path, 'keyless']),
    ...logFaults(memberOf(authority, 'ctlog'), [...path, 'ctlog']),
    ...trustRootFaults(memberOf(authority, 'rfc3161timestamp'), [...path, 'rfc3161timestamp']),
    ...attestations.flatMap((attestation, index) =>
      notSupportedFaults(attestation, NOT_SUPPORTED_YET.attestation, [...path, 'attestations', index]),
    ),
  ]
}

function keyFaults(key: unknown, path: FieldPath): readonly string[] {
  if (!isObject(key)) return []
  const data = memberOf(key, 'data')
  const hash = memberOf(key, 'hashAlgorithm')
  return [
    ...notSupportedFaults(key, NOT_SUPPORTED_YET.key, path),
    ...oneOfFaults(key, ['data', 'kms', 'secretRef'], path),
    ...textFaults(data, parsePublicKey, detail => invalid(NOT_REPEATED, [...path, 'data'], detail)),
    ...textFaults(hash, parseHashAlgorithm, detail => invalid(shown(hash), [...path, 'hashAlgorithm'], detail)),
  ]
}

function keylessFaults(keyless: unknown, path: FieldPath): readonly string[] {
  if (!isObject(keyless)) return []
  const identities = itemsOf(memberOf(keyless, 'identities'))
  const sources = givenOf(keyless, ['ca-cert', 'url'])
  return [
    ...notSupportedFaults(keyless, NOT_SUPPORTED_YET.keyless, path),
    ...(sources.length < 2 ? [] : [both(sources.map(field => [...path, field]))]),
    ...urlFaults(keyless, path),
    ...identities.flatMap((identity, index) => identityFaults(identity, [...path, 'identities', index])),
    ...trustRootFaults(keyless, path),
  ]
}

function identityFaults(identity: unknown, path: FieldPath): readonly string[] {
  if (!isObject(identity)) return []
  const faultsIn = (field: string): readonly string[] => {
    const text = memberOf(identity, field)
    return textFaults(text, parseIdentityExpression, detail => invalid(shown(text), [...path, field], detail))
  }
  return [
    ...eitherFaults(identity, ['issuer', 'issuerRegExp'], path),
    ...eitherFaults(identity, ['subject', 'subjectRegExp'], path),
    ...faultsIn('issuerRegExp'),
    ...faultsIn('subjectRegExp'),
  ]
}

/** One that names no log could mean the default one or none at all: the reference takes it for both, by the version it is read in. */
function logFaults(log: unknown, path: FieldPath): readonly string[] {
  if (!isObject(log)) return []
  const fields = ['trustRootRef', 'url']
  const isEmpty = givenOf(log, fields).length === 0
  return [
    ...(isEmpty ? [missing(...fields.map(field => [...path, field]))] : []),
    ...urlFaults(log, path),
    ...trustRootFaults(log, path),
  ]
}

function trustRootFaults(value: unknown, path: FieldPath): readonly string[] {
  return nameFaults(memberOf(value, 'trustRootRef'), [...path, 'trustRootRef'])
}

function urlFaults(value: unknown, path: FieldPath): readonly string[] {
  const url = memberOf(value, 'url')
  return textFaults(url, parseUrl, detail => invalid(shown(url), [...path, 'url'], detail))
}

function parseUrl(text: string): void {
  if (/^https?:\/\/[^/]/i.test(text) && URL.canParse(text)) return
  throw new InputError('expected an absolute http or https URL')
}
