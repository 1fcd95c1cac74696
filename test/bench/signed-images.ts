/** Images that are really built and signed, each under a digest of its own, in all the ways that are compared; and the policies about them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEFAULT_TRUST_ROOT } from '#core/domain/trust-root.ts'
import { makeTurns } from '#core/runtime/turns.ts'
import type { EmbeddedRegistry, SignOrder } from '#test/support/embedded-registry.ts'

type Signing = Omit<SignOrder, 'repository' | 'digest'>

const NAME = 'bench'
const SIGNER = { issuer: 'https://issuer.acme.test', subject: 'https://ci.acme.test/build@main' }
const KEYLESS = { keyless: { sigstore: NAME, ...SIGNER } }
const PREDICATE = 'https://cyclonedx.org/bom'

/** As cosign 2 signs (the `.sig` tag, the promise of Rekor v1), and as cosign 3 does (a bundle, Rekor v2, a timestamp). */
const SIGNINGS = {
  'key, legacy': { key: NAME, layout: 'simple-signing' },
  'key, bundle': { key: NAME, layout: 'bundle' },
  'keyless, legacy': { ...KEYLESS, layout: 'simple-signing', log: 'rekor1' },
  'keyless, bundle': { ...KEYLESS, layout: 'bundle', log: 'rekor2', timestamp: true },
  'attested by key': { key: NAME, layout: 'bundle', predicateType: PREDICATE },
} as const satisfies Readonly<Record<string, Signing>>

export type Kind = keyof typeof SIGNINGS

/** Makes so many, and gives what a Pod would call them; `more` is what is unusual about their signature. */
export type MakeImages = (kind: Kind, count: number, more?: Signing) => Promise<readonly string[]>

export type Folders = { readonly policies: string; readonly trustRoots: string }

/** How many orders are with the registry at the same time: it has one core, and so have we. */
const AT_ONCE = 4

/** Makes key and Sigstore, and writes policies and trust root into the folders that a webhook is started with. */
export async function prepareImages(registry: EmbeddedRegistry, folders: Folders): Promise<MakeImages> {
  const pem = await registry.key(NAME)
  const root = await registry.sigstore({ name: NAME })
  mkdirSync(folders.trustRoots)
  writeFileSync(join(folders.trustRoots, `${DEFAULT_TRUST_ROOT}.json`), JSON.stringify(root))
  writePolicies(folders.policies, registry.host, pem)
  const inTurn = makeTurns(AT_ONCE)
  let made = 0
  const makeOne = async (kind: Kind, more: Signing) => {
    const repository = `${folderOf(kind)}/app-${made++}`
    const { digest } = await registry.image({ repository })
    await registry.sign({ repository, digest, ...SIGNINGS[kind], ...more })
    return `${registry.host}/${repository}:v1@${digest}`
  }
  return (kind, count, more = {}) => Promise.all(Array.from({ length: count }, () => inTurn(() => makeOne(kind, more))))
}

/** `key`, `keyless` or `attested`: each has a policy. */
function folderOf(kind: Kind): string {
  return kind.replace(/[ ,].*/, '')
}

function writePolicies(folder: string, host: string, pem: string): void {
  mkdirSync(folder)
  const byKey = { key: { data: pem } }
  const authorities = {
    key: byKey,
    keyless: { keyless: { identities: [SIGNER] } },
    attested: { ...byKey, attestations: [{ name: 'bill', predicateType: PREDICATE }] },
  }
  for (const [name, authority] of Object.entries(authorities)) {
    const policy = {
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name },
      spec: { images: [{ glob: `${host}/${name}/**` }], authorities: [{ name: 'a', ...authority }] },
    }
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(policy))
  }
}
