/** What is valid in a ClusterImagePolicy and may not do what its author meant, each with the path of the field. */
import type { ClusterImagePolicy } from '#core/kinds/cluster-image-policy.ts'
import { expressionWarnings, type IdentityPart } from '../../identity-canaries.ts'
import { parseIdentityExpression } from '../../identity-expression.ts'
import { parseImageGlob } from '../../image-glob.ts'
import type { Authority } from './compile-authority.ts'
import type { FieldPath } from './faults.ts'
import { invalid, pathText, shown } from './faults.ts'
import { predicateTypeWarning } from './predicate-type.ts'

type Identity = NonNullable<Authority['keyless']>['identities'][number]

/** All of a policy that broke no rule. */
export function policyWarnings({ images, authorities }: ClusterImagePolicy['spec']): readonly string[] {
  return [
    ...images.flatMap(({ glob }, index) =>
      parseImageGlob(glob).warnings.map(warning => quoting(glob, ['spec', 'images', index, 'glob'], warning)),
    ),
    ...authorities.flatMap((authority, index) => authorityWarnings(authority, ['spec', 'authorities', index])),
  ]
}

function authorityWarnings(authority: Authority, path: FieldPath): readonly string[] {
  const { keyless, attestations = [] } = authority
  return [
    ...(keyless?.identities ?? []).flatMap((identity, index) =>
      identityWarnings(identity, [...path, 'keyless', 'identities', index]),
    ),
    ...witnessWarnings(authority, path),
    ...attestations.flatMap(({ predicateType }, index) => {
      const warning = predicateTypeWarning(predicateType)
      const at = [...path, 'attestations', index, 'predicateType']
      return warning === undefined ? [] : [invalid(shown(predicateType), at, warning)]
    }),
  ]
}

function identityWarnings(
  { issuer, issuerRegExp, subject, subjectRegExp }: Identity,
  path: FieldPath,
): readonly string[] {
  return [
    ...literalWarnings(issuer, [...path, 'issuer']),
    ...regExpWarnings(issuerRegExp, 'issuer', [...path, 'issuerRegExp']),
    ...literalWarnings(subject, [...path, 'subject']),
    ...regExpWarnings(subjectRegExp, 'subject', [...path, 'subjectRegExp']),
  ]
}

function literalWarnings(text: string | undefined, path: FieldPath): readonly string[] {
  if (!text?.includes('*')) return []
  return [quoting(text, path, 'is compared as it stands, stars included: use the RegExp field for a pattern')]
}

function regExpWarnings(text: string | undefined, part: IdentityPart, path: FieldPath): readonly string[] {
  if (!text) return []
  return expressionWarnings(parseIdentityExpression(text), part).map(warning => quoting(text, path, warning))
}

/** Where the reference drops a check without a word. */
function witnessWarnings({ keyless, ctlog, rfc3161timestamp }: Authority, path: FieldPath): readonly string[] {
  const at = (...fields: FieldPath) => pathText([...path, ...fields])
  if (rfc3161timestamp?.trustRootRef)
    return ctlog === undefined
      ? []
      : [`${at('ctlog')}: has no effect beside rfc3161timestamp.trustRootRef: the timestamp takes the place of the log`]
  const isEmpty = rfc3161timestamp !== undefined
  const isUnwitnessed = keyless?.trustRootRef && ctlog === undefined
  return [
    ...(isEmpty ? [`${at('rfc3161timestamp')}: has no effect without trustRootRef`] : []),
    ...(isUnwitnessed ? [`${at('keyless', 'trustRootRef')}: ${UNWITNESSED}`] : []),
  ]
}

const UNWITNESSED =
  'no log is asked for: a certificate counts at the time that a timestamp or a promise of a log of this trust root proves, and without either only as long as it is valid; add ctlog.trustRootRef to ask for the log'

function quoting(text: string, path: FieldPath, warning: string): string {
  return `${pathText(path)}: ${JSON.stringify(text)} ${warning}`
}
