/** The keyless trust root of test/fixtures, and demands that whoever it knows can meet. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseTrustedRoot } from '#certs/trusted/parse-trusted-root.ts'
import type { Demand } from '#core/domain/demand.ts'
import type { TrustRoots } from '#core/domain/trust-root.ts'

export const RECORDED_ROOT = readFileSync(join(import.meta.dirname, '../fixtures/images/trusted_root.json'))
export const RECORDED_TRUST: TrustRoots = new Map([['default', parseTrustedRoot(RECORDED_ROOT, 'default')]])

/** Anybody whom the trust root knows. */
export const ANYBODY: Demand = {
  kind: 'signature',
  by: {
    kind: 'keyless',
    trustRoot: 'default',
    identities: [{ issuer: { kind: 'glob', text: '**' }, subject: { kind: 'glob', text: '**' } }],
    sct: 'required',
  },
  log: { trustRoot: 'default', atLeast: 1 },
  timestamp: undefined,
  layout: 'any',
}

export const ANYBODYS_PROVENANCE: Demand = {
  ...ANYBODY,
  kind: 'attestation',
  predicateType: 'https://slsa.dev/provenance/v1',
}
