/** What a remembered finding is called: everything that it rests on, so that a change of any of them finds nothing. */
import type { Demand } from '#core/domain/demand.ts'
import { demandKey, trustRootsOf } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import type { TrustRoots } from '#core/domain/trust-root.ts'

declare const brand: unique symbol

export type FindingKey = string & { readonly [brand]: 'FindingKey' }

/**
 * Names a finding by digest, by what was asked (the demand holds the key's fingerprint: a rotated key asks anew), by the
 * versions of the trust roots that it rests on, and by scope: from where and as whom the registry was asked, so that one
 * tenant's answer reveals nothing to another. No tag and no policy enters: a tag moves, and a policy judges the same fact
 * in its own way. None of the parts has a space.
 */
export function findingKey(digest: Digest, demand: Demand, trust: TrustRoots, scope: string): FindingKey {
  const versions = trustRootsOf(demand).map(name => trust.get(name)?.version ?? '')
  return `${digest} ${demandKey(demand)} ${versions.join('+')} ${scope}` as FindingKey
}
