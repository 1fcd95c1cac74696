/** The images of the first try: each is signed, attested or spoilt as the row that asks about it needs it. */
import { PROVENANCE, RELEASE, SIGSTORE } from './people.ts'
import type { RegistryControl, SignOrder } from './registry-control.ts'

type How = Omit<SignOrder, 'repository' | 'digest' | 'layout'> & Partial<Pick<SignOrder, 'layout'>>

/** What cosign 3 leaves with an image that is signed without a key. */
const KEYLESS: How = { keyless: RELEASE, layout: 'bundle', log: 'rekor2', timestamp: true }

const PREDICATE = { buildDefinition: { buildType: 'https://ci.shop.test/build/v1' } }

/** By repository; what is not said is neither signed nor attested. Simple signing is what cosign wrote for years. */
const SIGNED: Readonly<Record<string, How | undefined>> = {
  'shop/web': { key: 'release' },
  'shop/side': { key: 'release' },
  'shop/unsigned': undefined,
  'shop/stranger': { key: 'stranger' },
  'shop/forged': { key: 'release', layout: 'bundle', tamper: 'payload' },
  'shop/changed': { key: 'release' },
  'shop/moved': { key: 'release' },
  'shop/down': { key: 'release' },
  'shop/slow': { key: 'release' },
  'trial/app': undefined,
  'elsewhere/app': { key: 'release' },
  'keyless/web': KEYLESS,
  'keyless/mallory': { ...KEYLESS, keyless: { ...RELEASE, subject: 'https://ci.shop.test/mallory/web' } },
  'keyless/forged': { ...KEYLESS, fault: 'untrusted-ca' },
  'keyless/unlogged': { keyless: RELEASE, layout: 'bundle', timestamp: true },
  'proven/web': { ...KEYLESS, predicateType: PROVENANCE, predicate: PREDICATE },
  'proven/signed': KEYLESS,
}

/** Makes them all, in a registry that has the keys, and gives the trusted_root.json of the Sigstore that is to be believed. */
export async function makeImages(registry: RegistryControl): Promise<object> {
  const trustedRoot = await registry.sigstore(SIGSTORE)
  for (const [repository, how] of Object.entries(SIGNED)) {
    const digest = await registry.image(repository, 'v1', repository)
    if (how !== undefined) await registry.sign({ layout: 'simple-signing', ...how, repository, digest })
  }
  await registry.image('shop/moved', 'v1', 'something else under the same tag')
  await registry.faults([
    { repository: 'shop/changed', kind: 'manifest', reference: 'v1', fault: {} },
    { repository: 'shop/changed', kind: 'manifest', fault: { corruptByte: 20 } },
    { repository: 'shop/down', fault: { disconnect: true } },
    { repository: 'shop/slow', fault: { hang: true } },
  ])
  return trustedRoot
}
