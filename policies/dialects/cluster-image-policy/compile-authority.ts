/** What an authority of a ClusterImagePolicy requires: the semantics of the reference, field by field, as demands. */
import type { Demand, KeylessSigner, KeySigner } from '#core/domain/demand.ts'
import type { IdentityPattern, TextPattern } from '#core/domain/identity.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import { DEFAULT_TRUST_ROOT } from '#core/domain/trust-root.ts'
import type { ClusterImagePolicy } from '#core/kinds/cluster-image-policy.ts'
import type { Requirement } from '../../policy.ts'
import { parseHashAlgorithm } from './hash-algorithm.ts'
import { predicateTypeOf } from './predicate-type.ts'
import { authorityName } from './rules.ts'

export type Authority = ClusterImagePolicy['spec']['authorities'][number]

type Keyless = NonNullable<Authority['keyless']>

/** Compiles an authority that broke no rule: it has a key with its data, or is keyless, or static, and nothing else of these. */
export function compileAuthority(given: Authority, index: number): Requirement {
  const authority = authorityName(given.name, index)
  const { static: fixed, attestations = [] } = given
  if (fixed !== undefined) return { kind: 'static', authority, action: fixed.action, message: fixed.message ?? '' }
  const asked = {
    by: signerOf(given),
    log: logOf(given),
    timestamp: timestampOf(given),
    layout: given.signatureFormat || 'any',
  } as const
  const proven = (demand: Demand): Requirement => ({ kind: 'proven', authority, demand })
  // Attestations take the place of the signature: the reference does not look for one beside them.
  if (attestations.length === 0) return proven({ kind: 'signature', ...asked })
  const of = attestations.map(({ predicateType }) =>
    proven({ kind: 'attestation', predicateType: predicateTypeOf(predicateType), ...asked }),
  )
  return { kind: 'all-of', of }
}

function signerOf({ key, keyless }: Authority): KeySigner | KeylessSigner {
  if (keyless === undefined)
    return { kind: 'key', key: parsePublicKey(key?.data), hash: parseHashAlgorithm(key?.hashAlgorithm) }
  return {
    kind: 'keyless',
    trustRoot: keyless.trustRootRef || DEFAULT_TRUST_ROOT,
    identities: keyless.identities.map(identityOf),
    sct: keyless.insecureIgnoreSCT === true ? 'ignored' : 'required',
  }
}

function identityOf({ issuer, issuerRegExp, subject, subjectRegExp }: Keyless['identities'][number]): IdentityPattern {
  return { issuer: patternOf(issuer, issuerRegExp), subject: patternOf(subject, subjectRegExp) }
}

/** One of the two is given, and not empty. */
function patternOf(text: string | undefined, expression = ''): TextPattern {
  return text ? { kind: 'exactly', text } : { kind: 'regexp', text: expression }
}

/**
 * Which log must hold the signature. A timestamp takes its place. A key is not asked for one unless `ctlog` says so; nor is
 * a certificate of a trust root that is named. `ctlog.url` alone means the logs of the default trust root: only what is
 * in a trust root is believed, and no log is ever contacted.
 */
function logOf({ keyless, ctlog, rfc3161timestamp }: Authority): Demand['log'] {
  if (rfc3161timestamp?.trustRootRef) return undefined
  if (ctlog !== undefined) return { trustRoot: ctlog.trustRootRef || DEFAULT_TRUST_ROOT, atLeast: 1 }
  const isPublic = keyless !== undefined && !keyless.trustRootRef
  return isPublic ? { trustRoot: DEFAULT_TRUST_ROOT, atLeast: 1 } : undefined
}

function timestampOf({ rfc3161timestamp }: Authority): Demand['timestamp'] {
  return rfc3161timestamp?.trustRootRef ? { trustRoot: rfc3161timestamp.trustRootRef } : undefined
}
