/** Every way in which an image can be signed or attested here, what a verifier may demand of each, and what then lies in the registry. */
import type { Artefact } from '#core/domain/artefact.ts'
import type { AttestationDemand, Demand, KeylessSigner, KeySigner, SignatureDemand } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import { parseDigest } from '#core/domain/digest.ts'
import { searchFor } from '#core/domain/search.ts'
import { DEFAULT_TRUST_ROOT } from '#core/domain/trust-root.ts'
import type { RegistryView } from '#core/registry/client.ts'
import { patience, pinned } from '#test/core/registry/make-client.ts'
import type { EmbeddedRegistry, SignOrder } from '#test/support/embedded-registry.ts'

export const ALICE = { issuer: 'https://issuer.acme.test', subject: 'https://ci.acme.test/build@main' }
export const PROVENANCE = 'https://slsa.dev/provenance/v1'

export type Scheme = {
  readonly name: string
  /** The folder in which its images lie. */
  readonly folder: string
  /** What of it a fault may ask for, by the names of `SignatureFault.needs`. */
  readonly has: readonly string[]
  readonly order: Omit<SignOrder, 'repository' | 'digest'>
}

const SIGNERS = {
  keyless: { has: ['certificate'], order: { keyless: { sigstore: 'acme', ...ALICE } } },
  key: { has: [], order: { key: 'release', sigstore: 'acme' } },
} as const

const ATTESTED = { predicateType: PROVENANCE, predicate: { builder: 'acme' } } as const
const BUNDLE = { layout: 'bundle' } as const
const [TO_REKOR1, TO_REKOR2] = [{ log: 'rekor1' }, { log: 'rekor2', timestamp: true }] as const
const IN_BUNDLE = ['log', 'proof', 'statement', 'bundle'] as const

type Layout = readonly [name: string, has: readonly string[], order: Scheme['order']]

const LAYOUTS: readonly Layout[] = [
  ['bundle 0.3', [...IN_BUNDLE, 'rekor2', 'timestamp'], { ...BUNDLE, ...TO_REKOR2 }],
  ['bundle 0.2', [...IN_BUNDLE, 'promise', 'chain'], { ...BUNDLE, bundleVersion: '0.2', ...TO_REKOR1 }],
  [
    'bundle 0.2, stamped',
    [...IN_BUNDLE, 'promise', 'chain', 'timestamp'],
    { ...BUNDLE, bundleVersion: '0.2', ...TO_REKOR1, timestamp: true },
  ],
  ['bundle 0.1', ['log', 'promise', 'statement', 'bundle', 'chain'], { ...BUNDLE, bundleVersion: '0.1', ...TO_REKOR1 }],
  ['sig', ['log', 'promise', 'chain'], { layout: 'simple-signing', ...TO_REKOR1 }],
  [
    'sig, stamped',
    ['log', 'promise', 'chain', 'timestamp'],
    { layout: 'simple-signing', ...TO_REKOR1, timestamp: true },
  ],
  ['att', ['log', 'promise', 'chain', 'statement'], { layout: 'attachment', ...TO_REKOR1, ...ATTESTED }],
  [
    'att, stamped',
    ['log', 'promise', 'chain', 'statement', 'timestamp'],
    { layout: 'attachment', ...TO_REKOR1, timestamp: true, ...ATTESTED },
  ],
  ['attestation in a bundle 0.3', [...IN_BUNDLE, 'rekor2', 'timestamp'], { ...BUNDLE, ...TO_REKOR2, ...ATTESTED }],
  [
    'attestation in a bundle 0.2',
    [...IN_BUNDLE, 'promise', 'chain'],
    { ...BUNDLE, bundleVersion: '0.2', ...TO_REKOR1, ...ATTESTED },
  ],
]

/** All layouts by all signers. */
export const SCHEMES: readonly Scheme[] = Object.entries(SIGNERS).flatMap(([by, signer]) =>
  LAYOUTS.map(([name, has, order]) => ({
    name: `${name}, ${by}`,
    folder: `${name} ${by}`.replaceAll(/[^a-z0-9.]+/g, '-'),
    // A key comes without a chain.
    has: [...signer.has, ...has.filter(need => by === 'keyless' || need !== 'chain')],
    order: { ...order, ...signer.order },
  })),
)

/** Those in which a fault shows that needs all of this. */
export function schemesWith(needs: readonly string[]): readonly Scheme[] {
  return SCHEMES.filter(({ has }) => needs.every(need => has.includes(need)))
}

/** Whom a policy here would name: what Fulcio calls a user name is a name as good as any. */
const SUBJECTS = [ALICE.subject, 'alice!users.test']

export const BY_ALICE: KeylessSigner = {
  kind: 'keyless',
  trustRoot: DEFAULT_TRUST_ROOT,
  identities: SUBJECTS.map(text => ({
    issuer: { kind: 'exactly', text: ALICE.issuer },
    subject: { kind: 'exactly', text },
  })),
  sct: 'required',
}

/** All that was ordered. */
export function demandOf({ order }: Scheme, key: KeySigner): SignatureDemand | AttestationDemand {
  const asked = {
    by: order.keyless === undefined ? key : BY_ALICE,
    log: { trustRoot: DEFAULT_TRUST_ROOT, atLeast: 1 },
    timestamp: order.timestamp === true ? { trustRoot: DEFAULT_TRUST_ROOT } : undefined,
    layout: 'any',
  } as const
  if (order.predicateType === undefined) return { kind: 'signature', ...asked }
  return { kind: 'attestation', predicateType: order.predicateType, ...asked }
}

/**
 * The same as ClusterImagePolicies about the images in the folder of the scheme. In that dialect a timestamp takes the
 * place of the log, so that both are demanded by two policies only.
 */
export function policiesFor({ folder, order }: Scheme, host: string, pem: string): readonly object[] {
  const identities = SUBJECTS.map(subject => ({ issuer: ALICE.issuer, subject }))
  const by = order.keyless === undefined ? { key: { data: pem } } : { keyless: { identities } }
  const { predicateType } = order
  const attested = predicateType === undefined ? {} : { attestations: [{ name: 'attested', predicateType }] }
  return (order.timestamp === true ? ['ctlog', 'rfc3161timestamp'] : ['ctlog']).map(witness => ({
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: `${folder}-${witness}` },
    spec: {
      images: [{ glob: `${host}/${folder}/**` }],
      authorities: [{ name: 'a', ...by, [witness]: { trustRootRef: DEFAULT_TRUST_ROOT }, ...attested }],
    },
  }))
}

export type Attached = { readonly repository: string; readonly digest: Digest }

let count = 0

/** Builds an image of its own and signs it; `more` is what is unusual. */
export async function signNew(
  registry: EmbeddedRegistry,
  { folder, order }: Scheme,
  more: object = {},
): Promise<Attached> {
  const repository = `${folder}/${++count}`
  const { digest } = await registry.image({ repository })
  await registry.sign({ repository, digest, ...order, ...more })
  return { repository, digest: parseDigest(digest) }
}

/** All that lies where the demand would have it looked for. */
export async function fetchArtefacts(
  view: Pick<RegistryView, 'discover'>,
  host: string,
  { repository, digest }: Attached,
  demand: Demand,
): Promise<readonly Artefact[]> {
  const { places } = view.discover(pinned(host, repository, digest), searchFor([demand]), patience)
  const found = await Promise.all(places)
  const [trouble] = found.flatMap(({ refusals, silences }) => [...refusals, ...silences])
  if (trouble !== undefined) throw new Error(`${repository}: ${trouble.code}, ${trouble.detail}`)
  return found.flatMap(({ artefacts }) => artefacts)
}
