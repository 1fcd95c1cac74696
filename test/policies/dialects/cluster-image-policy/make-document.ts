/** ClusterImagePolicies for tests of their dialect, what is wrong with them and what becomes of them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Demand, SignatureDemand } from '#core/domain/demand.ts'
import { InputError } from '#core/domain/input-error.ts'
import { parseClusterImagePolicy } from '#policies/dialects/cluster-image-policy/parse-cluster-image-policy.ts'
import type { Requirement } from '#policies/policy.ts'

const KEYS = join(import.meta.dirname, '../../../fixtures/images/keys')
export const P256 = readFileSync(join(KEYS, 'p256.pub'), 'utf8')
export const RSA = readFileSync(join(KEYS, 'rsa.pub'), 'utf8')
export const ED25519 = readFileSync(join(KEYS, 'ed25519.pub'), 'utf8')

export const SOURCE = 'policies/release.yaml'

export const IDENTITY = { issuer: 'https://issuer.test', subject: 'me@a.test' }
export const KEYLESS = { identities: [IDENTITY] }
export const SBOM = { name: 'sbom', predicateType: 'https://sbom.test' }

export function makeDocument(spec: object = {}, more: object = {}): object {
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'release' },
    spec: { images: [{ glob: '**' }], authorities: [{ key: { data: P256 } }], ...spec },
    ...more,
  }
}

export function parse(document: unknown) {
  return parseClusterImagePolicy(document, SOURCE)
}

/** The faults of a document, without the source that every line begins with. */
export function faultsOf(document: unknown): readonly string[] {
  try {
    parse(document)
    return []
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return error.message.split('\n').map(withoutSource)
  }
}

export function faultsOfAuthority(authority: object): readonly string[] {
  return faultsOf(makeDocument({ authorities: [authority] }))
}

export function leavesOf(spec: object): readonly Requirement[] {
  const { requires } = parse(makeDocument(spec)).policy
  if (requires.kind !== 'any-of') throw new Error(`expected any-of, got ${requires.kind}`)
  return requires.of
}

/** What a policy with this one authority requires. */
export function requirementOf(authority: object): Requirement {
  const [requirement, ...more] = leavesOf({ authorities: [authority] })
  if (requirement === undefined || more.length > 0) throw new Error('expected one authority')
  return requirement
}

/** The one demand of an authority that has one. */
export function demandOf(authority: object): Demand {
  const requirement = requirementOf(authority)
  if (requirement.kind !== 'proven') throw new Error(`expected a demand, got ${requirement.kind}`)
  return requirement.demand
}

/** The warnings of a policy with this one authority, without the source that every one begins with. */
export function warningsOfAuthority(authority: object): readonly string[] {
  return parse(makeDocument({ authorities: [authority] })).warnings.map(withoutSource)
}

/** The demand for a signature by them, with nothing else asked. */
export function signatureBy(by: Demand['by']): SignatureDemand {
  return { kind: 'signature', by, log: undefined, timestamp: undefined, layout: 'any' }
}

function withoutSource(line: string): string {
  if (!line.startsWith(`${SOURCE}: `)) throw new Error(`expected the source at the start of ${JSON.stringify(line)}`)
  return line.slice(`${SOURCE}: `.length)
}
