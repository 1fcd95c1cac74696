/** Whether a trust root can be verified with at all. */
import type { TrustRoot } from '#core/domain/trust-root.ts'
import { decodeAuthorities } from './certificate/authority.ts'

/** Reads all that a verification would read; throws an InputError that says which authority cannot be used. */
export function checkTrustRoot({ authorities, timestampAuthorities }: TrustRoot): void {
  decodeAuthorities(authorities)
  decodeAuthorities(timestampAuthorities)
}
