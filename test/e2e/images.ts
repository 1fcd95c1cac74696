/** Images in the real registries, signed by the real cosign, as a release would do it. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeCosign2, makeCosign3, makeCrane, type Runner } from '../stack/make-runner.ts'
import type { Owner } from '../stack/owner.ts'

/** `cosign-2` writes the `.sig` tag, `cosign-3` a bundle: a referrer, or the fallback tag where the registry knows none. */
type Signature = 'none' | 'cosign-2' | 'cosign-3' | 'by-a-stranger'

export type ImageMaker = {
  /** PEM of the key that a policy is to accept. */
  readonly publicKey: string
  /** Builds, pushes and signs an image; gives its digest. No two references have the same one. */
  readonly make: (reference: string, signature: Signature) => Promise<string>
}

/** Logs and times are asked of nobody: what is signed here is signed with a key. */
const OFFLINE = ['--tlog-upload=false']
const SIGN = {
  'cosign-2': OFFLINE,
  'cosign-3': [...OFFLINE, '--use-signing-config=false'],
}

/** Makes the programs ready, and a key pair for each signer. */
export async function makeImageMaker(owner: Owner): Promise<ImageMaker> {
  const [crane, two, three] = await Promise.all([makeCrane(owner), makeCosign2(owner), makeCosign3(owner)])
  // The key of cosign 2 is the release's; that of cosign 3 belongs to the stranger.
  await Promise.all([two, three].map(cosign => cosign.run(['generate-key-pair'])))
  const release = join(two.folder, 'cosign.key')
  const sign: Record<Exclude<Signature, 'none'>, (image: string) => Promise<unknown>> = {
    'cosign-2': image => two.run(['sign', `--key=${release}`, ...SIGN['cosign-2'], image]),
    'cosign-3': image => three.run(['sign', `--key=${release}`, ...SIGN['cosign-3'], image]),
    'by-a-stranger': image => three.run(['sign', '--key=cosign.key', ...SIGN['cosign-3'], image]),
  }
  const make: ImageMaker['make'] = async (reference, signature) => {
    const image = await pushImage(crane, reference)
    if (signature !== 'none') await sign[signature](image)
    return image.split('@')[1] ?? ''
  }
  return { publicKey: await readFile(join(two.folder, 'cosign.pub'), 'utf8'), make }
}

/** Pushes an image of one layer, whose contents are the reference itself, and gives the reference with its digest. */
export async function pushImage(crane: Runner, reference: string): Promise<string> {
  const layer = `layer-${encodeURIComponent(reference)}`
  await writeFile(join(crane.folder, layer), reference)
  const { stdout } = await crane.run(['append', '--oci-empty-base', `--new_layer=${layer}`, `--new_tag=${reference}`])
  return stdout.trim()
}
