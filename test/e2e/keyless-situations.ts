/** What the situations need that are about signatures without keys: a Sigstore of the embedded registry, policies, images. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Owner } from '../stack/owner.ts'
import { makeWorkFolder } from '../stack/work-folder.ts'
import type { EmbeddedRegistry, SignOrder } from '../support/embedded-registry.ts'
import { type Addition, below, makePolicy } from './stage.ts'

const RELEASE = { subject: 'https://ci.shop.test/web/release', issuer: 'https://ci.shop.test' }
const PROVENANCE = 'https://slsa.dev/provenance/v1'

/** What images below `released/`, `proven/` and `untrusted/` must have, and the trust root for it. */
export async function keylessOf(owner: Owner, embedded: EmbeddedRegistry): Promise<Addition> {
  const folder = await makeWorkFolder(owner, 'trust-roots')
  await writeFile(join(folder, 'default.json'), JSON.stringify(await embedded.sigstore({ name: 'shop' })))
  const keyless = { identities: [RELEASE] }
  const attestations = [{ name: 'provenance', predicateType: PROVENANCE }]
  const authorities = {
    released: { keyless },
    proven: { keyless, attestations },
    untrusted: { keyless: { ...keyless, trustRootRef: 'partners' }, ctlog: { trustRootRef: 'partners' } },
  }
  const policies = Object.entries(authorities).map(([name, authority]) =>
    makePolicy(`${name}-by-the-build`, below(name, [embedded.host]), {
      authorities: [{ name: 'release-identity', ...authority }],
    }),
  )
  return { policies, settings: { SHEDU_TRUST_ROOTS_DIR: folder } }
}

const KEYLESS: Omit<SignOrder, 'repository' | 'digest'> = {
  keyless: { sigstore: 'shop', ...RELEASE },
  layout: 'bundle',
  log: 'rekor2',
  timestamp: true,
}

const SIGNED: Readonly<Record<string, typeof KEYLESS>> = {
  'released/mallory': {
    ...KEYLESS,
    keyless: { ...RELEASE, sigstore: 'shop', subject: 'https://ci.shop.test/mallory/web' },
  },
  'released/forged': { ...KEYLESS, fault: 'untrusted-ca' },
  'released/unlogged': { ...KEYLESS, log: 'none' },
  'released/attested': { ...KEYLESS, predicateType: PROVENANCE },
  'proven/signed': KEYLESS,
  'untrusted/web': KEYLESS,
}

/** Makes and signs them. */
export async function makeKeylessImages(embedded: EmbeddedRegistry): Promise<void> {
  for (const [repository, order] of Object.entries(SIGNED)) {
    const { digest } = await embedded.image({ repository })
    await embedded.sign({ repository, digest, ...order })
  }
}
