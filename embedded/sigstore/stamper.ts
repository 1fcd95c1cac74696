/** A timestamp authority: a root, and a certificate that stamps. */
import type { Holder } from './authority.ts'
import { issue } from './authority.ts'
import type { Life } from './certificate.ts'
import { basicConstraints, extendedKeyUsage, keyUsage } from './extensions.ts'
import { makeEcKeys } from './key-pair.ts'

/** RFC 3161, section 2.3: the one purpose, and critical. The faults are the other values. */
export type StamperPlan = Life & { readonly purpose: 'critical' | 'not-critical' | 'none' | 'codeSigning' }

export type Stamper = {
  readonly root: Holder
  readonly signer: Holder
  /** From the stamping certificate to the root. */
  readonly chain: readonly Uint8Array[]
  readonly plan: StamperPlan
}

export function makeStamper(root: Holder, plan: StamperPlan): Stamper {
  const { purpose, ...life } = plan
  const keys = makeEcKeys()
  const name = { ...root.name, commonName: 'tsa' }
  const extensions = [basicConstraints(false), keyUsage('digitalSignature'), ...purposeOf(purpose)]
  const signer = issue(root, { name, keys, life, extensions })
  return { root, signer, chain: [signer.certificate, root.certificate], plan }
}

function purposeOf(purpose: StamperPlan['purpose']) {
  if (purpose === 'none') return []
  return [
    purpose === 'codeSigning'
      ? extendedKeyUsage('codeSigning')
      : extendedKeyUsage('timeStamping', purpose === 'critical'),
  ]
}
