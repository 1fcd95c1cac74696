/** A folder with a Pod, a policy and a list of registries, and `shedu check` over them with a cache folder. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EmbeddedRegistry } from '#test/support/embedded-registry.ts'
import { makePod } from '#test/support/make-subject.ts'
import { type Ended, shedu } from './run-shedu.ts'

type Test = { readonly teardown: (end: () => void) => unknown }

/** What standard error says of a run that asked nobody. */
export const OFFLINE = /^offline: no registry was asked; the oldest answer is of (\S+)\n$/

export type Stage = {
  readonly dir: string
  /** Where the answers are kept. */
  readonly cache: string
  readonly check: (...more: readonly string[]) => Promise<Ended>
  readonly offline: (...more: readonly string[]) => Promise<Ended>
}

/** A Pod with an image, the policy that wants everything signed by these keys, and how the registries are reached. */
export function makeStage(
  t: Test,
  image: string,
  keys: readonly string[],
  registries: object,
  environment: Readonly<Record<string, string>> = {},
): Stage {
  const dir = mkdtempSync(join(tmpdir(), 'shedu-offline-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  writePolicy(
    dir,
    keys.map(data => ({ key: { data } })),
  )
  writeFileSync(join(dir, 'pod.yaml'), JSON.stringify(makePod(image)))
  writeFileSync(join(dir, 'registries.json'), JSON.stringify(registries))
  const cache = join(dir, 'cache')
  const args = ['check', '-f', join(dir, 'pod.yaml'), '--policies', join(dir, 'policies'), '--cache', cache]
  const check: Stage['check'] = (...more) =>
    shedu([...args, '--registries', join(dir, 'registries.json'), ...more], undefined, environment)
  return { dir, cache, check, offline: (...more) => check('--offline', ...more) }
}

export function writePolicy(dir: string, authorities: readonly object[]): void {
  const document = {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'signed' },
    spec: { images: [{ glob: '**' }], authorities },
  }
  writeInto(join(dir, 'policies'), 'signed.json', JSON.stringify(document))
}

/** An image that the key `release` signed. */
export async function makeSigned(registry: EmbeddedRegistry, layout: 'simple-signing' | 'bundle' = 'bundle') {
  const key = await registry.key('release')
  const { digest } = await registry.image({ repository: 'shop/app', contents: 'good' })
  await registry.sign({ repository: 'shop/app', digest, key: 'release', layout })
  return { key, digest, image: `${registry.host}/shop/app:v1` }
}

export const plain = ({ host }: EmbeddedRegistry, more: object = {}) => ({ host, plainHttp: true, ...more })
export const asOfOf = ({ stderr }: Ended) => OFFLINE.exec(stderr)?.[1]

export function writeInto(folder: string, name: string, content: Uint8Array | string): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), content)
}
