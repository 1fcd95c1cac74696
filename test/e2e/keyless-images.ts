/** Images signed and attested by the real cosign with a private Sigstore: as somebody with an identity, or with a key that is logged. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeCosign2, makeCosign3, makeCrane } from '../stack/make-runner.ts'
import type { Owner } from '../stack/owner.ts'
import type { Sigstore } from '../stack/sigstore.ts'
import { pushImage } from './images.ts'

export const JANE = 'jane@shop.test'
export const WORKFLOW = 'shop/web/.github/workflows/release.yml@refs/heads/main'

/** Which cosign, and what proves when it was: cosign 2 writes the tags `.sig` and `.att`, cosign 3 bundles. */
const TOOLS = [
  'cosign 2, Rekor v1',
  'cosign 2, Rekor v1, timestamp',
  'cosign 3, Rekor v1',
  'cosign 3, Rekor v2',
] as const
type Tool = (typeof TOOLS)[number]

export type Deed = {
  readonly what: 'sign' | 'attest'
  readonly by: 'jane' | 'workflow' | 'key'
  readonly with: Tool
}

export type KeylessImageMaker = {
  /** PEM of the key that signs where `by` is `key`. */
  readonly publicKey: string
  /** Builds and pushes an image and does all of this to it; gives its digest. */
  readonly make: (reference: string, ...deeds: readonly Deed[]) => Promise<string>
}

/** Provenance of SLSA v1.0, by which cosign files it under https://slsa.dev/provenance/v1. */
const PROVENANCE = {
  buildDefinition: { buildType: 'https://shop.test/build/v1', externalParameters: { branch: 'main' } },
  runDetails: { builder: { id: 'https://shop.test/builder' } },
}

/** Makes the programs ready. Everything is asked of this Sigstore, and of nobody else. */
export async function makeKeylessImageMaker(owner: Owner, sigstore: Sigstore): Promise<KeylessImageMaker> {
  const [crane, two, three] = await Promise.all([makeCrane(owner), makeCosign2(owner), makeCosign3(owner)])
  await two.run(['generate-key-pair'])
  const provenance = join(two.folder, 'provenance.json')
  await writeFile(provenance, JSON.stringify(PROVENANCE))
  const key = `--key=${join(two.folder, 'cosign.key')}`
  const what = {
    sign: ['sign'],
    attest: ['attest', '--type=slsaprovenance1', `--predicate=${provenance}`],
  }
  const by = {
    jane: () => `--identity-token=${sigstore.issuer.emailToken(JANE)}`,
    workflow: () => `--identity-token=${sigstore.issuer.workflowToken(WORKFLOW)}`,
    key: () => key,
  }
  const run = (deed: Deed, image: string) => {
    const args = [...what[deed.what], ...flagsOf(sigstore, deed.with), by[deed.by](), image]
    const isTwo = deed.with.startsWith('cosign 2')
    return isTwo ? two.run(args, { env: sigstore.cosign2Env }) : three.run(args)
  }
  const make: KeylessImageMaker['make'] = async (reference, ...deeds) => {
    const image = await pushImage(crane, reference)
    // One after the other: cosign 2 rewrites the tag that it adds to.
    for (const deed of deeds) await run(deed, image)
    return image.split('@')[1] ?? ''
  }
  return { publicKey: await readFile(join(two.folder, 'cosign.pub'), 'utf8'), make }
}

function flagsOf({ fulcio, rekor1, timestampAuthority, ...files }: Sigstore, tool: Tool): readonly string[] {
  const { trustedRoot, signingConfig, signingConfig1 } = files
  const services = [`--fulcio-url=${fulcio.url}`, `--rekor-url=${rekor1.url}`]
  const flags: Readonly<Record<Tool, readonly string[]>> = {
    'cosign 2, Rekor v1': services,
    'cosign 2, Rekor v1, timestamp': [...services, `--timestamp-server-url=${timestampAuthority.url}`],
    'cosign 3, Rekor v1': [`--signing-config=${signingConfig1}`, `--trusted-root=${trustedRoot}`],
    'cosign 3, Rekor v2': [`--signing-config=${signingConfig}`, `--trusted-root=${trustedRoot}`],
  }
  return flags[tool]
}
